import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import {
  biasAcceleration,
  createRigidBody,
  pointVelocity,
  type RigidBody,
  updateRigidBody,
} from '../../src/control/rigid-body.js';
import { integrateConfiguration } from '../../src/robot/configuration.js';
import { pointJacobian } from '../../src/robot/kinematics.js';
import { buildModel } from '../../src/sim/build-model.js';
import { type LoadedRobot, loadRobot } from '../../src/sim/load-robot.js';
import { Engine, Simulation } from '../../src/sim/mujoco.js';

let loaded: LoadedRobot;
let simulation: Simulation;
let rigid: RigidBody;
const random = new Random(5);
let positions: Float64Array;
let velocities: Float64Array;

beforeAll(async () => {
  const engine = await Engine.load();
  loaded = await loadRobot('g1', { engine });
  simulation = new Simulation(engine, buildModel(engine, loaded.source, loaded.config, loaded.robot).model);
  rigid = createRigidBody(loaded.robot);
  positions = Float64Array.from(loaded.robot.defaultConfiguration);
  velocities = Float64Array.from({ length: loaded.robot.velocitySize }, () => random.uniform(-2, 2));
  // Anywhere, turned and moving, so that no term is zero by accident. High above the floor: no contact.
  integrateConfiguration(rigid.tree, positions, 0, positions, 0, velocities, 0, 0.4);
  positions[2] += 3;
  const { qpos, qvel } = simulation.views();
  qpos.set(positions);
  qvel.set(velocities);
  simulation.forward();
  updateRigidBody(rigid, positions, velocities);
}, 120_000);

afterAll(() => simulation?.dispose());

const expectClose = (found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) => {
  expect(found.length).toBe(expected.length);
  for (let k = 0; k < found.length; k++) expect(Math.abs(found[k] - expected[k])).toBeLessThan(tolerance);
};

describe("a tree's dynamics beside MuJoCo's", () => {
  // Float64 on both sides; forces are of the order of 1000 N, so that rounding stays far under this.
  const ROUNDING = 1e-8;

  it('mass matrix', () => {
    const { module } = simulation.engine;
    const count = rigid.dofCount;
    const full = new module.DoubleBuffer(count * count);
    module.mj_fullM(simulation.model, simulation.data, full);
    expectClose(rigid.massMatrix, full.GetView(), ROUNDING);
    full.delete();
  });

  it('bias forces', () => {
    expectClose(rigid.bias, simulation.data.qfrc_bias, ROUNDING);
  });

  it('inverse dynamics', () => {
    const count = rigid.dofCount;
    const accelerations = Float64Array.from({ length: count }, () => random.uniform(-20, 20));
    (simulation.data.qacc as Float64Array).set(accelerations);
    simulation.engine.module.mj_inverse(simulation.model, simulation.data);
    const passive = simulation.data.qfrc_passive as Float64Array;
    const constraint = simulation.data.qfrc_constraint as Float64Array;
    const expected = Float64Array.from(
      simulation.data.qfrc_inverse as Float64Array,
      (force, dof) => force + passive[dof] + constraint[dof],
    );
    const found = rigid.bias.map((bias, dof) => {
      let sum = bias;
      for (let k = 0; k < count; k++) sum += rigid.massMatrix[dof * count + k] * accelerations[k];
      return sum;
    });
    expectClose(found, expected, 1e-6);
  });

  it('centre of mass', () => {
    expectClose(rigid.centreOfMass_m, (simulation.data.subtree_com as Float64Array).subarray(0, 3), ROUNDING);
    expect(rigid.totalMass_kg).toBeCloseTo(loaded.robot.totalMass_kg, 9);
  });
});

describe('what changes with time, beside finite differences', () => {
  const step_s = 1e-5;
  /** The state a moment later at zero acceleration. */
  const later = (duration_s: number) => {
    const other = createRigidBody(loaded.robot);
    const moved = new Float64Array(positions.length);
    integrateConfiguration(rigid.tree, moved, 0, positions, 0, velocities, 0, duration_s);
    updateRigidBody(other, moved, velocities);
    return other;
  };

  it('momentum and its bias', () => {
    const [before, after] = [later(-step_s), later(step_s)];
    const change = (name: 'angularMomentum' | 'centreOfMassVelocity_mps') =>
      after[name].map((value, axis) => (value - before[name][axis]) / (2 * step_s));
    const linear = change('centreOfMassVelocity_mps').map((value) => value * rigid.totalMass_kg);
    // Central differences: error of the order of step².
    expectClose(rigid.momentumBias, [...change('angularMomentum'), ...linear], 1e-4);
    const velocity = after.centreOfMass_m.map((value, axis) => (value - before.centreOfMass_m[axis]) / (2 * step_s));
    expectClose(rigid.centreOfMassVelocity_mps, velocity, 1e-6);
  });

  it("a foot's velocity and bias acceleration", () => {
    const [foot] = loaded.robot.feet;
    const out = new Float64Array(6);
    const originOf = (body: RigidBody) => body.pose.position_m.subarray(3 * foot, 3 * foot + 3);
    const velocityOf = (body: RigidBody) => {
      const velocity = new Float64Array(6);
      pointVelocity(body, foot, originOf(body), velocity, 0);
      return velocity;
    };
    const jacobian = new Float64Array(6 * rigid.dofCount);
    pointJacobian(rigid.tree, rigid.pose, foot, originOf(rigid), 0, jacobian);
    const product = Float64Array.from({ length: 6 }, (_, row) =>
      velocities.reduce((sum, value, dof) => sum + value * jacobian[row * rigid.dofCount + dof], 0),
    );
    expectClose(velocityOf(rigid), product, 1e-10);
    const [before, after] = [velocityOf(later(-step_s)), velocityOf(later(step_s))];
    biasAcceleration(rigid, foot, originOf(rigid), out, 0);
    expectClose(
      out,
      after.map((value, row) => (value - before[row]) / (2 * step_s)),
      1e-4,
    );
  });
});
