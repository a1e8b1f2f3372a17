import { expect, it } from 'vitest';
import {
  adjustStep,
  createStepSolver,
  type StepProblem,
  type StepSolution,
} from '../../src/control/step-adjustment.js';

const OMEGA = 3.9;
const nominal: StepProblem = {
  omega: OMEGA,
  dcm_m: [0.02, -0.05],
  zmp_m: [0, 0],
  foot_m: [0.02 * Math.exp(OMEGA * 0.3) - 0.03, -0.05 * Math.exp(OMEGA * 0.3) + 0.02],
  offset_m: [0.03, -0.02],
  remaining_s: 0.3,
  shortest_s: 0.15,
  longest_s: 0.45,
  heading_rad: 0,
  origin_m: [0, 0],
  reach_m: [-0.4, 0.4, -0.4, -0.1],
  weights: { foot: 1, timing: 5, offset: 1000 },
};
const room = (): StepSolution => ({ foot_m: new Float64Array(2), offset_m: new Float64Array(2), remaining_s: 0 });

it('leaves a step alone that needs no help', () => {
  const out = room();
  expect(adjustStep(createStepSolver(), nominal, out)).toBe(true);
  expect(out.foot_m[0]).toBeCloseTo(nominal.foot_m[0], 9);
  expect(out.foot_m[1]).toBeCloseTo(nominal.foot_m[1], 9);
  expect(out.remaining_s).toBeCloseTo(0.3, 9);
});

it('after a blow the foot goes where the robot falls, and ξ meets it there', () => {
  const out = room();
  const pushed = { ...nominal, dcm_m: [0.06, -0.05] };
  expect(adjustStep(createStepSolver(), pushed, out)).toBe(true);
  expect(out.foot_m[0]).toBeGreaterThan(nominal.foot_m[0] + 0.05);
  const growth = Math.exp(OMEGA * out.remaining_s);
  for (let axis = 0; axis < 2; axis++) {
    expect(out.foot_m[axis] + out.offset_m[axis]).toBeCloseTo(pushed.dcm_m[axis] * growth, 9);
  }
});

it('steps sooner where the foot cannot reach', () => {
  const out = room();
  expect(adjustStep(createStepSolver(), { ...nominal, dcm_m: [0.16, -0.05] }, out)).toBe(true);
  expect(out.foot_m[0]).toBeLessThan(0.4 + 1e-9);
  expect(out.remaining_s).toBeLessThan(0.29);
  expect(out.remaining_s).toBeGreaterThan(0.15 - 1e-9);
});

it('reach is given in the heading of the foot that stands', () => {
  const out = room();
  const turned = {
    ...nominal,
    dcm_m: [0.05, 0.16],
    foot_m: [-nominal.foot_m[1], nominal.foot_m[0]],
    offset_m: [0.02, 0.03],
    heading_rad: Math.PI / 2,
  };
  expect(adjustStep(createStepSolver(), turned, out)).toBe(true);
  expect(out.foot_m[1]).toBeLessThan(0.4 + 1e-9);
});
