// What the package exports besides its index is reached by the package's name, as another program would.

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const PROGRAM = `
import { computeBvhPose, createBvhPose, openBvh, openBvhFile, parseBvh, readBvh, readBvhMotions } from 'nextgait/bvh';
import { readVideoMotions } from 'nextgait/video';
import { DataError } from 'nextgait';
const clip = await readBvh('data/samples/motion/walk.bvh');
const pose = createBvhPose(clip.joints);
computeBvhPose(clip.joints, clip.values, 0, pose);
const stream = await openBvhFile('data/samples/motion/walk.bvh');
let count = 0;
for await (const chunk of stream.frames()) count += chunk.count;
let height_m;
for await (const motion of readBvhMotions('data/samples/motion/walk.bvh')) height_m = motion.height_m;
const { motions } = await readVideoMotions('data/samples/motion/walk_poses.npz');
let error;
try { parseBvh('HIERARCHY', 'a.bvh'); } catch (thrown) { error = thrown instanceof DataError && thrown.detail.where; }
console.log(JSON.stringify({
  frames: clip.frameCount, count, root: [...clip.values.subarray(0, 3)], at: [...pose.position.subarray(0, 3)],
  height_m, people: motions.length, error, open: typeof openBvh,
}));
`;

describe('the package by its name', () => {
  it('has files behind every export', () => {
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    for (const [name, places] of Object.entries<Record<string, string>>(exports)) {
      for (const place of Object.values(places)) expect(existsSync(join(ROOT, place)), `${name}: ${place}`).toBe(true);
    }
  });

  it('reads BVH and reconstructions', async () => {
    // In the package's own folder its name means itself.
    const words = ['--input-type=module', '-e', PROGRAM];
    const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: ROOT });
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ frames: 265, count: 265, people: 1, error: 'a.bvh:1', open: 'function' });
    // The root's offset is zero, so that it lies where its channels say.
    expect(result.at).toEqual(result.root);
    expect(result.height_m).toBeCloseTo(1.72, 1);
  });
});
