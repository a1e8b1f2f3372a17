// Episodes with masks, and folders that go away, for the dataset's tests.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { Random } from '../../src/base/random.js';
import { DatasetWriter, type DatasetWriterOptions } from '../../src/dataset/dataset-writer.js';
import { CHANNEL_NAMES, type Channel, type ChannelName, channelWidth, type Episode } from '../../src/motion/episode.js';
import { identityOf } from '../../src/robot/robot-model.js';
import { TINY_ROBOT } from '../fixtures.js';

const made: string[] = [];

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A new folder's path; it is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nextgait-test-'));
  made.push(folder);
  return folder;
}

export interface RandomEpisodeOptions {
  readonly frameCount?: number;
  readonly source?: string;
  readonly channels?: readonly ChannelName[];
  /** Channels with some frames missing. */
  readonly partial?: readonly ChannelName[];
}

/** Random values in every channel, NaN where a frame is masked: what is masked must never be read. */
export function randomEpisode(number: number, options: RandomEpisodeOptions = {}): Episode {
  const { frameCount = 37, source = 'random', channels: names = CHANNEL_NAMES, partial = [] } = options;
  const random = new Random(number).split(source);
  const channels: Partial<Record<ChannelName, Channel>> = {};
  for (const name of names) {
    const width = channelWidth(name, 2, 2);
    const data = Float32Array.from({ length: frameCount * width }, () => random.uniform(-2, 2));
    if (!partial.includes(name)) {
      channels[name] = { width, data };
      continue;
    }
    const valid = Uint8Array.from({ length: frameCount }, () => (random.uniform() < 0.6 ? 1 : 0));
    valid[0] = 0;
    valid[frameCount - 1] = 1;
    for (let frame = 0; frame < frameCount; frame++) {
      if (valid[frame] === 0) data.fill(Number.NaN, frame * width, (frame + 1) * width);
    }
    channels[name] = { width, data, valid };
  }
  return {
    id: `${source}/${number}`,
    robot: identityOf(TINY_ROBOT),
    rate_hz: 50,
    frameCount,
    kind: 'rollout',
    source,
    channels,
    derived: ['projectedGravity'],
    startsAtReset: number % 2 === 0,
    ...(number % 3 === 0 ? { fell: true } : {}),
    provenance: { input: `${number}.npz`, sha256: 'ab'.repeat(32), tool: 'test', options: { number } },
    findings: [
      { kind: 'jump', severity: 'warning', channel: 'jointPosition', frames: [3, 5], message: 'a jump' },
      { kind: 'gap', severity: 'info', message: 'a gap' },
    ],
  };
}

/** Writes episodes to a new dataset of the tiny robot. */
export async function writeDataset(
  folder: string,
  episodes: Iterable<Episode>,
  options: Partial<DatasetWriterOptions> = {},
): Promise<void> {
  const writer = await DatasetWriter.open(folder, { robot: TINY_ROBOT, rate_hz: 50, ...options });
  for (const episode of episodes) await writer.append(episode);
  await writer.close();
}
