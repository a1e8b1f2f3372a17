// DAgger rounds (Ross et al. 2011): the student drives, the teacher labels, and training goes on with what was added.
//
// A round is a dataset and a training, each of which can be interrupted and gone on with. The folder is a run folder,
// that of the last round; earlier rounds lie in rounds/<number>/{data,run}. recipe.json remembers all of them.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DataError } from '../base/errors.js';
import { parseJson, writeFileAtomic } from '../base/files.js';
import { prepareOutput } from '../base/output-folder.js';
import { Random } from '../base/random.js';
import { DatasetWriter } from '../dataset/dataset-writer.js';
import type { SourceSummary } from '../dataset/manifest.js';
import { readCheckpoint } from '../train/checkpoint.js';
import { type Run, readRun } from '../train/run-folder.js';
import { requireUnlocked } from '../train/run-lock.js';
import { resumeTraining, startTraining, type TrainingHooks } from '../train/run-training.js';
import type { TrainConfig } from '../train/train-config.js';
import { findController } from './load-controller.js';
import { nothingKept, type RecordProgress, record } from './record-run.js';
import type { ControllerReference } from './record-server.js';
import type { RecordSettings } from './record-settings.js';

/** Marks a folder of rounds, and holds what it was begun with. */
export const DAGGER_FILE = 'dagger.json';
const ROUND_FILE = 'round.json';

export interface DaggerOptions {
  /** Run folder of the student. */
  readonly run: string;
  readonly teacher: ControllerReference;
  readonly out: string;
  readonly rounds: number;
  /** Share of the steps that the teacher drives in the first round; halved with every further round. */
  readonly mix: number;
  /** Rollouts of a round: their number, length, commands, noise, kicks and what is cut before a fall. */
  readonly settings: RecordSettings;
  /** Training of a round. Its data folders are those of the run; each round adds its own. */
  readonly config: TrainConfig;
  /** True: every round trains from fresh weights. False: it goes on from the weights of its student. */
  readonly anew: boolean;
  readonly seed: number;
  readonly workers: number;
  readonly robot?: string;
  /** Go on with what the folder holds; replace it. */
  readonly append: boolean;
  readonly overwrite: boolean;
  readonly hooks: DaggerHooks;
  readonly now_s: () => number;
}

export interface DaggerHooks extends TrainingHooks {
  readonly onRecordProgress?: (round: number, progress: RecordProgress) => void;
  /** A round's rollouts are there, and its training begins. */
  readonly onRecorded?: (round: RoundRecord) => void;
}

/** What is remembered of a round. */
export interface RoundRecord {
  /** Counted over all rounds that led to the policy. */
  readonly round: number;
  readonly student: string;
  readonly teacher: { readonly name: string; readonly sha256: string };
  readonly share: number;
  readonly seed: number;
  readonly dataset: string;
  readonly episodes: number;
  /** Rollouts that ended in a fall, and those of which a fall left too little. */
  readonly falls: number;
  readonly dropped: number;
  readonly hours: number;
}

export interface DaggerOutcome {
  readonly run: string;
  /** False where it was interrupted. */
  readonly finished: boolean;
  /** All rounds that led here, earlier calls included. */
  readonly rounds: readonly RoundRecord[];
}

/** @throws DataError for what the user can mend */
export async function dagger(options: DaggerOptions): Promise<DaggerOutcome> {
  const { out } = options;
  const first = await readRun(options.run);
  const teacher = await findController(options.teacher.reference, options.teacher);
  await openFolder(options, teacher);
  const source = teacherSource(first, teacher.name);
  const rounds = [...roundsOf(first)];
  let { config } = options;
  let student = options.run;
  for (let index = 0; index < options.rounds; index++) {
    const number = rounds.length + 1;
    const place = join(out, 'rounds', String(number));
    const share = options.mix * 0.5 ** index;
    const recorded = await recordRound(options, { place, number, student, share, source, teacher });
    if (recorded === undefined) return { run: out, finished: false, rounds };
    rounds.push(recorded);
    options.hooks.onRecorded?.(recorded);
    config = { ...config, data: { ...config.data, folders: [...config.data.folders, recorded.dataset] } };
    const run = index === options.rounds - 1 ? out : join(place, 'run');
    const finished = await trainRound(run, config, options.hooks, options.anew ? undefined : student, rounds);
    if (!finished) return { run: out, finished, rounds };
    student = run;
  }
  return { run: out, finished: true, rounds };
}

/** The rounds that a run remembers. */
export function roundsOf(run: Run): readonly RoundRecord[] {
  return (run.data.rounds as readonly RoundRecord[] | undefined) ?? [];
}

interface TeacherName {
  readonly name: string;
  readonly sha256: string;
}

/** Refuses a folder that was begun with anything else. */
async function openFolder(options: DaggerOptions, teacher: TeacherName): Promise<void> {
  const { out, run, rounds, mix, settings, config, anew, seed, append, overwrite } = options;
  const plan = {
    run,
    teacher: { name: teacher.name, sha256: teacher.sha256 },
    ...{ rounds, mix, anew, seed, settings, config },
  };
  const file = join(out, DAGGER_FILE);
  await requireUnlocked(out);
  const { existing } = await prepareOutput(out, { append, overwrite, marker: DAGGER_FILE, what: 'a relabelling' });
  if (!existing) {
    await writeFileAtomic(file, `${JSON.stringify(plan, null, 1)}\n`);
    return;
  }
  const old = parseJson(await readFile(file, 'utf8'), file);
  const now = JSON.parse(JSON.stringify(plan)) as Record<string, unknown>;
  const different = Object.keys(now).filter((key) => !isDeepStrictEqual(now[key], old[key]));
  if (different.length === 0) return;
  throw new DataError({
    where: `--out ${out} --append`,
    what: 'the folder was begun with other settings',
    expected: different.map((key) => `${key} as in ${DAGGER_FILE}`).join(', '),
    fix: 'Repeat the command that began it with --append; for more rounds give its folder as the run, and a new --out',
  });
}

/**
 * The source that shows what the teacher achieves for a command: the one of its name, or else the one with the most
 * labelled frames.
 */
function teacherSource(run: Run, teacher: string): string | undefined {
  const sources = (run.data.sources as readonly SourceSummary[] | undefined) ?? [];
  const labelled = sources.filter(({ source, coverage }) => !/^dagger-\d+$/.test(source) && (coverage.action ?? 0) > 0);
  const frames = new Map<string, number>();
  for (const { source, frames: count, coverage } of labelled) {
    frames.set(source, (frames.get(source) ?? 0) + count * (coverage.action ?? 0));
  }
  if (frames.has(teacher)) return teacher;
  return [...frames].sort(([, a], [, b]) => b - a)[0]?.[0];
}

interface RoundPlan {
  /** Folder of the round. */
  readonly place: string;
  readonly number: number;
  readonly student: string;
  readonly share: number;
  readonly source: string | undefined;
  readonly teacher: TeacherName;
}

/** Records a round's dataset, or the rest of it; undefined where it was interrupted. */
async function recordRound(options: DaggerOptions, plan: RoundPlan): Promise<RoundRecord | undefined> {
  const { place, number, student, share, source, teacher } = plan;
  const file = join(place, ROUND_FILE);
  const done = await readFile(file, 'utf8').catch(() => undefined);
  if (done !== undefined) return parseJson(done, file) as unknown as RoundRecord;
  const dataset = join(place, 'data');
  const seed = new Random(options.seed).split('round', number).seed;
  let writer: DatasetWriter | undefined;
  try {
    const { written, skipped, falls, dropped, hours, finished } = await record({
      controller: student,
      teacher: { ...options.teacher, source, share },
      robot: options.robot,
      settings: options.settings,
      seed,
      workers: options.workers,
      source: `dagger-${number}`,
      signal: options.hooks.signal,
      now_s: options.now_s,
      openSink: async (robot, rate_hz) => {
        writer = await DatasetWriter.open(dataset, { robot, rate_hz, append: true });
        return writer;
      },
      onProgress: (progress) => options.hooks.onRecordProgress?.(number, progress),
    });
    await writer?.close();
    if (!finished) return undefined;
    if (written + skipped === 0) {
      throw nothingKept(
        dataset,
        { controller: student, settings: options.settings, falls },
        'Train the student further, lower falls.cut_s and falls.minimum_s, or let the teacher drive a share (--mix)',
      );
    }
    const { name, sha256 } = teacher;
    const round = { round: number, student, teacher: { name, sha256 }, share, seed, dataset };
    const result: RoundRecord = { ...round, episodes: written + skipped, falls, dropped, hours };
    await writeFileAtomic(file, `${JSON.stringify(result, null, 1)}\n`);
    return result;
  } finally {
    // Also after an error: the episodes that are there are whole.
    await writer?.close();
  }
}

/** Trains a round, or the rest of it; false where it was interrupted. */
async function trainRound(
  run: string,
  config: TrainConfig,
  hooks: TrainingHooks,
  from: string | undefined,
  rounds: readonly RoundRecord[],
): Promise<boolean> {
  const begun = await readCheckpoint(run).catch(() => undefined);
  if (begun === undefined) return (await startTraining(run, config, hooks, { from, remember: { rounds } })).finished;
  if (begun.info.step >= config.train.steps) return true;
  return (await resumeTraining(run, hooks)).finished;
}
