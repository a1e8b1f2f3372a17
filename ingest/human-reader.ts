// Reads and retargets human motion files, in this thread or several, in the order of the files.
//
// Everything a worker needs is plain data, so that a file gives the same episodes wherever it is done.

import { inOrder, startWorkerPool } from '../src/base/worker-pool.js';
import type { RetargetConfig } from '../src/retarget/retarget-config.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { readBvh } from './bvh.js';
import { type HumanEpisodes, type HumanIngestOptions, retargeterOf } from './human.js';
import type { BvhMotionOptions } from './readers/bvh-motion.js';
import type { VideoMotionOptions } from './readers/video-motion.js';
import { readVideo } from './video.js';

/** Which reader, and what it is told. */
export type HumanReader =
  | { readonly kind: 'bvh'; readonly reader: BvhMotionOptions }
  | { readonly kind: 'video'; readonly reader: VideoMotionOptions };

export type HumanSetup = {
  readonly robot: RobotModel;
  readonly config: RetargetConfig;
  /** Where the config is from, for messages. */
  readonly where: string;
  readonly options: HumanIngestOptions;
} & HumanReader;

/** A function that reads one file. @throws FindingsError where the config does not fit the robot */
export function createHumanReader(setup: HumanSetup): (path: string) => Promise<HumanEpisodes> {
  const retargeter = retargeterOf(setup.robot, setup.config, setup.where);
  return (path) =>
    setup.kind === 'bvh'
      ? readBvh(path, setup.reader, retargeter, setup.options)
      : readVideo(path, setup.reader, retargeter, setup.options);
}

export interface HumanFiles {
  /** Gives the next file's episodes; to be called with the files in their order. @throws what the file was refused for */
  read(path: string): Promise<HumanEpisodes>;
  close(): Promise<void>;
}

/** Reads files one at a time here, or ahead in `workers` threads. */
export async function openHumanFiles(
  setup: HumanSetup,
  files: readonly string[],
  workers: number,
): Promise<HumanFiles> {
  const here = createHumanReader(setup);
  const size = Math.min(workers, files.length);
  if (size <= 1) return { read: here, close: async () => {} };
  const pool = await startWorkerPool<HumanSetup, string, HumanEpisodes>('dist/ingest/human-worker.js', setup, size);
  // A refused file must not end the sequence: it is thrown where it is read.
  const settle = (path: string) =>
    pool.run(path).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
  const results = inOrder(files, settle, size + 1);
  return {
    async read() {
      const next = await results.next();
      if (next.done === true) throw new Error('more files were read than there are');
      if ('error' in next.value) throw next.value.error;
      return next.value.value;
    },
    async close() {
      await pool.dispose();
    },
  };
}
