import { beforeAll, describe, expect, it } from 'vitest';
import type { Problem, SolverModel } from '../../src/retarget/problem.js';
import { solverModel } from '../../src/retarget/problem.js';
import { solveTrajectory, type Trajectory } from '../../src/retarget/solver.js';
import { enforceLimits } from '../../src/retarget/solver-limits.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { ownMotion, trackingProblem } from './problems.js';

let robot: RobotModel;
let model: SolverModel;
beforeAll(async () => {
  robot = (await loadRobot('g1')).robot;
  model = solverModel(robot);
});

function jointDifference(a: Float64Array, b: Float64Array): { rms: number; max: number } {
  const width = model.rest.length;
  let sum = 0;
  let max = 0;
  const count = (a.length / width) * model.addresses.length;
  for (let frame = 0; frame < a.length / width; frame++) {
    for (const address of model.addresses) {
      const difference = Math.abs(a[frame * width + address] - b[frame * width + address]);
      sum += difference ** 2;
      max = Math.max(max, difference);
    }
  }
  return { rms: Math.sqrt(sum / count), max };
}

/** Largest failure of q[t+1] = q[t] + (v[t] + v[t+1]) Δt / 2 over joints and base translation. */
function integrationError({ configurations, velocities, frameCount, rate_hz }: Trajectory): number {
  const width = model.rest.length;
  let most = 0;
  for (let frame = 0; frame + 1 < frameCount; frame++) {
    for (let variable = 0; variable < model.size; variable++) {
      if (variable >= 3 && variable < 6) continue;
      const address = variable < 3 ? model.baseAddress + variable : model.addresses[variable - 6];
      const step = configurations[(frame + 1) * width + address] - configurations[frame * width + address];
      const mean = (velocities[frame * model.size + variable] + velocities[(frame + 1) * model.size + variable]) / 2;
      most = Math.max(most, Math.abs(step - mean / rate_hz));
    }
  }
  return most;
}

describe('whole-trajectory solver', () => {
  it("gives a robot's own motion back, with velocities that integrate to it exactly", () => {
    const motion = ownMotion(model, 120, 50, 3);
    const problem = trackingProblem(robot, motion, { smoothness: 1e-4, ground: -10 });
    const result = solveTrajectory(problem, { iterations: 8 });
    // What smoothness at a ten-thousandth of its weight leaves, and the spline's curvature: some tenth of a millirad.
    expect(jointDifference(result.configurations, motion).rms).toBeLessThan(1e-3);
    expect(integrationError(result)).toBeLessThan(1e-12);
  });

  it('with its usual smoothness stays within two hundredths of a radian of slow motion', () => {
    const motion = ownMotion(model, 120, 50, 3);
    const result = solveTrajectory(trackingProblem(robot, motion, { ground: -10 }), { iterations: 8 });
    expect(jointDifference(result.configurations, motion).rms).toBeLessThan(0.02);
  });

  it('solves windows as it solves the whole', () => {
    const motion = ownMotion(model, 150, 50, 4);
    const problem = trackingProblem(robot, motion, { ground: -10 });
    const exact = { iterations: 12, refinements: 0, tolerance: 1e-9 };
    const whole = solveTrajectory(problem, { ...exact, windowFrames: 150 });
    const windows = solveTrajectory(problem, { ...exact, windowFrames: 60, overlapFrames: 24 });
    // Loosely held modes (the torso's turn, 17 rad/s) forget the window's end by e^-6 over 24 frames.
    expect(jointDifference(windows.configurations, whole.configurations).max).toBeLessThan(3e-4);
  });

  it('is the same from a worse start, once converged', () => {
    const motion = ownMotion(model, 60, 50, 5);
    const problem = trackingProblem(robot, motion, { ground: -10 });
    const exact = { iterations: 20, refinements: 0, tolerance: 1e-10 };
    const one = solveTrajectory(problem, { ...exact, startIterations: 6 });
    const other = solveTrajectory(problem, { ...exact, startIterations: 1, startDamping: 200 });
    expect(jointDifference(one.configurations, other.configurations).max).toBeLessThan(1e-6);
  });

  it('exceeds no position or velocity limit, whatever the targets ask for', () => {
    const motion = ownMotion(model, 80, 50, 6);
    const width = model.rest.length;
    for (let frame = 0; frame < 80; frame++) {
      model.addresses.forEach((address, joint) => {
        // Far beyond the range, and from one end to the other within four frames.
        const span = model.upper[joint] - model.lower[joint];
        const side = Math.floor(frame / 4) % 2 === 0 ? 1 : -1;
        motion[frame * width + address] += side * (joint % 3 === 0 ? span : 0);
      });
    }
    const result = solveTrajectory(trackingProblem(robot, motion, { ground: -10, smoothness: 0.01 }));
    const float = Float32Array.from(result.configurations);
    for (let frame = 0; frame < 80; frame++) {
      model.addresses.forEach((address, joint) => {
        const column = model.columns[joint];
        expect(float[frame * width + address]).toBeGreaterThanOrEqual(robot.lower_rad[column]);
        expect(float[frame * width + address]).toBeLessThanOrEqual(robot.upper_rad[column]);
        const speed = Math.abs(result.velocities[frame * model.size + 6 + joint]);
        expect(speed).toBeLessThanOrEqual(robot.velocityLimit_radps[column]);
      });
    }
    expect(integrationError(result)).toBeLessThan(1e-12);
  });

  it('keeps soles above the floor', () => {
    const motion = ownMotion(model, 60, 50, 7);
    const free = lowestSole(trackingProblem(robot, motion, { ground: -10 }));
    const ground = free + 0.05;
    // The floor's spring (1e5) against keypoints of 1e4 a metre each, five centimetres away: millimetres remain.
    expect(lowestSole(trackingProblem(robot, motion, { ground }))).toBeGreaterThan(ground - 0.02);
  });

  it('solves a single frame', () => {
    const motion = ownMotion(model, 1, 50, 8);
    const result = solveTrajectory(trackingProblem(robot, motion, { smoothness: 1e-4, ground: -10 }));
    expect(jointDifference(result.configurations, motion).max).toBeLessThan(0.02);
  });
});

function lowestSole(problem: Problem): number {
  const result = solveTrajectory(problem, { iterations: 10 });
  const again = trackingProblem(robot, result.configurations);
  let lowest = Number.POSITIVE_INFINITY;
  again.targets.points.forEach(({ name }, at) => {
    if (!/heel|toe/.test(name)) return;
    for (let frame = 0; frame < result.frameCount; frame++) {
      lowest = Math.min(lowest, again.targets.pointTarget_m[3 * (frame * again.targets.points.length + at) + 2]);
    }
  });
  return lowest;
}

describe('limits made certain', () => {
  it('leaves what is within them alone, and keeps to the speed limit where it is not', () => {
    const rate = 50;
    const count = 200;
    const width = model.rest.length;
    const controls = new Float64Array(count * width);
    const address = model.addresses[3];
    for (let row = 0; row < count; row++) {
      controls[row * width + address] = row < 100 ? 0.5 + 0.2 * Math.sin(row / 10) : row % 20 < 10 ? 0 : 2.5;
    }
    const before = controls.slice();
    enforceLimits(model, controls, count, rate);
    const most = model.speedLimit[3] / rate;
    for (let row = 0; row < 90; row++) expect(controls[row * width + address]).toBe(before[row * width + address]);
    for (let row = 1; row < count; row++) {
      const step = controls[row * width + address] - controls[(row - 1) * width + address];
      expect(Math.abs(step)).toBeLessThanOrEqual(most * (1 + 1e-12));
      expect(controls[row * width + address]).toBeLessThanOrEqual(2.5);
    }
  });
});
