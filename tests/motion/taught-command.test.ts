// Commands of relabelled episodes: the teacher's response to what was commanded, whatever the student achieved.

import { expect, test } from 'vitest';
import type { CommandResponse } from '../../src/motion/command-response.js';
import type { Episode } from '../../src/motion/episode.js';
import { taughtCommand } from '../../src/motion/taught-command.js';
import { syntheticEpisode } from '../fixtures.js';

/** Achieves .8 of vx, all of vy, and a yaw rate of .05 vx: a plane, which a neighbourhood fits exactly. */
const RESPONSE: CommandResponse = Array.from({ length: 64 }, (_, at) => {
  const [x, y, z] = [at & 3, (at >> 2) & 3, at >> 4].map((step) => 0.4 * (step - 1.5));
  return [x, y, z, 0.8 * x, y, 0.05 * x, 100];
});

/** Two seconds of [.5, .2, 0], then two of standing. */
function relabelled(teacher: object | undefined): Episode {
  const episode = syntheticEpisode(1, { frameCount: 200 });
  const command = new Float32Array(600);
  for (let frame = 0; frame < 100; frame++) command.set([0.5, 0.2, 0], 3 * frame);
  return {
    ...episode,
    channels: { ...episode.channels, command: { width: 3, data: command } },
    provenance: { ...episode.provenance, options: teacher === undefined ? {} : { teacher } },
  };
}

const row = (data: Float32Array, frame: number) => [...data.subarray(3 * frame, 3 * frame + 3)];

test("moving segments get the teacher's response, standing ones keep their command", () => {
  const label = taughtCommand(relabelled({ name: 'teacher', source: 'walks' }))!.label({ walks: RESPONSE })!;
  for (const frame of [0, 50, 99]) {
    // The ridge of 1e-6 pulls by some 1e-5.
    [0.4, 0.2, 0.025].map((value, axis) => expect(row(label.data, frame)[axis]).toBeCloseTo(value, 4));
  }
  for (const frame of [100, 199]) expect(row(label.data, frame)).toEqual([0, 0, 0]);
});

test('without a response the command stands; without a teacher it is no relabelled episode', () => {
  const episode = relabelled({ name: 'teacher' });
  expect(taughtCommand(episode)!.label({ walks: RESPONSE })).toBe(episode.channels.command);
  expect(taughtCommand(relabelled({ source: 'other' }))!.label({ walks: RESPONSE })!.data).toEqual(
    episode.channels.command!.data,
  );
  expect(taughtCommand(relabelled(undefined))).toBeUndefined();
});
