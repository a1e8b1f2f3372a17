// A teacher's clock follows the student's gait, so that its answer is that of the same moment of the step.

import { expect, test } from 'vitest';
import { Random } from '../../src/base/random.js';
import type { Controller } from '../../src/policy/controller.js';
import { PhaseClock } from '../../src/policy/phase-clock.js';
import { identityOf } from '../../src/robot/robot-model.js';
import { TEACHER_LANES, Teacher } from '../../src/sim/teacher.js';
import { robotOf, stateOf } from '../policy/foreign-fixtures.js';

const JOINTS = ['hip', 'knee', 'ankle'];
const ROBOT = identityOf(robotOf(JOINTS));
const CLOCK = { frequency_hz: 1.5, offsets_rad: [0] };
const WALK = Float64Array.of(1, 0, 0);

/** A gait: three joints, each a wave of its own shape. */
const gait = (phase: number) => [0.4 * Math.sin(phase), 0.3 * Math.cos(phase), 0.2 * Math.sin(2 * phase + 1)];

/** A controller that walks by a clock; it keeps what it was told was executed. */
function clockWalker(slotCount: number, standing?: { commandBelow: number; phases_rad: number[] }) {
  const clocks = Array.from({ length: slotCount }, () => new PhaseClock({ ...CLOCK, standing }, 50));
  const executed: number[][] = [];
  const phase = new Float64Array(1);
  const controller: Controller = {
    name: 'teacher',
    robot: ROBOT,
    rate_hz: 50,
    slotCount,
    clock: (slot) => clocks[slot],
    reset: (slot) => clocks[slot].reset(),
    act: async (slots, states, commands, actions) => {
      for (const slot of slots) {
        expect(states[slot].time_s).toBeGreaterThanOrEqual(0);
        clocks[slot].tick(commands.subarray(3 * slot, 3 * slot + 3), phase);
        actions.set(gait(phase[0]), 3 * slot);
      }
    },
    executed: (slots, actions) => {
      for (const slot of slots) executed[slot] = [...actions.subarray(3 * slot, 3 * slot + 3)];
    },
    dispose: async () => {},
  };
  return { controller, clocks, executed };
}

const squaredDistance = (a: Float64Array, b: readonly number[]) =>
  a.reduce((sum, value, joint) => sum + (value - b[joint]) ** 2, 0);

/** Root mean square distance of the teacher's answers from a student's actions, over the last `count` of `steps`. */
async function distance(teacher: Teacher, studentPhase: (step: number) => number, steps: number, count: number) {
  const random = new Random(3);
  let sum = 0;
  for (let step = 0; step < steps; step++) {
    await teacher.ask([0], [stateOf(3)], WALK);
    const clean = gait(studentPhase(step));
    if (step >= steps - count) sum += squaredDistance(teacher.answer(0), clean);
    teacher.follow(
      [0],
      Float64Array.from(clean, (value) => value + 0.05 * random.normal()),
    );
  }
  return Math.sqrt(sum / (3 * count));
}

const PACE = (2 * Math.PI * 1.5) / 50;

test('in step from the start: the clock stays where it is', async () => {
  const { controller, clocks } = clockWalker(TEACHER_LANES);
  const teacher = new Teacher(controller, 1);
  teacher.reset(0);
  // The student's noise of 0.05 rad moves the clock by hundredths of a radian: a wave of 0.4 rad changes by less than 0.03.
  expect(await distance(teacher, (step) => PACE * step, 200, 100)).toBeLessThan(0.03);
  expect(clocks[0].advance_rad).toBeCloseTo((PACE * 200) % (2 * Math.PI), 0);
});

test.each([
  ['a slower gait', (step: number) => 0.9 * PACE * step],
  ['a faster gait', (step: number) => 1.1 * PACE * step],
  ['a gait a quarter of a turn behind', (step: number) => PACE * step - Math.PI / 2],
  ['a gait half a turn away', (step: number) => PACE * step + 3],
])('%s is found within two seconds, and kept', async (_, studentPhase) => {
  const teacher = new Teacher(clockWalker(TEACHER_LANES).controller, 1);
  teacher.reset(0);
  // A pace that is 10 % off is 0.019 rad a step; at a gain of a tenth it lags by 0.19 rad, worth 0.05 rad of this gait.
  expect(await distance(teacher, studentPhase, 300, 200)).toBeLessThan(0.09);
});

test('without following, the same gaits are far off', async () => {
  const alone = new Teacher({ ...clockWalker(1).controller, clock: undefined }, 1);
  alone.reset(0);
  expect(await distance(alone, (step) => 0.9 * PACE * step, 300, 200)).toBeGreaterThan(0.3);
});

test('lanes differ in their clocks alone, also after standing; all are told what was executed', async () => {
  const { controller, clocks, executed } = clockWalker(2 * TEACHER_LANES, {
    commandBelow: 0.01,
    phases_rad: [Math.PI],
  });
  const teacher = new Teacher(controller, 2);
  for (const slot of [0, 1]) teacher.reset(slot);
  const states = [stateOf(3), stateOf(3)];
  const stand = new Float64Array(6);
  for (let step = 0; step < 5; step++) {
    await teacher.ask([0, 1], states, stand);
    expect([...teacher.answer(1)]).toEqual(gait(Math.PI));
    teacher.follow([0, 1], stand);
  }
  expect(clocks.map((clock) => Math.sin(clock.advance_rad).toFixed(6))).toEqual(
    [0, 0, 0.4, 0.4, -0.4, -0.4].map((phase) => Math.sin(phase).toFixed(6)),
  );
  await teacher.ask([0, 1], states, Float64Array.of(...WALK, ...WALK));
  expect([...teacher.answer(0)]).toEqual(gait(0));
  teacher.executed([1], Float64Array.of(0, 0, 0, 1, 2, 3));
  expect(executed).toEqual([undefined, [1, 2, 3], undefined, [1, 2, 3], undefined, [1, 2, 3]]);
});
