import { beforeAll, describe, expect, it } from 'vitest';
import { createRigidBody, GRAVITY_MPS2, type RigidBody, updateRigidBody } from '../../src/control/rigid-body.js';
import { createWholeBody, solveWholeBody, updateFeet, type WholeBody } from '../../src/control/whole-body.js';
import { type LoadedRobot, loadRobot } from '../../src/sim/load-robot.js';

const WEIGHTS = { centreOfMass: 60, angularMomentum: 0.2, baseOrientation: 2, baseYaw: 5, wrench: 1e-4 };
const GROUND = { friction: 0.6, soleShare: 0.9 };

let loaded: LoadedRobot;
let rigid: RigidBody;
let body: WholeBody;
let torques: Float64Array;

beforeAll(async () => {
  loaded = await loadRobot('g1');
  const { robot } = loaded;
  rigid = createRigidBody(robot);
  const soles = robot.feet.map((foot) => ({
    body: foot,
    centre_m: [0.035, 0, -0.035] as const,
    halfLength_m: 0.085,
    halfWidth_m: 0.0275,
  }));
  body = createWholeBody(robot, rigid, soles);
  torques = new Float64Array(robot.jointNames.length);
  body.jointWeight.fill(1);
}, 120_000);

function stand(): void {
  const { robot } = loaded;
  updateRigidBody(rigid, robot.defaultConfiguration, new Float64Array(robot.velocitySize));
  updateFeet(body);
  for (const foot of body.feet) {
    foot.acceleration.fill(0);
    foot.weight = 2000;
    foot.inContact = true;
    foot.greatestForce_N = 1e3;
  }
  body.centreOfMassAcceleration.fill(0);
}

/** M a + h - Jᵀ f - τ of every degree of freedom; zero where the equations of motion hold. */
function residuals(): number[] {
  const { dofCount, massMatrix, bias } = rigid;
  return Array.from({ length: dofCount }, (_, dof) => {
    let sum = bias[dof];
    for (let k = 0; k < dofCount; k++) sum += massMatrix[dof * dofCount + k] * body.acceleration[k];
    for (const { wrench, heading_rad, jacobian } of body.feet) {
      const [c, s] = [Math.cos(heading_rad), Math.sin(heading_rad)];
      for (const part of [0, 3]) {
        sum -= jacobian[part * dofCount + dof] * (c * wrench[part] - s * wrench[part + 1]);
        sum -= jacobian[(part + 1) * dofCount + dof] * (s * wrench[part] + c * wrench[part + 1]);
        sum -= jacobian[(part + 2) * dofCount + dof] * wrench[part + 2];
      }
    }
    const joint = body.jointDofs.indexOf(dof);
    return joint < 0 ? sum : sum - torques[joint];
  });
}

describe('whole-body inverse dynamics', () => {
  it('keeps the equations of motion, at rest and when pulled beyond what the ground gives', () => {
    for (const pull of [0, 3, 50]) {
      stand();
      body.centreOfMassAcceleration[0] = pull;
      expect(solveWholeBody(body, WEIGHTS, GROUND, torques)).toBe(true);
      // The base has no motor: without force from anywhere else, its six equations hold to rounding.
      for (const residual of residuals()) expect(Math.abs(residual)).toBeLessThan(1e-6);
    }
  });

  it('standing still: the feet carry the weight, half each, and nothing moves', () => {
    stand();
    expect(solveWholeBody(body, WEIGHTS, GROUND, torques)).toBe(true);
    const [left, right] = body.feet.map(({ wrench }) => wrench[2]);
    const weight_N = rigid.totalMass_kg * GRAVITY_MPS2;
    // The price on forces lets the robot sink a little: a thousandth of its weight.
    expect(Math.abs(left + right - weight_N)).toBeLessThan(2e-3 * weight_N);
    expect(Math.abs(left - right)).toBeLessThan(0.05 * weight_N);
    expect(Math.max(...body.acceleration.map(Math.abs))).toBeLessThan(0.2);
  });

  it('wrenches stay in their cones, and on one foot under it', () => {
    stand();
    body.centreOfMassAcceleration[1] = 30;
    body.feet[1].inContact = false;
    body.feet[1].weight = 40;
    expect(solveWholeBody(body, WEIGHTS, GROUND, torques)).toBe(true);
    const [fx, fy, fz, mx, my] = body.feet[0].wrench;
    expect(Math.max(Math.abs(fx), Math.abs(fy))).toBeLessThan(GROUND.friction * fz + 1e-6);
    expect(Math.abs(mx)).toBeLessThan(0.0275 * fz);
    expect(Math.abs(my)).toBeLessThan(0.085 * fz);
    expect([...body.feet[1].wrench]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
