// Feasibility of a retargeted motion, frame by frame: is the zero-moment point under the soles, are the torques there.
//
// A frame counts as loaded where the motion asks the ground for more than a fifth of the robot's weight; in flight there
// is no zero-moment point. Soles within a centimetre and a half of the floor support.

import type { Pose } from '../robot/kinematics.js';
import { pointPosition } from '../robot/kinematics.js';
import type { Sole } from './contact.js';
import type { SolverModel } from './problem.js';
import { balance, createDynamics, type Dynamics, GRAVITY, type GroundForce, writeTorques } from './quality-dynamics.js';
import { distanceToHull } from './quality-support.js';

const SUPPORT_HEIGHT_M = 0.015;
const LOADED_SHARE = 0.2;
/** A zero-moment point this far outside the hull of the corners still counts as inside: soles are wider than corners. */
const HULL_MARGIN_M = 0.01;

export interface FeasibilityReport {
  /** Frames that lean on the ground. */
  readonly loadedFrames: number;
  /** Share of them with the zero-moment point under the soles, and how far outside it is at the 95th percentile (m). */
  readonly balanced: number;
  readonly outside95_m: number;
  /** Share of them in which no sole is on the floor: the person leans on something else, or floats. */
  readonly unsupported: number;
  /** Share of frames with every joint within its torque limit, and the highest torque over limit (95th percentile). */
  readonly withinTorque: number;
  readonly torqueShare95: number;
  readonly worstJoint: string;
}

export interface FeasibilityMeter {
  readonly model: SolverModel;
  readonly soles: readonly Sole[];
  readonly floor_m: number;
  readonly dynamics: Dynamics;
  readonly corners: Float64Array; // [sole, corner, 3] of the frame that is measured
  readonly hull: Float64Array; // [corner, 2]
  readonly torques: Float64Array;
  readonly accelerations: Float64Array;
  readonly outside: number[];
  readonly shares: number[];
  readonly overs: Int32Array; // [joint], frames over the limit
  loaded: number;
  unsupported: number;
  within: number;
}

export function createFeasibilityMeter(
  model: SolverModel,
  soles: readonly Sole[],
  floor_m: number,
  rate_hz: number,
): FeasibilityMeter {
  return {
    model,
    soles,
    floor_m,
    dynamics: createDynamics(model, rate_hz),
    corners: new Float64Array(soles.length * 12),
    hull: new Float64Array(soles.length * 8),
    torques: new Float64Array(model.joints.length),
    accelerations: new Float64Array(model.joints.length),
    outside: [],
    shares: [],
    overs: new Int32Array(model.joints.length),
    loaded: 0,
    unsupported: 0,
    within: 0,
  };
}

/**
 * Measures the frame of `pose`; the frame after it must have been pushed to `meter.dynamics`, and the accelerations of
 * its joints written to `meter.accelerations` (rad/s², tree order).
 */
export function measureFeasibility(meter: FeasibilityMeter, pose: Pose): void {
  const { model, soles, dynamics, corners, hull, floor_m } = meter;
  const [fx, fy, fz, mx, my, mz] = balance(dynamics);
  let count = 0;
  soles.forEach(({ body, corners_m }, sole) => {
    corners_m.forEach((corner, at) => {
      const to = 12 * sole + 3 * at;
      pointPosition(corners, to, pose, body, corner, 0);
      if (corners[to + 2] - floor_m > SUPPORT_HEIGHT_M) return;
      hull[2 * count] = corners[to];
      hull[2 * count + 1] = corners[to + 1];
      count++;
    });
  });
  let ground: GroundForce[] = [];
  if (fz > LOADED_SHARE * model.robot.totalMass_kg * GRAVITY) {
    meter.loaded++;
    // The point on the floor about which the demand has no horizontal moment.
    const x = (-my + floor_m * fx) / fz;
    const y = (mx + floor_m * fy) / fz;
    const turn = mz - (x * fy - y * fx);
    if (count === 0) meter.unsupported++;
    else meter.outside.push(distanceToHull(hull, count, x, y));
    ground = shareGround(meter, [fx, fy, fz], [x, y, floor_m], turn);
  }
  writeTorques(dynamics, pose, ground, meter.accelerations, meter.torques);
  let most = 0;
  for (let at = 0; at < meter.torques.length; at++) {
    const limit = model.robot.torqueLimit_Nm[model.columns[at]];
    const share = limit > 0 ? Math.abs(meter.torques[at]) / limit : 0;
    if (share > 1) meter.overs[at]++;
    most = Math.max(most, share);
  }
  if (most <= 1) meter.within++;
  meter.shares.push(most);
}

/** The ground's force on each foot: on the one that stands, or shared by the zero-moment point's place between two. */
function shareGround(
  { soles, corners, floor_m }: FeasibilityMeter,
  force: readonly number[],
  point: readonly number[],
  turn: number,
): GroundForce[] {
  const standing = soles.flatMap(({ body }, sole) => {
    const centre = [0, 1, 2].map((k) => [0, 1, 2, 3].reduce((sum, at) => sum + corners[12 * sole + 3 * at + k] / 4, 0));
    const lowest = Math.min(...[0, 1, 2, 3].map((at) => corners[12 * sole + 3 * at + 2]));
    return lowest - floor_m <= SUPPORT_HEIGHT_M ? [{ body, centre }] : [];
  });
  if (standing.length === 0) return [];
  if (standing.length === 1) {
    return [{ body: standing[0].body, force_N: force, point_m: point, turn_Nm: turn }];
  }
  const [a, b] = standing;
  const along = [b.centre[0] - a.centre[0], b.centre[1] - a.centre[1]];
  const length2 = Math.max(1e-6, along[0] ** 2 + along[1] ** 2);
  const projected = ((point[0] - a.centre[0]) * along[0] + (point[1] - a.centre[1]) * along[1]) / length2;
  const share = Math.max(0, Math.min(1, projected));
  // Both feet's points are off their middle by as much, so that the sum acts at the zero-moment point.
  const middle = [0, 1].map((k) => (1 - share) * a.centre[k] + share * b.centre[k]);
  return [a, b].map(({ body, centre }, at) => {
    const part = at === 0 ? 1 - share : share;
    return {
      body,
      force_N: force.map((one) => part * one),
      point_m: [centre[0] + point[0] - middle[0], centre[1] + point[1] - middle[1], floor_m],
      turn_Nm: part * turn,
    };
  });
}

export function feasibilityReport(meter: FeasibilityMeter): FeasibilityReport {
  const { model, outside, shares, overs } = meter;
  const frames = Math.max(1, shares.length);
  const worst = overs.reduce((best, count, at) => (count > overs[best] ? at : best), 0);
  return {
    loadedFrames: meter.loaded,
    balanced: outside.filter((distance) => distance <= HULL_MARGIN_M).length / Math.max(1, meter.loaded),
    outside95_m: percentile(outside, 0.95),
    unsupported: meter.unsupported / Math.max(1, meter.loaded),
    withinTorque: meter.within / frames,
    torqueShare95: percentile(shares, 0.95),
    worstJoint: overs[worst] > 0 ? model.robot.jointNames[model.columns[worst]] : '',
  };
}

/** Value below which a share of the values lies; 0 of none. */
export function percentile(values: ArrayLike<number>, share: number): number {
  if (values.length === 0) return 0;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
