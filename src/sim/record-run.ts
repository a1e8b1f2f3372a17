// A whole recording: finds controller and robot, spreads episodes over workers, hands them to a sink in order.

import { DataError } from '../base/errors.js';
import { inOrder, startWorkerPool, type WorkerPool } from '../base/worker-pool.js';
import type { Episode } from '../motion/episode.js';
import type { RobotModel } from '../robot/robot-model.js';
import { commandRanges } from './command-schedule.js';
import { type ControllerSource, findController } from './load-controller.js';
import { loadRobot } from './load-robot.js';
import { episodeName, type RecordedEpisode, type RecordPlan, type TeacherNote } from './record.js';
import { type ControllerReference, type RecordServerData, recordServer } from './record-server.js';
import type { RecordSettings } from './record-settings.js';
import { type RecordSummary, SummaryCollector } from './record-summary.js';
import { requireSameRecording } from './recorded-before.js';
import { relabellingController } from './relabel.js';
import { loadTeacher } from './teacher.js';

/** Where episodes go: a dataset, usually. */
export interface EpisodeSink {
  append(episode: Episode): Promise<void>;
  /** True for an episode that is there already: it is not recorded again. */
  has?(id: string): boolean;
  /** How an episode that is there already was made. */
  provenanceOf?(id: string): Episode['provenance'] | undefined;
}

export interface RecordOptions {
  /** A policy config file, or the name of one. */
  readonly controller: string;
  /** The network's file, or a folder that holds it, in place of what the config says. */
  readonly weights?: string;
  /** Who labels what the controller does; absent: the controller's own actions are the labels. */
  readonly teacher?: RecordTeacher;
  /** Robot name or config file; the one that the controller names where absent. */
  readonly robot?: string;
  readonly settings: RecordSettings;
  readonly seed: number;
  /** Worker threads; 0 records in this thread. */
  readonly workers: number;
  /** Name of the source; the controller's where absent. */
  readonly source?: string;
  /** Opens the sink once robot and rate are known. */
  readonly openSink: (robot: RobotModel, rate_hz: number) => Promise<EpisodeSink>;
  readonly onProgress?: (progress: RecordProgress) => void;
  readonly signal?: AbortSignal;
  /** Seconds of a steady clock. */
  readonly now_s: () => number;
}

export interface RecordTeacher extends ControllerReference, Pick<TeacherNote, 'source' | 'share'> {}

export interface RecordProgress {
  /** Episodes done, those that were there already included. */
  readonly done: number;
  readonly falls: number;
  readonly episodesPerSecond: number;
  /** Simulated over elapsed time, all workers together. */
  readonly realTimeFactor: number;
}

export interface RecordOutcome extends RecordSummary {
  readonly controller: string;
  readonly robot: string;
  readonly source: string;
  /** Episodes that were there already. */
  readonly skipped: number;
  /** False where the recording was interrupted. */
  readonly finished: boolean;
}

/** Records `settings.episodes` episodes. @throws DataError or FindingsError for what the user can mend */
export async function record(options: RecordOptions): Promise<RecordOutcome> {
  const { settings, workers, now_s } = options;
  const data = await prepareRecording(options);
  const { plan, loaded } = data;
  const rate_hz = loaded.robot.control.rate_hz;
  const sink = await options.openSink(loaded.robot, rate_hz);
  requireSameRecording(plan, sink);
  const pool = await startPool(data, Math.min(workers, settings.episodes));
  try {
    const numbers = Array.from({ length: settings.episodes }, (_, number) => number);
    const wanted = numbers.filter((number) => !sink.has?.(episodeName(plan, number).id));
    const skipped = numbers.length - wanted.length;
    const collector = new SummaryCollector(rate_hz);
    const started_s = now_s();
    let done = skipped;
    // One job more than workers, so that none of them waits while an episode is being written.
    for await (const recorded of inOrder(wanted, (number) => pool.run(number), pool.size + 1, options.signal)) {
      collector.add(recorded);
      if (recorded.episode !== undefined) await sink.append(recorded.episode);
      done++;
      const elapsed_s = now_s() - started_s;
      options.onProgress?.({
        done,
        falls: collector.falls,
        episodesPerSecond: (done - skipped) / elapsed_s,
        realTimeFactor: collector.simulated_s / elapsed_s,
      });
    }
    return {
      ...collector.summary(now_s() - started_s, pool.size),
      controller: plan.controller.name,
      robot: loaded.robot.name,
      source: plan.source,
      skipped,
      finished: done === settings.episodes,
    };
  } finally {
    await pool.dispose();
  }
}

/** What is said where no rollout left anything. @param fix what the user can do */
export function nothingKept(where: string, { controller, settings, falls }: NothingKept, fix: string): DataError {
  const { cut_s, minimum_s } = settings.falls;
  return new DataError({
    where,
    what: `no rollout of ${controller} is long enough to learn from`,
    expected: `${cut_s + minimum_s} s before a fall`,
    found: `${falls} falls of ${settings.episodes}`,
    fix,
  });
}

export interface NothingKept extends Pick<RecordOptions, 'controller' | 'settings'> {
  readonly falls: number;
}

/** What a recording is of. */
export type RecordingNames = Pick<
  RecordOptions,
  'controller' | 'weights' | 'teacher' | 'robot' | 'settings' | 'seed' | 'source'
>;

/** Everything that can be wrong with names, files and settings shows here, before a worker starts. */
export async function prepareRecording(options: RecordingNames): Promise<RecordServerData> {
  const { settings, seed, weights } = options;
  const found = await findController(options.controller, { weights });
  const loaded = await loadRobot(options.robot ?? found.robot);
  const taught = options.teacher && (await findController(options.teacher.reference, options.teacher));
  const driver = await found.load(loaded.robot, 1);
  const controller = taught
    ? relabellingController(driver, await loadTeacher((slots) => taught.load(loaded.robot, slots)), 0)
    : driver;
  const ranges = commandRanges(settings.commands, controller.commandRange);
  await controller.dispose();
  if (ranges === undefined) {
    throw new DataError({
      where: `controller ${found.name}`,
      what: 'velocity commands it was made for are not known',
      fix: 'Set commands.ranges.vx_mps, .vy_mps and .wz_radps.',
    });
  }
  const plan: RecordPlan = {
    settings,
    ranges,
    seed,
    source: options.source ?? found.name,
    controller: { name: found.name, sha256: found.sha256 },
    ...(taught && { teacher: noteOf(taught, options.teacher!) }),
  };
  return { plan, loaded, controller: { reference: options.controller, weights }, teacher: options.teacher };
}

function noteOf({ name, sha256 }: ControllerSource, { source, share }: RecordTeacher): TeacherNote {
  return { name, sha256, ...(source === undefined ? {} : { source }), share };
}

async function startPool(data: RecordServerData, workers: number): Promise<WorkerPool<number, RecordedEpisode>> {
  if (workers > 0) return startWorkerPool('dist/src/sim/record-worker.js', data, workers);
  const server = await recordServer(data);
  let last: Promise<unknown> = Promise.resolve();
  return {
    size: 1,
    // The one environment takes one episode at a time.
    run: (number) => {
      const result = last.then(async () => (await server.run(number)).result);
      last = result.catch(() => {});
      return result;
    },
    dispose: () => server.dispose(),
  };
}
