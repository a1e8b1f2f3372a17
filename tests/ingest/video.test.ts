// nextgait ingest video: reconstructions and AMASS to robot Episodes.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readBvh } from '../../ingest/bvh.js';
import { loadRetargetConfig, retargeterOf, retargetInput } from '../../ingest/human.js';
import { readVideoMotions } from '../../ingest/readers/video-motion.js';
import { readVideo } from '../../ingest/video.js';
import { packagePath } from '../../src/base/files.js';
import type { Retargeter } from '../../src/retarget/retarget-problem.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { temporaryFolder } from '../dataset/helpers.js';

const SAMPLES = packagePath('data', 'samples', 'motion');
const OPTIONS = { rate_hz: 50, source: 'video', hindsight: false };

let retargeter: Retargeter;
beforeAll(async () => {
  const { robot } = await loadRobot('g1');
  const { config, where } = await loadRetargetConfig(robot, undefined);
  retargeter = retargeterOf(robot, config, where);
});

describe('reading reconstructions', () => {
  it('makes of AMASS what BVH of the same walk gives', async () => {
    const amass = await readVideo(join(SAMPLES, 'walk_poses.npz'), {}, retargeter, OPTIONS);
    const bvh = await readBvh(join(SAMPLES, 'walk.bvh'), {}, retargeter, OPTIONS);
    const [a, b] = [amass.episodes[0], bvh.episodes[0]];
    expect(a.kind).toBe('video');
    expect(a.frameCount).toBe(b.frameCount);
    const names = a.robot.jointNames;
    for (const name of ['left_knee_joint', 'right_hip_pitch_joint', 'left_shoulder_pitch_joint']) {
      const column = names.indexOf(name);
      let square = 0;
      for (let frame = 0; frame < a.frameCount; frame++) {
        const at = frame * names.length + column;
        square += (a.channels.jointPosition!.data[at] - b.channels.jointPosition!.data[at]) ** 2;
      }
      // Another skeleton in the same pose: its hips and ankles lie elsewhere by a centimetre or two.
      expect(Math.sqrt(square / a.frameCount)).toBeLessThan(0.12);
    }
  });

  it('follows joint positions alone, without any orientation', async () => {
    const { motions } = await readVideoMotions(join(SAMPLES, 'walk_poses.npz'));
    const [walk] = motions;
    const frames = Array.from({ length: 60 }, (_, frame) =>
      walk.keypoints.map((_, column) =>
        [0, 1, 2].map((k) => walk.positions_m[3 * (frame * walk.keypoints.length + column) + k]),
      ),
    );
    const path = join(temporaryFolder(), 'points.json');
    writeFileSync(
      path,
      JSON.stringify({ joints: walk.keypoints, rate_hz: walk.rate_hz, up: '+z', unit: 'm', positions: frames }),
    );
    const { episodes, clips } = await readVideo(path, { cutoff_hz: 0 }, retargeter, OPTIONS);
    expect(episodes[0].frameCount).toBe(50);
    expect(clips[0].quality.keypoint_m).toBeLessThan(0.02);
    expect(clips[0].quality.penetration_mm.max).toBeLessThan(5);
  });

  it('drops who cannot be followed and keeps the others; refuses where nobody can', async () => {
    const { motions } = await readVideoMotions(join(SAMPLES, 'walk_poses.npz'));
    const [walk] = motions;
    const positions_m = walk.positions_m.map((value, at) => (at % 3 === 2 ? 4 * value : value));
    const stretched = { ...walk, id: 'giant', positions_m };
    const both = await retargetInput([walk, stretched], [], retargeter, OPTIONS);
    expect(both.episodes).toHaveLength(1);
    expect(both.episodes[0].findings).toContainEqual(expect.objectContaining({ kind: 'dropped', severity: 'warning' }));
    await expect(retargetInput([stretched], [], retargeter, OPTIONS)).rejects.toThrow(/giant: retargeting cost/);
  });
});
