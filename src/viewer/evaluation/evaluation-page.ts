// Evaluation: the report's numbers and plots, and every trial whose motion is written, to be watched again.

import { EVALUATION_FORMAT, type Evaluation } from '../../evaluate/evaluation.js';
import { notes, reportNumbers, reportPlots } from '../../evaluate/report.js';
import { REPORT_PARTS_STYLE } from '../../evaluate/report-style.js';
import { type DatasetIndex, readIndex } from '../dataset/dataset-index.js';
import { createShardReader, type ShardReader } from '../dataset/shard-reader.js';
import { type Page, type PageContext, ProblemError, type Route, type SourceItem } from '../page.js';
import { loadDescription } from '../scene/load-description.js';
import { button, element } from '../shell/elements.js';
import { createItemChooser } from '../shell/item-chooser.js';
import { problemOf, problemPanel } from '../shell/problem.js';
import { createReplay } from './replay-model.js';
import { createReplayPanel, type ReplayPanel } from './replay-panel.js';
import { createTrialList } from './trial-list.js';
import { listTrials, type Trial } from './trials.js';
import './evaluation.css';

/** As in src/evaluate/trial-episodes.ts, which writes files and so is not for a page. */
const TRIALS_FOLDER = 'trials';
const TRIALS_SECTION = 'trials';
/** How often the address follows the clock (ms): browsers allow few changes. */
const ADDRESS_MS = 500;

export function createPage(): Page {
  const releases: (() => void)[] = [];
  return {
    title: 'Evaluation',
    async mount(root, context) {
      const { items } = await context.source.describe();
      const all = items.filter(({ kind }) => kind === 'evaluation');
      const item = chooseItem(all, context.route);
      const evaluation = await readEvaluation(context, item);
      const report = element('div', { class: 'evaluation' });
      root.append(report);
      report.append(element('style', { text: `.evaluation { ${REPORT_PARTS_STYLE} }` }));
      report.append(
        header(context, all, item, evaluation),
        htmlPart(reportNumbers(evaluation)),
        await trialSection(context, item, evaluation, report, releases),
        htmlPart([...reportPlots(evaluation), notes(evaluation)]),
      );
    },
    unmount() {
      for (const release of releases.splice(0)) release();
    },
  };
}

function chooseItem(all: readonly SourceItem[], { parameters }: Route): SourceItem {
  const found =
    all.find(({ name }) => name === parameters.item) ?? (parameters.item === undefined ? all[0] : undefined);
  if (found !== undefined) return found;
  throw new ProblemError({
    what: `There is no evaluation ${parameters.item ?? ''} here`,
    fix: `Choose one of those that are: ${all.map(({ name }) => name).join(', ')}`,
  });
}

async function readEvaluation({ source }: PageContext, { path, name }: SourceItem): Promise<Evaluation> {
  const evaluation = await source.readJson<Evaluation>(`${path}/evaluation.json`);
  if (evaluation.format === EVALUATION_FORMAT && evaluation.contenders.length > 0) return evaluation;
  throw new ProblemError({
    what: `${name}/evaluation.json is of another format`,
    fix: `Expected ${EVALUATION_FORMAT}, found ${evaluation.format ?? 'none'}. View it with the version of nextgait that wrote it, or evaluate again.`,
  });
}

/** HTML of the report, whose makers escape every text of the evaluation. */
function htmlPart(parts: readonly string[]): HTMLElement {
  const part = element('section', { class: 'report-part' });
  part.innerHTML = parts.filter((one) => one !== '').join('\n');
  return part;
}

function header(
  context: PageContext,
  all: readonly SourceItem[],
  item: SourceItem,
  { contenders, robot, policy, tool, seed, complete }: Evaluation,
): HTMLElement {
  const choice = createItemChooser({
    label: 'Evaluation',
    current: item,
    items: all,
    onChoose: ({ name }) => context.navigate({ page: 'evaluation', parameters: { item: name } }),
  });
  context.onItems((items) => choice.set(items.filter(({ kind }) => kind === 'evaluation')));
  return element('header', { class: 'evaluation-head' }, [
    element('div', {}, [
      element('h1', { text: `${contenders[0].name} on ${robot.name}` }),
      element('p', { class: 'muted', text: `Evaluated with ${tool}, seed ${seed}. Policy: ${policy}` }),
      ...(complete
        ? []
        : [element('span', { class: 'chip chip-warning', text: 'interrupted: fewer trials than asked for' })]),
    ]),
    element('div', { class: 'evaluation-actions' }, [
      choice.element,
      button('Watch the trials', () => document.getElementById(TRIALS_SECTION)?.scrollIntoView({ block: 'start' }), {
        icon: 'play',
      }),
    ]),
  ]);
}

interface Watching {
  readonly index: DatasetIndex;
  readonly reader: ShardReader;
}

async function trialSection(
  context: PageContext,
  item: SourceItem,
  evaluation: Evaluation,
  report: HTMLElement,
  releases: (() => void)[],
): Promise<HTMLElement> {
  const section = element('section', { class: 'trials', attributes: { id: TRIALS_SECTION } }, [
    element('h2', { text: 'Watch the trials' }),
  ]);
  const watching = await openTrials(context, item);
  const trials = listTrials(evaluation, watching?.index);
  if (watching === undefined || !trials.some(({ canBeWatched }) => canBeWatched)) {
    section.append(
      element('p', {
        class: 'muted',
        text: 'The motion of these trials was not written. Evaluate again with --out and without --no-save-trials to watch them.',
      }),
    );
    return section;
  }
  let panel: ReplayPanel;
  try {
    const robot = await watching.reader.robot(watching.index.episodes[0].shard);
    if (robot === undefined)
      throw new ProblemError({ what: 'The trials do not carry their robot', fix: 'Evaluate again.' });
    const description = await loadDescription(context.source, item.path, robot);
    panel = createReplayPanel(context, evaluation, description);
  } catch (error) {
    // Numbers and plots need no WebGL: the problem takes the place of the replay alone.
    section.append(problemPanel(problemOf(error)));
    return section;
  }
  let turn = 0;
  let addressTimer = 0;
  let current: Trial | undefined;
  const address = (trial: Trial, frame: number) => ({
    page: 'evaluation' as const,
    parameters: {
      item: item.name,
      trial: `${trial.condition}/${trial.number}`,
      ...(frame > 0 ? { frame: String(frame) } : {}),
    },
  });
  const choose = async (trial: Trial, frame = 0, plays = true) => {
    const mine = ++turn;
    list.mark(trial);
    try {
      const motions = await Promise.all(
        trial.runs.flatMap((run) =>
          run.episode === undefined ? [] : [watching.reader.episode(run.episode).then((episode) => ({ run, episode }))],
        ),
      );
      // Another trial was chosen while this one came, or the page was left.
      if (mine !== turn) return;
      current = trial;
      panel.show(createReplay(motions, watching.index.rate_hz), frame);
      context.navigate(address(trial, frame), { replace: true });
      if (plays) panel.player.play();
    } catch (error) {
      if (mine === turn) context.showProblem(problemOf(error));
    }
  };
  const list = createTrialList(trials, choose);
  section.append(...baselineNote(evaluation), element('div', { class: 'trials-body' }, [list.root, panel.root]));
  const find = (name: string | undefined) =>
    trials.find(({ condition, number, canBeWatched }) => canBeWatched && `${condition}/${number}` === name);
  const writeAddress = () => {
    addressTimer = 0;
    if (current !== undefined) {
      context.navigate(address(current, Math.round(panel.player.state.frame)), { replace: true });
    }
  };
  panel.player.listen(({ playing }) => {
    if (!playing && addressTimer === 0) addressTimer = window.setTimeout(writeAddress, ADDRESS_MS);
  });
  // Dots and plots of the report lead to their trial.
  report.addEventListener('click', (event) => {
    const key = (event.target as Element).closest('svg [data-trial], svg[data-trial]')?.getAttribute('data-trial');
    const trial = find(key?.split('/').slice(1).join('/'));
    if (trial === undefined || panel.root.contains(event.target as Node)) return;
    void choose(trial);
    section.scrollIntoView({ block: 'start' });
  });
  releases.push(() => {
    turn++;
    clearTimeout(addressTimer);
    panel.dispose();
  });
  bindKeys(context, panel, list, choose);
  const linked = find(context.route.parameters.trial);
  const first = linked ?? list.shown.find(({ canBeWatched }) => canBeWatched)!;
  void choose(first, Number(context.route.parameters.frame) || 0, false);
  if (linked !== undefined) requestAnimationFrame(() => section.scrollIntoView({ block: 'start' }));
  return section;
}

/** Baselines are for comparison in numbers: their motion is never written, and the page says so. */
function baselineNote({ contenders }: Evaluation): HTMLElement[] {
  const names = contenders.filter(({ role }) => role === 'baseline').map(({ name }) => name);
  if (names.length === 0) return [];
  const walkers = contenders.some(({ role }) => role === 'teacher') ? 'the policy and its teacher' : 'the policy';
  return [
    element('p', {
      class: 'muted trials-note',
      text: `The motion of ${walkers} is written and can be watched. Of the baselines (${names.join(', ')}) there are numbers and plots alone: evaluations do not keep their motion.`,
    }),
  ];
}

async function openTrials({ source }: PageContext, { path, name, files }: SourceItem): Promise<Watching | undefined> {
  const manifest = `${TRIALS_FOLDER}/manifest.json`;
  if (!files.some((file) => file.path === manifest)) return undefined;
  const index = readIndex(await source.readJson(`${path}/${manifest}`), `${name}/${manifest}`);
  if (index.episodes.length === 0) return undefined;
  return { index, reader: createShardReader(source, `${path}/${TRIALS_FOLDER}`) };
}

function bindKeys(
  context: PageContext,
  { player, look }: ReplayPanel,
  list: ReturnType<typeof createTrialList>,
  choose: (trial: Trial) => void,
): void {
  const move = (by: number) => {
    const watchable = list.shown.filter(({ canBeWatched }) => canBeWatched);
    const selected = list.root.querySelector('[aria-selected=true]')?.getAttribute('data-trial');
    const at = watchable.findIndex(({ condition, number }) => `${condition}/${number}` === selected);
    const next = watchable[at + by];
    if (next !== undefined) choose(next);
  };
  context.bindShortcuts([
    { keys: [' '], about: 'play or pause', run: () => player.toggle() },
    { keys: ['ArrowLeft'], about: 'one frame back', run: () => player.step(-1) },
    { keys: ['ArrowRight'], about: 'one frame on', run: () => player.step(1) },
    { keys: ['Home'], about: 'to the start', run: () => player.seek(0) },
    { keys: ['<', ','], about: 'slower', run: () => player.changeSpeed(-1) },
    { keys: ['>', '.'], about: 'faster', run: () => player.changeSpeed(1) },
    { keys: ['k'], about: 'the trial before', run: () => move(-1) },
    { keys: ['j'], about: 'the next trial', run: () => move(1) },
    { keys: ['r'], about: 'camera back to the robot', run: () => look('robot') },
    { keys: ['a'], about: 'the whole path from above', run: () => look('above') },
  ]);
}
