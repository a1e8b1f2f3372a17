// The environment: determinism, standing, pushes, sensors, torques, randomisation, against MuJoCo and closed forms.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { multiplyQuaternions, rotateInverse, yawOf } from '../../src/math/quaternion.js';
import { createPose, forwardKinematics, kinematicTree } from '../../src/robot/kinematics.js';
import { buildModel } from '../../src/sim/build-model.js';
import { Environment, type EnvironmentOptions } from '../../src/sim/environment.js';
import { type LoadedRobot, loadRobot } from '../../src/sim/load-robot.js';
import { Engine, Simulation } from '../../src/sim/mujoco.js';
import { randomisationSchema, sampleRandomisation } from '../../src/sim/randomisation.js';

const SENSORS = ['pelvis_gyro', 'pelvis_linear_velocity', 'pelvis_orientation', 'torso_gyro'];
let engine: Engine;
let loaded: LoadedRobot;
let environment: Environment;
const jointCount = 29;

beforeAll(async () => {
  engine = await Engine.load();
  loaded = await loadRobot('g1', { engine });
  environment = await Environment.create(loaded, { engine, sensors: SENSORS });
});
afterAll(() => environment.dispose());
beforeEach(() => environment.reset());

/** A small motion of every joint, the same for each frame number. */
function motion(frame: number, size = 0.2): Float64Array {
  return Float64Array.from({ length: jointCount }, (_, joint) => size * Math.sin(0.3 * frame + joint));
}

function run(at: Environment, frames: number): Float64Array {
  for (let frame = 0; frame < frames; frame++) at.step(motion(frame));
  return Float64Array.of(...at.configuration(), ...at.velocity(), ...at.state.torque_Nm, ...at.state.footContact);
}

async function withEnvironment<T>(options: EnvironmentOptions, action: (at: Environment) => T): Promise<T> {
  const other = await Environment.create(loaded, options);
  try {
    return action(other);
  } finally {
    other.dispose();
  }
}

describe('determinism', () => {
  it('gives the same bits after a reset, and in another engine', async () => {
    const first = run(environment, 40);
    environment.reset();
    expect(run(environment, 40)).toEqual(first);
    await withEnvironment({}, (other) => expect(run(other, 40)).toEqual(first));
  });

  it('gives the same bits for the same seed and others for another', () => {
    const start = (seed: number) => {
      const random = new Random(seed);
      const ranges = randomisationSchema.parse({ friction: [0.4, 1], payload_kg: [-1, 3], motorStrength: [0.9, 1.1] });
      const randomisation = sampleRandomisation(ranges, jointCount, random);
      environment.reset({
        random,
        jointNoise_rad: 0.1,
        jointVelocityNoise_radps: 0.2,
        yaw_rad: 'random',
        randomisation,
      });
      return run(environment, 10);
    };
    const first = start(7);
    expect(start(7)).toEqual(first);
    expect(start(8)).not.toEqual(first);
    // Nothing of an episode stays behind.
    environment.reset();
    const plain = run(environment, 10);
    start(7);
    environment.reset();
    expect(run(environment, 10)).toEqual(plain);
  });

  it("is MuJoCo's own step, turned round", () => {
    const { model } = buildModel(engine, loaded.source, loaded.config, loaded.robot);
    const simulation = new Simulation(engine, model);
    const { qpos, ctrl } = simulation.views();
    simulation.reset();
    qpos.set(loaded.robot.defaultConfiguration);
    for (let frame = 0; frame < 20; frame++) {
      const action = motion(frame);
      for (let joint = 0; joint < jointCount; joint++)
        ctrl[joint] = loaded.robot.defaultPosition_rad[joint] + action[joint];
      for (let step = 0; step < environment.substepCount; step++)
        engine.module.mj_step(simulation.model, simulation.data);
      environment.step(action);
    }
    expect(environment.configuration()).toEqual(simulation.views().qpos.slice());
    expect(environment.velocity()).toEqual(simulation.views().qvel.slice());
    simulation.dispose();
  });

  it('survives the growth of the heap that other environments cause', async () => {
    const expected = run(environment, 10);
    environment.reset();
    for (let frame = 0; frame < 5; frame++) environment.step(motion(frame));
    const others: Environment[] = [];
    for (let count = 0; count < 12; count++) others.push(await Environment.create(loaded, { engine }));
    for (let frame = 5; frame < 10; frame++) environment.step(motion(frame));
    const found = Float64Array.of(
      ...environment.configuration(),
      ...environment.velocity(),
      ...environment.state.torque_Nm,
      ...environment.state.footContact,
    );
    expect(found).toEqual(expected);
    for (const other of others) other.dispose();
  });
});

describe('standing', () => {
  it('starts upright, at rest, feet on the floor', () => {
    const { state } = environment;
    expect(state.basePosition_m[2]).toBe(loaded.robot.standingHeight_m);
    expectClose(state.projectedGravity, [0, 0, -1], 0);
    expect(Array.from(state.jointPosition_rad)).toEqual(loaded.robot.defaultPosition_rad);
    expect(state.jointVelocity_radps.every((value) => value === 0)).toBe(true);
    expect(state.time_s).toBe(0);
    environment.step(new Float64Array(jointCount));
    expect(environment.state.time_s).toBe(0.02);
    expect(Array.from(state.footContact)).toEqual([1, 1]);
  });

  it('stands at the default pose for the time that an uncontrolled body takes to topple', () => {
    let fastest = 0;
    for (let frame = 0; frame < 30; frame++) {
      environment.step(new Float64Array(jointCount));
      fastest = Math.max(fastest, ...environment.state.jointVelocity_radps.map(Math.abs));
    }
    // It has no balance, so it leans within 0.6 s; exploding gains would show as tens of rad/s at once.
    expect(environment.fallen).toBe(false);
    expect(fastest).toBeLessThan(1);
    expect(environment.state.basePosition_m[2]).toBeGreaterThan(loaded.robot.standingHeight_m - 0.02);
  });

  it('notices a fall by tilt, by height and by divergence', async () => {
    const configuration = Float64Array.from(loaded.robot.defaultConfiguration);
    const tilt = (angle: number) => configuration.set([Math.cos(angle / 2), Math.sin(angle / 2), 0, 0], 3);
    tilt(1.04);
    environment.setConfiguration(configuration);
    expect(environment.fallen).toBe(false);
    tilt(1.06);
    environment.setConfiguration(configuration);
    expect(environment.fallen).toBe(true);
    tilt(0);
    configuration[2] = 0.49 * loaded.robot.standingHeight_m;
    environment.setConfiguration(configuration);
    expect(environment.fallen).toBe(true);
    environment.reset();
    const velocity = new Float64Array(loaded.robot.velocitySize).fill(1e200);
    environment.setConfiguration(loaded.robot.defaultConfiguration, velocity);
    environment.step(new Float64Array(jointCount));
    expect(environment.fallen).toBe(true);
    environment.reset();
    expect(environment.fallen).toBe(false);
    await withEnvironment({ engine, fall: { heightShare: 0.995 } }, (strict) => {
      run(strict, 20);
      expect(strict.fallen).toBe(true);
    });
  });
});

describe('varied starts', () => {
  it('stay within limits and stand on the floor', () => {
    const tree = kinematicTree(loaded.robot);
    const pose = createPose(tree);
    for (let seed = 0; seed < 20; seed++) {
      environment.reset({ random: new Random(seed), jointNoise_rad: 0.3, yaw_rad: 'random' });
      const { jointPosition_rad } = environment.state;
      const { lower_rad, upper_rad, defaultPosition_rad } = loaded.robot;
      for (let joint = 0; joint < jointCount; joint++) {
        expect(jointPosition_rad[joint]).toBeGreaterThanOrEqual(lower_rad[joint]);
        expect(jointPosition_rad[joint]).toBeLessThanOrEqual(upper_rad[joint]);
        expect(Math.abs(jointPosition_rad[joint] - defaultPosition_rad[joint])).toBeLessThanOrEqual(0.3);
      }
      // The lowest of the eight contact spheres, by our own kinematics, touches the floor.
      forwardKinematics(tree, environment.configuration(), 0, pose);
      expect(lowestSphere(pose.position_m, pose.quaternion)).toBeCloseTo(0, 9);
    }
  });

  it('face the asked heading', () => {
    environment.reset({ yaw_rad: 1.2 });
    expect(yawOf(environment.state.baseQuaternion, 0)).toBeCloseTo(1.2, 12);
    expectClose(environment.state.projectedGravity, [0, 0, -1], 1e-15);
  });

  it('need a random generator', () => {
    expect(() => environment.reset({ jointNoise_rad: 0.1 })).toThrow(/options\.random/);
  });

  function lowestSphere(positions: Float64Array, quaternions: Float64Array): number {
    const centres = [
      [-0.05, 0.025, -0.03],
      [-0.05, -0.025, -0.03],
      [0.12, 0.03, -0.03],
      [0.12, -0.03, -0.03],
    ];
    const down = new Float64Array(3);
    const heights = loaded.robot.feet.flatMap((foot) => {
      rotateInverse(down, 0, quaternions, 4 * foot, [0, 0, 1], 0);
      return centres.map(
        (centre) => positions[3 * foot + 2] + centre.reduce((sum, part, k) => sum + part * down[k], 0),
      );
    });
    return Math.min(...heights) - 0.005;
  }
});

describe('state', () => {
  it('changes by a push exactly', () => {
    run(environment, 10);
    const before = environment.velocity();
    const { baseQuaternion } = environment.state;
    environment.push([0.3, -0.4]);
    const after = environment.velocity();
    expect(after[0] - before[0]).toBeCloseTo(0.3, 12);
    expect(after[1] - before[1]).toBeCloseTo(-0.4, 12);
    expect(Array.from(after.slice(2))).toEqual(Array.from(before.slice(2)));
    const inBase = new Float64Array(3);
    rotateInverse(inBase, 0, baseQuaternion, 0, after, 0);
    expect(environment.state.baseLinearVelocity_mps).toEqual(inBase);
    environment.push([0, 0, 0.5]);
    expect(environment.velocity()[2] - before[2]).toBeCloseTo(0.5, 12);
  });

  it("agrees with the model's sensors, at the instant of the state", () => {
    // Sensors are MuJoCo's; the site of the pelvis IMU is not turned against the base.
    for (let frame = 0; frame < 30; frame++) {
      environment.step(motion(frame, 0.4));
      const { state } = environment;
      expectClose(state.baseAngularVelocity_radps, state.sensors.pelvis_gyro, 1e-12);
      expectClose(state.baseQuaternion, state.sensors.pelvis_orientation, 1e-12);
      expectClose(velocityAtImu(), state.sensors.pelvis_linear_velocity, 1e-12);
    }
    environment.push([0.5, 0.2]);
    expectClose(velocityAtImu(), environment.state.sensors.pelvis_linear_velocity, 1e-12);
    expect(environment.state.sensors.torso_gyro).toHaveLength(3);
  });

  it('has gravity where an accelerometer at rest would see it', () => {
    const configuration = Float64Array.from(loaded.robot.defaultConfiguration);
    const roll = Float64Array.of(Math.cos(0.2), Math.sin(0.2), 0, 0);
    const yaw = Float64Array.of(Math.cos(0.5), 0, 0, Math.sin(0.5));
    const turn = new Float64Array(4);
    multiplyQuaternions(turn, 0, yaw, 0, roll, 0);
    configuration.set(turn, 3);
    environment.setConfiguration(configuration);
    expectClose(environment.state.projectedGravity, [0, -Math.sin(0.4), -Math.cos(0.4)], 1e-15);
  });

  it('has no contact in the air', () => {
    const configuration = Float64Array.from(loaded.robot.defaultConfiguration);
    configuration[2] += 0.3;
    environment.setConfiguration(configuration);
    environment.step(new Float64Array(jointCount));
    expect(Array.from(environment.state.footContact)).toEqual([0, 0]);
    // Free fall for 20 ms, in ten steps of a first-order integrator.
    expect(environment.velocity()[2]).toBeCloseTo(-9.81 * 0.02, 2);
  });

  function velocityAtImu(): Float64Array {
    const { baseLinearVelocity_mps: v, baseAngularVelocity_radps: w } = environment.state;
    const [x, y, z] = [0.04525, 0, -0.08339];
    return Float64Array.of(v[0] + w[1] * z - w[2] * y, v[1] + w[2] * x - w[0] * z, v[2] + w[0] * y - w[1] * x);
  }
});

describe('torque', () => {
  it('is clipped at the limits, and reaches them', () => {
    // Targets far out of reach: every motor pushes as hard as it can, soon against the joint's end.
    const action = Float64Array.from({ length: jointCount }, (_, joint) => (joint % 2 === 0 ? 50 : -50));
    const greatest = new Float64Array(jointCount);
    for (let frame = 0; frame < 15; frame++) {
      environment.step(action);
      environment.state.torque_Nm.forEach((torque, joint) => {
        greatest[joint] = Math.max(greatest[joint], Math.abs(torque));
      });
    }
    expectClose(greatest, loaded.robot.torqueLimit_Nm, 1e-9);
  });

  it.each(['implicit', 'explicit'] as const)('is that of a PD controller, %s', async (mode) => {
    const config = { ...loaded.config, pd: { ...loaded.config.pd, mode } };
    const at = await Environment.create({ ...loaded, config, robot: { ...loaded.robot, pdMode: mode } }, { engine });
    const configuration = Float64Array.from(loaded.robot.defaultConfiguration);
    configuration[2] += 1;
    const velocity = new Float64Array(loaded.robot.velocitySize);
    for (let joint = 0; joint < jointCount; joint++) {
      configuration[7 + joint] += 0.01 * Math.sin(joint);
      velocity[6 + joint] = 0.05 * Math.cos(joint);
    }
    at.setConfiguration(configuration, velocity);
    // Torque after a reset or a placement is what the controller gives in that very state.
    const { stiffness_Nmprad, damping_Nmsprad } = loaded.robot;
    for (let joint = 0; joint < jointCount; joint++) {
      const expected =
        -stiffness_Nmprad[joint] * 0.01 * Math.sin(joint) - damping_Nmsprad[joint] * 0.05 * Math.cos(joint);
      expect(at.state.torque_Nm[joint]).toBeCloseTo(expected, 12);
    }
    at.dispose();
  });
});

describe('randomisation', () => {
  const draw = (ranges: unknown, seed = 3) =>
    sampleRandomisation(randomisationSchema.parse(ranges), jointCount, new Random(seed));

  it('draws within ranges, each quantity from its own stream', () => {
    const all = draw({
      friction: [0.4, 0.6],
      payload_kg: [1, 2],
      motorStrength: [0.8, 1.2],
      actionDelay_steps: [1, 3],
    });
    expect(all.friction).toBeGreaterThanOrEqual(0.4);
    expect(all.friction).toBeLessThan(0.6);
    expect(new Set(all.motorStrength).size).toBe(jointCount);
    expect([1, 2, 3]).toContain(all.actionDelay_steps);
    expect(draw({ payload_kg: [1, 2] })).toEqual({ payload_kg: all.payload_kg });
    const delays = new Set(
      Array.from({ length: 50 }, (_, seed) => draw({ actionDelay_steps: [0, 2] }, seed).actionDelay_steps),
    );
    expect([...delays].sort()).toEqual([0, 1, 2]);
  });

  it('refuses ranges that make no sense', () => {
    for (const ranges of [
      { friction: [0, 1] },
      { payload_kg: [2, 1] },
      { actionDelay_steps: [0, 99] },
      { mass: [1, 2] },
    ]) {
      expect(randomisationSchema.safeParse(ranges).success).toBe(false);
    }
  });

  it('delays actions by whole control steps, starting from the default pose', () => {
    const plain = [0, 0, 1, 2, 3].map((frame, at) => {
      environment.step(at < 2 ? new Float64Array(jointCount) : motion(frame));
      return environment.configuration();
    });
    environment.reset({ randomisation: { actionDelay_steps: 2 } });
    [1, 2, 3, 4, 5].forEach((frame, at) => {
      const action = motion(frame);
      environment.step(action);
      // What the caller does to its buffer afterwards does not reach the robot.
      action.fill(9);
      expect(environment.configuration()).toEqual(plain[at]);
    });
  });

  it('scales torques by motor strength', () => {
    const factor = Array.from({ length: jointCount }, (_, joint) => (joint === 3 ? 0.5 : 1));
    const configuration = Float64Array.from(loaded.robot.defaultConfiguration);
    configuration[2] += 1;
    configuration[7 + 3] += 0.2;
    const torque = (randomisation: object) => {
      environment.reset({ randomisation });
      environment.setConfiguration(configuration);
      return environment.state.torque_Nm[3];
    };
    expect(torque({})).toBeCloseTo(-150 * 0.2, 9);
    expect(torque({ motorStrength: factor })).toBeCloseTo(-75 * 0.2, 9);
  });

  it('slides further where friction is less', () => {
    const tree = kinematicTree(loaded.robot);
    const pose = createPose(tree);
    const footPosition = () => {
      forwardKinematics(tree, environment.configuration(), 0, pose);
      return pose.position_m[3 * loaded.robot.feet[0]];
    };
    const travelled = (friction: number) => {
      environment.reset({ randomisation: { friction } });
      const start = footPosition();
      environment.push([0.6, 0]);
      for (let frame = 0; frame < 10; frame++) environment.step(new Float64Array(jointCount));
      return footPosition() - start;
    };
    // The legs swing under the pushed body, so no closed form: less friction, further along.
    const distances = [1, 0.3, 0.05, 0.01].map(travelled);
    expect(distances).toEqual([...distances].sort((left, right) => left - right));
    expect(distances[3] - distances[0]).toBeGreaterThan(0.03);
  });

  it('adds a payload that falls no slower but weighs more', () => {
    // Standing still, the feet carry the weight: with a payload the knees give way further.
    const height = (payload_kg: number) => {
      environment.reset({ randomisation: { payload_kg } });
      for (let frame = 0; frame < 12; frame++) environment.step(new Float64Array(jointCount));
      return environment.state.basePosition_m[2];
    };
    expect(height(8)).toBeLessThan(height(0) - 0.001);
    expect(height(-3)).toBeGreaterThan(height(0));
  });
});

describe('mistakes', () => {
  it('refuses an action that is not finite, and names the joint', () => {
    const action = new Float64Array(jointCount);
    action[3] = Number.NaN;
    environment.step(new Float64Array(jointCount));
    expect(() => environment.step(action)).toThrow(/action of left_knee_joint at 0\.02 s.*found NaN/);
  });

  it('names the nearest sensor', async () => {
    await expect(Environment.create(loaded, { engine, sensors: ['pelvis_gyr'] })).rejects.toThrow(
      /sensor that the model does not have: found pelvis_gyr. Did you mean "pelvis_gyro"\?/,
    );
  });
});

function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(found.length).toBe(expected.length);
  for (let k = 0; k < expected.length; k++) expect(Math.abs(found[k] - expected[k])).toBeLessThanOrEqual(tolerance);
}
