import { afterAll, beforeAll, expect, it } from 'vitest';
import { Environment } from '../../src/sim/environment.js';
import { loadRobot } from '../../src/sim/load-robot.js';

let environment: Environment;

beforeAll(async () => {
  environment = await Environment.create(await loadRobot('g1'));
}, 120_000);

afterAll(() => environment?.dispose());

it('motors give the torques that are told, up to their limits, at every physics step', () => {
  const { robot, state } = environment;
  environment.reset({ drive: 'torques' });
  const times: number[] = [];
  environment.stepTorques((torques) => {
    times.push(state.time_s);
    torques.fill(0.5);
    torques[0] = 1000;
  });
  expect(times).toHaveLength(environment.substepCount);
  times.forEach((time_s, at) => {
    expect(time_s).toBeCloseTo(at * robot.control.physicsTimestep_s, 12);
  });
  expect(state.torque_Nm[0]).toBeCloseTo(robot.torqueLimit_Nm[0], 9);
  expect(state.torque_Nm[5]).toBeCloseTo(0.5, 12);
  expect(state.time_s).toBeCloseTo(1 / robot.control.rate_hz, 12);
});

it('a reset gives the joint targets back, to the bit', () => {
  const zeros = new Float64Array(environment.robot.jointNames.length);
  const run = () => {
    environment.reset();
    for (let step = 0; step < 10; step++) environment.step(zeros);
    return environment.configuration();
  };
  const before = run();
  environment.reset({ drive: 'torques' });
  environment.stepTorques((torques) => torques.fill(1));
  expect(run()).toEqual(before);
});

it('a motor of half the strength gives half the torque', () => {
  const { robot, state } = environment;
  environment.reset({ drive: 'torques', randomisation: { motorStrength: robot.jointNames.map(() => 0.5) } });
  environment.stepTorques((torques) => torques.fill(2));
  expect(state.torque_Nm[5]).toBeCloseTo(1, 12);
});

it('refuses a torque that is not a number', () => {
  environment.reset({ drive: 'torques' });
  expect(() => environment.stepTorques((torques) => torques.fill(Number.NaN))).toThrow(/finite/);
});
