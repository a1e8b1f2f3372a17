// Dynamics against MuJoCo's inverse dynamics, the support polygon against closed forms, and the report's plain figures.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { type SolverModel, solverModel } from '../../src/retarget/problem.js';
import { type Judged, judge } from '../../src/retarget/quality.js';
import { balance, createDynamics, pushPose, writeTorques } from '../../src/retarget/quality-dynamics.js';
import { percentile } from '../../src/retarget/quality-feasibility.js';
import { distanceToHull } from '../../src/retarget/quality-support.js';
import type { Trajectory } from '../../src/retarget/solver.js';
import { differenceConfiguration } from '../../src/robot/configuration.js';
import { createPose, forwardKinematics } from '../../src/robot/kinematics.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { buildModel } from '../../src/sim/build-model.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { Engine, Simulation } from '../../src/sim/mujoco.js';
import { ownMotion, trackingProblem } from './problems.js';

let robot: RobotModel;
let model: SolverModel;
let simulation: Simulation;

beforeAll(async () => {
  const engine = await Engine.load();
  const loaded = await loadRobot('g1', { engine });
  robot = loaded.robot;
  model = solverModel(robot);
  simulation = new Simulation(engine, buildModel(engine, loaded.source, loaded.config, robot).model);
});
afterAll(() => simulation.dispose());

describe('dynamics', () => {
  it("asks the ground and the joints for what MuJoCo's inverse dynamics does", () => {
    // Differences over a millisecond: their error, 1e-6 of the third derivative, is below a thousandth of a newton.
    const rate_hz = 1000;
    const motion = ownMotion(model, 3, rate_hz, 5);
    const width = model.rest.length;
    for (let frame = 0; frame < 3; frame++) motion[frame * width + model.baseAddress + 2] += 3;
    const dynamics = createDynamics(model, rate_hz);
    const poses = [0, 1, 2].map((frame) => {
      const pose = createPose(model.tree);
      forwardKinematics(model.tree, motion, frame * width, pose);
      pushPose(dynamics, pose);
      return pose;
    });
    const demand = balance(dynamics).slice();

    const size = robot.velocitySize;
    const velocities = new Float64Array(2 * size);
    for (const frame of [0, 1]) {
      const at = frame * width;
      differenceConfiguration(model.tree, velocities, frame * size, motion, at, motion, at + width, 1 / rate_hz);
    }
    const { data, engine } = simulation;
    simulation.views().qpos.set(motion.subarray(width, 2 * width));
    const accelerations = new Float64Array(model.joints.length);
    for (let dof = 0; dof < size; dof++) {
      data.qvel[dof] = (velocities[dof] + velocities[size + dof]) / 2;
      data.qacc[dof] = (velocities[size + dof] - velocities[dof]) * rate_hz;
      if (dof >= 6) accelerations[dof - 6] = data.qacc[dof];
    }
    engine.module.mj_inverse(simulation.model, data);
    const expected = Float64Array.from(data.qfrc_inverse as Float64Array);
    const passive = data.qfrc_passive as Float64Array;
    for (let dof = 0; dof < size; dof++) expected[dof] += passive[dof];
    const torques = new Float64Array(model.joints.length);
    writeTorques(dynamics, poses[1], [], accelerations, torques);
    for (let k = 0; k < 3; k++) expect(demand[k]).toBeCloseTo(expected[k], 2);
    // Gravity is 9.81 in both; tolerance: rounding of second differences, 1e-16 · 3 m · 1e6 Hz² on 35 kg.
    for (let joint = 0; joint < torques.length; joint++) expect(torques[joint]).toBeCloseTo(expected[6 + joint], 2);
  });

  it('puts the zero-moment point of a robot at rest under its centre of mass', () => {
    const dynamics = createDynamics(model, 50);
    const pose = createPose(model.tree);
    forwardKinematics(model.tree, model.rest, 0, pose);
    for (let frame = 0; frame < 3; frame++) pushPose(dynamics, pose);
    const [fx, fy, fz, mx, my] = balance(dynamics);
    let [x, y] = [0, 0];
    for (let body = 0; body < robot.bodies.length; body++) {
      x += (robot.bodies[body].mass_kg * dynamics.positions[1][3 * body]) / robot.totalMass_kg;
      y += (robot.bodies[body].mass_kg * dynamics.positions[1][3 * body + 1]) / robot.totalMass_kg;
    }
    expect([fx, fy]).toEqual([0, 0]);
    expect(fz).toBeCloseTo(robot.totalMass_kg * 9.81, 6);
    expect(-my / fz).toBeCloseTo(x, 9);
    expect(mx / fz).toBeCloseTo(y, 9);
  });
});

describe('support polygon', () => {
  const square = Float64Array.of(0, 0, 2, 0, 2, 2, 0, 2, 1, 1, 1, 0.5);
  it.each([
    [1, 1, 0],
    [2, 1, 0],
    [3, 1, 1],
    [3, 3, Math.SQRT2],
    [-1, 0.5, 1],
  ])('is %f, %f at distance %f of a square with points inside', (x, y, distance) => {
    expect(distanceToHull(square, 6, x, y)).toBeCloseTo(distance, 9);
  });

  it('may be a point, a line or nothing', () => {
    expect(distanceToHull(Float64Array.of(1, 1), 1, 4, 5)).toBeCloseTo(5);
    expect(distanceToHull(Float64Array.of(0, 0, 1, 0, 2, 0), 3, 1, 1)).toBeCloseTo(1);
    expect(distanceToHull(Float64Array.of(0, 0, 1, 0, 2, 0), 3, 1.5, 0)).toBeCloseTo(0);
    expect(distanceToHull(Float64Array.of(), 0, 0, 0)).toBe(Number.POSITIVE_INFINITY);
  });

  it('agrees with a search over the hull of random points', () => {
    const random = new Random(3);
    for (let trial = 0; trial < 30; trial++) {
      const points = Float64Array.from({ length: 16 }, () => random.uniform(-1, 1));
      const [x, y] = [random.uniform(-2, 2), random.uniform(-2, 2)];
      // The distance is the largest over directions of how far the point lies beyond every other.
      let expected = 0;
      for (let angle = 0; angle < 2 * Math.PI; angle += 1e-3) {
        const [u, v] = [Math.cos(angle), Math.sin(angle)];
        let most = Number.NEGATIVE_INFINITY;
        for (let at = 0; at < 8; at++) most = Math.max(most, u * points[2 * at] + v * points[2 * at + 1]);
        expected = Math.max(expected, u * x + v * y - most);
      }
      // Steps of a milliradian miss the best direction by half of one at most.
      expect(distanceToHull(points, 8, x, y)).toBeCloseTo(expected, 3);
    }
  });
});

describe('report', () => {
  it('measures a known motion', () => {
    const rate_hz = 50;
    const count = 60;
    const width = model.rest.length;
    const motion = new Float64Array(count * width);
    const knee = model.addresses[3];
    for (let frame = 0; frame < count; frame++) {
      motion.set(model.rest, frame * width);
      motion[frame * width + knee] = 0.5 + 0.3 * Math.sin((10 * frame) / rate_hz);
      // Its targets are where it is; it itself sinks in by a centimetre and slides by 0.1 m/s.
      motion[frame * width] += (0.1 * frame) / rate_hz;
    }
    const problem = trackingProblem(robot, motion, { rate_hz });
    const sunk = motion.slice();
    for (let frame = 0; frame < count; frame++) sunk[frame * width + 2] -= 0.01;
    const trajectory: Trajectory = {
      rate_hz,
      frameCount: count,
      configurations: sunk,
      velocities: new Float64Array(count * model.size),
      cost: 0,
      lastStep: 0,
    };
    const body = robot.feet[1];
    const z = -0.035;
    const corners_m = [
      [-0.05, 0.03, z],
      [-0.05, -0.03, z],
      [0.12, 0.03, z],
      [0.12, -0.03, z],
    ];
    const judged: Judged = {
      problem,
      soles: [{ name: 'right', body, corners_m }],
      contacts: [{ foot: 0, part: 0, start: 0, end: count }],
      firstCorner: problem.targets.points.length,
      corners: [new Float64Array(12 * count)],
    };
    const report = judge(judged, trajectory);
    expect(report.position_mm.pelvis.mean).toBeCloseTo(10, 9);
    expect(report.keypoint_m).toBeCloseTo(0.01, 9);
    expect(report.penetration_mm.max).toBeCloseTo(10, 1);
    expect(report.floating_mm.mean).toBeCloseTo(10, 1);
    expect(report.skating_mps!.mean).toBeCloseTo(0.1, 6);
    expect(report.targetSkating_mps!.mean).toBe(0);
    expect(report.contactShare).toBeCloseTo(0.5);
    expect(report.limitExcess_rad).toBeLessThanOrEqual(0);
    // One joint of all swings: 0.3 rad at 10 rad/s is 30 rad/s² at most, an rms of 30/√2 over one in 29.
    const rms = 30 / Math.SQRT2 / Math.sqrt(model.joints.length);
    expect(report.acceleration_radps2.max / 30).toBeCloseTo(1, 1);
    expect(report.acceleration_radps2.rms / rms).toBeCloseTo(1, 1);
    expect(report.cost).toBeGreaterThan(0);
  });

  it('takes percentiles', () => {
    expect(percentile([5, 1, 3, 2, 4], 0.5)).toBe(3);
    expect(percentile([], 0.5)).toBe(0);
  });
});
