import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { bandIndex } from '../../src/retarget/banded.js';
import type { Problem } from '../../src/retarget/problem.js';
import { createFrameTerms, evaluateFrame } from '../../src/retarget/residual-frame.js';
import { controlsFromFrames, moveControl } from '../../src/retarget/solver-spline.js';
import { createWindowSolver, evaluateWindow } from '../../src/retarget/solver-window.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { ownMotion, trackingProblem } from './problems.js';

let robot: RobotModel;
beforeAll(async () => {
  robot = (await loadRobot('g1')).robot;
});

/** A problem at a fast rate of turning and with a floor through the feet, and controls that are off its targets. */
function offTargets(frameCount: number): { problem: Problem; controls: Float64Array } {
  const rate_hz = 15;
  const model = trackingProblem(robot, ownMotion(trackingModel(), 1, rate_hz, 1)).model;
  const problem = trackingProblem(robot, ownMotion(model, frameCount, rate_hz, 1), { rate_hz, ground: 0.05 });
  const controls = new Float64Array((frameCount + 1) * model.rest.length);
  controlsFromFrames(model, ownMotion(model, frameCount, rate_hz, 2), frameCount, controls);
  return { problem, controls };
}

function trackingModel() {
  const rest = Float64Array.from(robot.defaultConfiguration);
  return trackingProblem(robot, rest).model;
}

describe('cost of a frame', () => {
  it('has the gradient that finite differences give', () => {
    const { problem, controls } = offTargets(4);
    const terms = createFrameTerms(problem);
    const { model } = problem;
    evaluateFrame(terms, controls, 0, 2, true);
    const gradient = terms.gradient.slice();
    const step = new Float64Array(model.size);
    const moved = controls.slice(0, model.rest.length);
    const cost = (variable: number, size: number) => {
      step.fill(0);
      step[variable] = size;
      moveControl(model, controls, 0, step, 0, 1, moved);
      return evaluateFrame(terms, moved, 0, 2, false);
    };
    for (let variable = 0; variable < model.size; variable++) {
      const h = 1e-6;
      const expected = (cost(variable, h) - cost(variable, -h)) / (2 * h);
      // Central differences of costs around 1e4 have about 1e4 · 1e-16 / 1e-6 of rounding.
      expect(Math.abs(gradient[variable] - expected)).toBeLessThan(1e-5 * (1 + Math.abs(expected)));
    }
  });

  it('has the Gauss-Newton matrix that its residuals give, where they are positions alone', () => {
    const { problem: whole, controls } = offTargets(3);
    const targets = { ...whole.targets, frameWeight: whole.targets.frameWeight.map(() => 0) };
    const smoothness = { ...whole.smoothness, groundWeight: 0 };
    const problem = { ...whole, targets, smoothness };
    const terms = createFrameTerms(problem);
    const { model } = problem;
    // With the targets where the points are, the matrix is the cost's second derivative.
    const { points, pointTarget_m } = targets;
    evaluateFrame(terms, controls, 0, 1, true);
    points.forEach((point, at) => {
      const turned = rotateBy(terms.pose.quaternion, 4 * point.body, point.offset_m);
      for (let k = 0; k < 3; k++) {
        pointTarget_m[3 * (points.length + at) + k] = turned[k] + terms.pose.position_m[3 * point.body + k];
      }
    });
    evaluateFrame(terms, controls, 0, 1, true);
    const matrix = terms.matrix.slice();
    const random = new Random(4);
    const step = new Float64Array(model.size);
    const moved = controls.slice(0, model.rest.length);
    const before = terms.gradient.slice();
    for (let trial = 0; trial < 5; trial++) {
      const h = 1e-5;
      for (let k = 0; k < model.size; k++) step[k] = h * random.normal();
      moveControl(model, controls, 0, step, 0, 1, moved);
      evaluateFrame(terms, moved, 0, 1, false);
      for (let row = 0; row < model.size; row++) {
        let expected = before[row];
        for (let column = 0; column < model.size; column++) {
          expected += matrix[Math.max(row, column) * model.size + Math.min(row, column)] * step[column];
        }
        // Second order in the step: 1e-10 times weights of 1e4 and a sum of some 35 of them.
        expect(Math.abs(terms.gradient[row] - expected)).toBeLessThan(2e-3);
      }
    }
  });
});

function rotateBy(q: Float64Array, i: number, v: ArrayLike<number>): number[] {
  const [w, x, y, z] = q.subarray(i, i + 4);
  return [
    (1 - 2 * (y * y + z * z)) * v[0] + 2 * (x * y - w * z) * v[1] + 2 * (x * z + w * y) * v[2],
    2 * (x * y + w * z) * v[0] + (1 - 2 * (x * x + z * z)) * v[1] + 2 * (y * z - w * x) * v[2],
    2 * (x * z - w * y) * v[0] + 2 * (y * z + w * x) * v[1] + (1 - 2 * (x * x + y * y)) * v[2],
  ];
}

describe('cost of a window', () => {
  it.each([
    [0, 6],
    [3, 6],
  ])('has the gradient that finite differences give, from control point %i to %i', (start, end) => {
    const { problem, controls } = offTargets(6);
    const { model } = problem;
    const solver = createWindowSolver(problem, 7);
    evaluateWindow(solver, controls, start, end, false, 0);
    const origin = Math.max(0, start - 2);
    const gradient = solver.gradient.slice();
    const step = new Float64Array(model.size);
    const moved = controls.slice();
    for (let control = start; control <= end; control++) {
      for (let variable = 0; variable < model.size; variable++) {
        const cost = (size: number) => {
          moved.set(controls);
          step.fill(0);
          step[variable] = size;
          moveControl(model, controls, control, step, 0, 1, moved);
          return evaluateWindow(solver, moved, start, end, false, 0);
        };
        const h = 1e-5;
        const expected = (cost(h) - cost(-h)) / (2 * h);
        const found = gradient[(control - origin) * model.size + variable];
        expect(Math.abs(found - expected)).toBeLessThan(1e-4 * (1 + Math.abs(expected)));
      }
    }
  });

  it('has a matrix that predicts the gradient after a small step near the targets', () => {
    const rate_hz = 50;
    const frameCount = 8;
    const model = trackingModel();
    const motion = ownMotion(model, frameCount, rate_hz, 1);
    const problem = trackingProblem(robot, motion, { rate_hz });
    const controls = new Float64Array((frameCount + 1) * model.rest.length);
    controlsFromFrames(model, motion, frameCount, controls);
    const solver = createWindowSolver(problem, frameCount + 1);
    evaluateWindow(solver, controls, 0, frameCount, true, 0);
    const { size } = model;
    const count = (frameCount + 1) * size;
    const before = solver.gradient.slice(0, count);
    const random = new Random(8);
    const h = 1e-5;
    const step = Float64Array.from({ length: count }, () => h * random.normal());
    const predicted = before.slice();
    for (let row = 0; row < count; row++) {
      for (let column = Math.max(0, row - 2 * size); column <= row; column++) {
        const value = solver.band.data[bandIndex(solver.band, row, column)];
        predicted[row] += value * step[column];
        if (column < row) predicted[column] += value * step[row];
      }
    }
    const moved = controls.slice();
    for (let control = 0; control <= frameCount; control++) {
      moveControl(model, controls, control, step, control * size, 1, moved);
    }
    evaluateWindow(solver, moved, 0, frameCount, false, 0);
    let difference = 0;
    let change = 0;
    for (let at = 0; at < count; at++) {
      difference += (solver.gradient[at] - predicted[at]) ** 2;
      change += (predicted[at] - before[at]) ** 2;
    }
    // Gauss-Newton: what it leaves out is of the size of the residuals (millimetres against lever arms of decimetres).
    expect(Math.sqrt(difference / change)).toBeLessThan(0.02);
  });
});
