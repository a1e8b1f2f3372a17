// Commands of relabelled episodes: the teacher's response to what was commanded, whatever the student achieved.

import { expect, test } from 'vitest';
import type { CommandResponse } from '../../src/motion/command-response.js';
import type { Episode } from '../../src/motion/episode.js';
import { taughtCommand } from '../../src/motion/taught-command.js';
import { syntheticEpisode } from '../fixtures.js';

/** Achieves .8 of vx, and a yaw rate of .1 vx vy; features are 1 x y z xx yy zz xy xz yz. */
const RESPONSE: CommandResponse = [
  [0, 0.8, 0, 0, 0, 0, 0, 0, 0, 0],
  [0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 0, 0, 0, 0.1, 0, 0],
];

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
    // float32 columns.
    [0.4, 0.2, 0.01].map((value, axis) => expect(row(label.data, frame)[axis]).toBeCloseTo(value, 6));
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
