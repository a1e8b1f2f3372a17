// The robot's hash: SHA-256 against Node's own, and what it does and does not depend on.

import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson, hashRobot } from '../../src/robot/robot-hash.js';
import { robotFromJson } from '../../src/robot/robot-json.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { sha256 } from '../../src/robot/sha256.js';
import { loadRobot } from '../../src/sim/load-robot.js';

describe('sha256', () => {
  // Lengths around the padding's edges: 55 bytes fit one block, 56 need two; 64 is a whole block.
  it.each([0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 1000])('equals Node on %i bytes', (length) => {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 151 + length) & 255);
    expect(sha256(bytes)).toBe(createHash('sha256').update(bytes).digest('hex'));
  });
});

describe('canonical JSON', () => {
  it('sorts keys, rounds numbers to six digits and writes infinity as null', () => {
    expect(canonicalJson({ b: 0.1 + 0.2, a: [1e-17, Number.POSITIVE_INFINITY, -123456.7], c: undefined })).toBe(
      '{"a":[0,null,-123457],"b":0.3}',
    );
  });
});

describe('hashRobot', () => {
  let robot: RobotModel;
  beforeAll(async () => {
    robot = (await loadRobot('g1')).robot;
  });

  it('is the same on every machine, for the bundled robot', () => {
    expect(robot.hash).toBe('90aa6faa7f4f9d7a');
  });

  it('survives JSON, the last bits of numbers, another name and other keypoints', () => {
    const read = robotFromJson(JSON.parse(JSON.stringify(robot)), 'robot.json');
    expect(hashRobot(read)).toBe(robot.hash);
    expect(read.jointNames).toEqual(robot.jointNames);
    expect(hashRobot({ ...robot, name: 'other', keypoints: {} })).toBe(robot.hash);
    const noisy = robot.bodies.map((body) => ({ ...body, mass_kg: body.mass_kg * (1 + 1e-12) }));
    expect(hashRobot({ ...robot, bodies: noisy })).toBe(robot.hash);
  });

  it('changes with what a motion or an action means', () => {
    const changed = [
      {
        ...robot,
        defaultPosition_rad: robot.defaultPosition_rad.map((value, joint) => value + (joint === 3 ? 0.01 : 0)),
      },
      { ...robot, stiffness_Nmprad: robot.stiffness_Nmprad.map((value) => value * 1.01) },
      { ...robot, jointNames: [...robot.jointNames].reverse() },
      { ...robot, pdMode: 'explicit' as const },
      {
        ...robot,
        bodies: robot.bodies.map((body, at) => (at === 5 ? { ...body, mass_kg: body.mass_kg + 0.01 } : body)),
      },
    ];
    const hashes = new Set([robot.hash, ...changed.map(hashRobot)]);
    expect(hashes.size).toBe(changed.length + 1);
  });
});
