// One run folder, followed while it trains: its metrics from where they were left, its status, its configuration.

import { parse } from 'yaml';
import type { RunStatus } from '../../train/run-status.js';
import type { SourceItem, ViewerSource } from '../page.js';
import { type Curves, createCurves } from './curves.js';
import { createMetricsTail } from './metrics-tail.js';
import { describeRun, type RunDescription } from './run-state.js';

/** What the page reads of a configuration; what is not there is undefined. */
export interface RunConfig {
  readonly name?: string;
  readonly tokens?: { readonly context?: number };
  readonly train?: { readonly steps?: number; readonly batch?: number; readonly accumulate?: number };
  readonly log?: { readonly metricsEvery?: number };
}

/** What the page shows of the data that a run was trained on. */
export interface RunData {
  readonly robot?: string;
  readonly hours?: number;
  readonly episodes?: number;
}

export interface FollowedRun {
  readonly item: SourceItem;
  readonly curves: Curves;
  readonly config: RunConfig;
  readonly data: RunData;
  /** Steps of the whole run; those that are done where the configuration does not say. */
  readonly steps: number;
  /** Lines of metrics.jsonl that could not be read. */
  readonly damagedCount: number;
  /** Reads what is new; false where nothing was. @param item the run's files as they are now */
  poll(item: SourceItem): Promise<boolean>;
  describe(now: Date): RunDescription;
}

const FILES = {
  config: 'config.yaml',
  recipe: 'recipe.json',
  metrics: 'metrics.jsonl',
  status: 'status.json',
} as const;

/** @param now_ms a clock that never goes back, for how long a run has been quiet */
export async function followRun(source: ViewerSource, item: SourceItem, now_ms: () => number): Promise<FollowedRun> {
  const config = await readConfig(source, item);
  const data = await readData(source, item);
  const curves = createCurves();
  const tail = createMetricsTail((start, end) => source.readBytes(`${item.path}/${FILES.metrics}`, { start, end }));
  let status: RunStatus | undefined;
  let damagedCount = 0;
  let grew_ms = now_ms();
  let isFirst = true;
  let sawGrowth = false;
  const newestStep = () => Math.max(curves.latest('train')?.step ?? 0, curves.latest('validation')?.step ?? 0);
  const stepsOf = () => config.train?.steps ?? Math.max(1, newestStep());

  return {
    item,
    curves,
    config,
    data,
    get steps() {
      return stepsOf();
    },
    get damagedCount() {
      return damagedCount;
    },
    async poll({ files }) {
      const has = (name: string) => files.some(({ path }) => path === name);
      const before = status;
      // What cannot be read now (a folder on a network that is away) may be there at the next look.
      if (has(FILES.status))
        status = await source.readJson<RunStatus>(`${item.path}/${FILES.status}`).catch(() => status);
      const isNew = JSON.stringify(status) !== JSON.stringify(before);
      if (!has(FILES.metrics)) return isNew;
      const { lines, restarted, damaged } = await tail.next();
      if (restarted) {
        curves.clear();
        damagedCount = 0;
      }
      curves.add(lines);
      damagedCount += damaged.length;
      if (lines.length > 0) {
        grew_ms = now_ms();
        sawGrowth = sawGrowth || !isFirst;
      }
      isFirst = false;
      return isNew || restarted || lines.length > 0;
    },
    describe: (now) =>
      describeRun(
        {
          status,
          step: newestStep(),
          steps: stepsOf(),
          metricsEvery: config.log?.metricsEvery ?? 1,
          stepsPerSecond: curves.latest('train')?.stepsPerSecond,
          quiet_s: (now_ms() - grew_ms) / 1000,
          sawGrowth,
          now,
        },
        item.name,
      ),
  };
}

/** Windows of tokens that a step reads, times their length: what a step per second is worth. */
export function tokensPerStep({ train, tokens }: RunConfig): number | undefined {
  const { batch, accumulate = 1 } = train ?? {};
  return batch === undefined || tokens?.context === undefined ? undefined : batch * accumulate * tokens.context;
}

async function readConfig(source: ViewerSource, { path }: SourceItem): Promise<RunConfig> {
  const bytes = await source.readBytes(`${path}/${FILES.config}`);
  const config: unknown = parse(new TextDecoder().decode(bytes));
  return typeof config === 'object' && config !== null ? config : {};
}

/** A run whose data nobody describes is shown without. */
async function readData(source: ViewerSource, { path }: SourceItem): Promise<RunData> {
  interface Recipe {
    readonly robot?: { readonly name?: string };
    readonly data?: { readonly report?: { readonly hours?: number; readonly episodes?: number } };
  }
  const recipe = await source.readJson<Recipe>(`${path}/${FILES.recipe}`).catch((): Recipe => ({}));
  return { robot: recipe.robot?.name, hours: recipe.data?.report?.hours, episodes: recipe.data?.report?.episodes };
}
