// The person behind a retargeted episode: distances to the robot's keypoints are those of the retargeting report.

import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readBvh } from '../../ingest/bvh.js';
import { loadRetargetConfig, retargeterOf } from '../../ingest/human.js';
import { packagePath } from '../../src/base/files.js';
import { SILENT } from '../../src/base/logger.js';
import { addOriginals } from '../../src/cli/view-originals.js';
import { openDataset } from '../../src/dataset/dataset.js';
import { DatasetWriter } from '../../src/dataset/dataset-writer.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { keypointErrors } from '../../src/viewer/dataset/keypoint-errors.js';
import { type SourceSkeleton, skeletonFile } from '../../src/viewer/scene/source-skeleton.js';
import { itemsAt } from '../../src/viewer/server/items.js';

const SAMPLES = packagePath('data', 'samples', 'motion');
let folder: string;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'nextgait-view-')));
});
afterAll(() => rmSync(folder, { recursive: true }));

it('follows the file that the shard remembers, in the robot’s size', async () => {
  const { robot } = await loadRobot('g1');
  const { config, where } = await loadRetargetConfig(robot, undefined);
  const options = { rate_hz: 50, source: 'bvh', hindsight: false };
  const ingested = await readBvh(join(SAMPLES, 'walk.bvh'), {}, retargeterOf(robot, config, where), options);
  const writer = await DatasetWriter.open(folder, { robot, rate_hz: 50 });
  for (const episode of ingested.episodes) await writer.append(episode);
  await writer.close();

  const items = await itemsAt(folder);
  await addOriginals(items, SAMPLES, SILENT);
  const bytes = await items[0].made.get(skeletonFile(0))?.();
  const skeleton = JSON.parse(new TextDecoder().decode(bytes)) as SourceSkeleton;
  const dataset = await openDataset(folder);
  const { channels, frameCount } = await dataset.readEpisode(0);
  dataset.close();
  const { names, distances_m } = keypointErrors(robot, channels, frameCount, skeleton)!;

  const { quality } = ingested.clips[0];
  expect([...names].sort()).toEqual(Object.keys(quality.position_mm).sort());
  for (const [column, name] of names.entries()) {
    let sum = 0;
    for (let frame = 0; frame < frameCount; frame++) sum += distances_m[frame * names.length + column];
    // Positions are written to a tenth of a millimetre: half of it on three axes is 0.087 mm.
    expect(Math.abs((1000 * sum) / frameCount - quality.position_mm[name].mean)).toBeLessThan(0.09);
  }
}, 120_000);

it('shows nobody where the file is another one', async () => {
  const items = await itemsAt(folder);
  const warnings: string[] = [];
  await addOriginals(items, join(SAMPLES, '..', 'rollouts'), { info: () => {}, warn: (text) => warnings.push(text) });
  expect(items[0].made.has(skeletonFile(0))).toBe(false);
  expect(warnings.join()).toContain('walk.bvh is not there');
});
