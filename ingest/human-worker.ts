// The worker thread of an ingest of human motion: one file a job.

import { type JobServer, serveJobs } from '../src/base/worker-pool.js';
import type { HumanEpisodes } from './human.js';
import { createHumanReader, type HumanSetup } from './human-reader.js';

await serveJobs(async (setup: HumanSetup): Promise<JobServer<string, HumanEpisodes>> => {
  const read = createHumanReader(setup);
  return {
    async run(path) {
      const result = await read(path);
      const buffers = result.episodes.flatMap(({ channels }) =>
        Object.values(channels).flatMap(({ data, valid }) => (valid === undefined ? [data] : [data, valid])),
      );
      return { result, transfer: [...new Set(buffers.map(({ buffer }) => buffer as ArrayBuffer))] };
    },
    async dispose() {},
  };
});
