// DAgger rounds (Ross et al. 2011): the student drives, the teacher labels, and training goes on with what was added.
//
// A round is a dataset and a training, each of which can be interrupted and gone on with. The folder is a run folder,
// that of the last round; earlier rounds lie in rounds/<number>/{data,run}. recipe.json remembers all of them.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson, writeFileAtomic } from '../base/files.js';
import { Random } from '../base/random.js';
import { openDatasets } from '../dataset/dataset.js';
import { DatasetWriter } from '../dataset/dataset-writer.js';
import type { SourceSummary } from '../dataset/manifest.js';
import { requireSameRobot } from '../dataset/robot-match.js';
import { identityOf, type RobotModel } from '../robot/robot-model.js';
import { requireKnownSources } from '../tokens/sampler.js';
import { readCheckpoint } from '../train/checkpoint.js';
import { type Run, readRun } from '../train/run-folder.js';
import { requireSameNetwork } from '../train/run-requirements.js';
import { resumeTraining, startTraining, type TrainingHooks } from '../train/run-training.js';
import type { TrainConfig } from '../train/train-config.js';
import { claimDaggerFolder, type DaggerFolder } from './dagger-folder.js';
import { type ControllerSource, findController } from './load-controller.js';
import { type EpisodeSink, nothingKept, prepareRecording, type RecordProgress, record } from './record-run.js';
import type { ControllerReference } from './record-server.js';
import type { RecordSettings } from './record-settings.js';

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
  /** False where it was interrupted before the first episode: the folder is as it was. */
  readonly begun: boolean;
  /** False where it was interrupted. */
  readonly finished: boolean;
  /** All rounds that led here, earlier calls included. */
  readonly rounds: readonly RoundRecord[];
}

/** @throws DataError for what the user can mend */
export async function dagger(options: DaggerOptions): Promise<DaggerOutcome> {
  const { out } = options;
  const first = await readRun(options.run);
  if (!options.anew) requireSameNetwork(options.run, first.config, options.config);
  const teacher = await findController(options.teacher.reference, options.teacher);
  const source = teacherSource(first, teacher.name);
  const rounds = [...roundsOf(first)];
  const folder = await claimDaggerFolder(options, teacher);
  await requireFitting(options, rounds.length + 1);
  let { config } = options;
  let student = options.run;
  for (let index = 0; index < options.rounds; index++) {
    const number = rounds.length + 1;
    const place = join(out, 'rounds', String(number));
    const share = options.mix * 0.5 ** index;
    const recorded = await recordRound(options, { folder, place, number, student, share, source, teacher });
    if (recorded === undefined) return { run: out, begun: folder.begun, finished: false, rounds };
    rounds.push(recorded);
    options.hooks.onRecorded?.(recorded);
    config = { ...config, data: { ...config.data, folders: [...config.data.folders, recorded.dataset] } };
    const run = index === options.rounds - 1 ? out : join(place, 'run');
    const finished = await trainRound(run, config, options.hooks, options.anew ? undefined : student, rounds);
    if (!finished) return { run: out, begun: true, finished, rounds };
    student = run;
  }
  return { run: out, begun: true, finished: true, rounds };
}

/** The rounds that a run remembers. */
export function roundsOf(run: Run): readonly RoundRecord[] {
  return (run.data.rounds as readonly RoundRecord[] | undefined) ?? [];
}

/**
 * Finds what would otherwise be found when a round was recorded: names, robots, data folders, weights of sources.
 * @throws DataError or FindingsError
 */
async function requireFitting(options: DaggerOptions, firstRound: number): Promise<void> {
  const { folders, sources } = options.config.data;
  const teacher = { ...options.teacher, share: options.mix };
  const { robot } = (await prepareRecording({ ...options, controller: options.run, teacher })).loaded;
  // Weights are the same in every round: what comes with a later one is not there in the first.
  const known = new Set([sourceOf(firstRound)]);
  if (folders.length > 0) {
    const dataset = await openDatasets(folders);
    dataset.close();
    const student = { path: options.run, robot: identityOf(robot), rate_hz: robot.control.rate_hz };
    requireSameRobot({ path: folders[0], robot: dataset.robot, rate_hz: dataset.rate_hz }, student);
    for (const { source } of dataset.episodes) known.add(source);
  }
  requireKnownSources(sources, known);
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

/** Name of a round's episodes in the data. */
function sourceOf(round: number): string {
  return `dagger-${round}`;
}

interface RoundPlan {
  readonly folder: DaggerFolder;
  /** Folder of the round. */
  readonly place: string;
  readonly number: number;
  readonly student: string;
  readonly share: number;
  readonly source: string | undefined;
  readonly teacher: ControllerSource;
}

/** Records a round's dataset, or the rest of it; undefined where it was interrupted. */
async function recordRound(options: DaggerOptions, plan: RoundPlan): Promise<RoundRecord | undefined> {
  const { folder, place, number, student, share, source, teacher } = plan;
  const file = join(place, ROUND_FILE);
  const done = folder.begun ? await readFile(file, 'utf8').catch(() => undefined) : undefined;
  if (done !== undefined) return parseJson(done, file) as unknown as RoundRecord;
  const dataset = join(place, 'data');
  const seed = new Random(options.seed).split('round', number).seed;
  let writer: DatasetWriter | undefined;
  const openSink = async (robot: RobotModel, rate_hz: number): Promise<EpisodeSink> => {
    const open = () => DatasetWriter.open(dataset, { robot, rate_hz, append: true });
    if (folder.begun) writer = await open();
    return {
      has: (id) => writer?.has(id) === true,
      provenanceOf: (id) => writer?.provenanceOf(id),
      append: async (episode) => {
        await folder.begin();
        writer ??= await open();
        await writer.append(episode);
      },
    };
  };
  try {
    const { written, skipped, falls, dropped, hours, finished } = await record({
      controller: student,
      teacher: { ...options.teacher, source, share },
      robot: options.robot,
      settings: options.settings,
      seed,
      workers: options.workers,
      source: sourceOf(number),
      signal: options.hooks.signal,
      now_s: options.now_s,
      openSink,
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
