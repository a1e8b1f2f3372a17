// What an action of a file is, found by regression against what the joints did: target or offset from a default pose,
// by which factor, and of which row.
//
// - Mean slope: the mean action of each joint regressed on the default pose, through zero, less what the mean positions
//   lack of slope 1 there. Targets follow the pose (1), offsets from it know nothing of it (0), whatever the gains.
// - Scale: a joint driven by kp (scale · action + b - q) - kd dq moves, to first order, as
//   q[t+1] = A q + B dq + C action + D; at rest that is q = scale · action + b with scale = C / (1 - A). Where there is
//   torque the law itself is regressed. Joints in contact with the ground are biased by it: the median over joints,
//   weighted by how well each action is told, decides.
// - Row: the action of which row explains the step from t to t + 1. A recorder that stores states after the step pairs
//   row t with the action of row t + 1.

import { leastSquares } from '../math/least-squares.js';
import { type ForeignAction, foreignActions } from './check-action-columns.js';
import { type Column, isValidAt } from './columns.js';

export interface ActionEvidence {
  /** Slope of the mean action over joints on the default pose, as if the joints moved about it; undefined where fewer
   *  than three joints of that pose are away from zero. */
  readonly meanSlope?: number;
  /** Factor from the action to a joint target (rad), and how many joints told it. */
  readonly scale?: ScaleEvidence;
  /** Mean over joints of the log of how much the action of row t - lag explains of a step; by lag. */
  readonly lags?: ReadonlyMap<number, number>;
  /** Correlation of the action with torque, where there is any: near 1 it is torque. */
  readonly torqueCorrelation?: number;
  /** Joints that the action of another joint moves. */
  readonly foreign: readonly ForeignAction[];
}

export interface ScaleEvidence {
  readonly value: number;
  /** Weighted quartiles over joints. */
  readonly low: number;
  readonly high: number;
  /** Joints that told it, of those whose action moves. */
  readonly joints: number;
  readonly of: number;
  readonly from: 'torque' | 'motion';
}

export interface ActionInput {
  readonly frameCount: number;
  readonly rate_hz: number;
  readonly position: Column;
  readonly velocity?: Column;
  readonly torque?: Column;
  /** Action as it is in the file (by its scale, where the map gives one), in the robot's joint order. */
  readonly action: Column;
  readonly default_rad: readonly number[];
}

/** Angle of a default pose below which it counts as zero (rad). */
const SMALLEST_POSE = 0.05;
/** t statistic from which an action is told apart from noise. */
const TOLD = 4;
const FEWEST_JOINTS = 3;
/** Explained share from which torque is the PD law. */
const PD_LAW = 0.9;
export const LAGS = [-1, 0, 1] as const;

export function actionEvidence(input: ActionInput): ActionEvidence {
  const series = jointSeries(input);
  return {
    meanSlope: meanSlope(input),
    scale: betterScale(scaleByTorque(series), scaleByMotion(series)),
    lags: lagGains(series),
    torqueCorrelation: torqueCorrelation(series),
    foreign: foreignActions(series),
  };
}

/** Numbers of one joint in rows whose two followers are valid too. */
interface JointSeries {
  readonly joint: number;
  readonly position: Float64Array;
  readonly velocity: Float64Array;
  readonly action: Float64Array;
  readonly torque?: Float64Array;
}

/** Standard deviation of an action below which it is held (rad). */
const HELD = 1e-4;

function jointSeries({ frameCount, rate_hz, position, velocity, torque, action }: ActionInput): JointSeries[] {
  const columns = [position, action, ...(velocity ? [velocity] : []), ...(torque ? [torque] : [])];
  let first = 0;
  // The longest stretch without a gap would be better; the first is enough where gaps are few.
  while (first < frameCount && !columns.every((column) => isValidAt(column, first))) first++;
  let end = first;
  while (end < frameCount && columns.every((column) => isValidAt(column, end))) end++;
  const { width } = position;
  const of = (column: Column, joint: number) =>
    Float64Array.from({ length: end - first }, (_, row) => column.data[(first + row) * width + joint]);
  const all = Array.from({ length: width }, (_, joint): JointSeries => {
    const q = of(position, joint);
    return {
      joint,
      position: q,
      velocity: velocity ? of(velocity, joint) : backwardDifference(q, rate_hz),
      action: of(action, joint),
      torque: torque && of(torque, joint),
    };
  });
  return all.filter(({ action: a }) => a.length > 20 && deviation(a) > HELD);
}

function backwardDifference(values: Float64Array, rate_hz: number): Float64Array {
  return values.map((value, row) => (row === 0 ? 0 : (value - values[row - 1]) * rate_hz));
}

function meanSlope({ action, position, default_rad, frameCount }: ActionInput): number | undefined {
  const { width } = action;
  const posed = default_rad.filter((value) => Math.abs(value) > SMALLEST_POSE).length;
  const means = jointMeans(action, frameCount);
  const positions = jointMeans(position, frameCount);
  if (posed < FEWEST_JOINTS || means === undefined || positions === undefined) return undefined;
  let ofAction = 0;
  let ofPosition = 0;
  let square = 0;
  for (let joint = 0; joint < width; joint++) {
    ofAction += means[joint] * default_rad[joint];
    ofPosition += positions[joint] * default_rad[joint];
    square += default_rad[joint] ** 2;
  }
  return ofAction / square - (ofPosition / square - 1);
}

function jointMeans(column: Column, frameCount: number): Float64Array | undefined {
  const { width, data } = column;
  const means = new Float64Array(width);
  let valid = 0;
  for (let frame = 0; frame < frameCount; frame++) {
    if (!isValidAt(column, frame)) continue;
    valid++;
    for (let joint = 0; joint < width; joint++) means[joint] += data[frame * width + joint];
  }
  return valid === 0 ? undefined : means.map((sum) => sum / valid);
}

/** The one that more joints tell; torque of another instant than the action's passes for the law in few of them. */
function betterScale(a: ScaleEvidence | undefined, b: ScaleEvidence | undefined): ScaleEvidence | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.joints >= b.joints ? a : b;
}

function scaleByTorque(series: readonly JointSeries[]): ScaleEvidence | undefined {
  const told: { value: number; weight: number }[] = [];
  for (const { position, velocity, action, torque } of series) {
    if (torque === undefined) return undefined;
    const fit = leastSquares([action, position, velocity, ones(action.length)], torque);
    if (fit === undefined || fit.explained < PD_LAW || fit.coefficients[1] >= 0) continue;
    const t = fit.coefficients[0] / fit.standardErrors[0];
    if (Math.abs(t) < TOLD) continue;
    told.push({ value: -fit.coefficients[0] / fit.coefficients[1], weight: Math.min(Math.abs(t), 50) });
  }
  return medianScale(told, series.length, 'torque');
}

function scaleByMotion(series: readonly JointSeries[]): ScaleEvidence | undefined {
  const told: { value: number; weight: number }[] = [];
  for (const { position, velocity, action } of series) {
    const rows = position.length - 1;
    const now = [position, velocity, action].map((values) => values.subarray(0, rows));
    const fit = leastSquares([...now, ones(rows)], position.subarray(1));
    if (fit === undefined) continue;
    const [a, , c] = fit.coefficients;
    const t = Math.abs(c / fit.standardErrors[2]);
    // A joint that does not return to its target has no resting point to take a scale from.
    if (t < TOLD || 1 - a < 2 * fit.standardErrors[0]) continue;
    told.push({ value: c / (1 - a), weight: Math.min(t, 50) });
  }
  return medianScale(told, series.length, 'motion');
}

function medianScale(
  told: { value: number; weight: number }[],
  of: number,
  from: 'torque' | 'motion',
): ScaleEvidence | undefined {
  if (told.length < FEWEST_JOINTS) return undefined;
  told.sort((a, b) => a.value - b.value);
  const total = told.reduce((sum, { weight }) => sum + weight, 0);
  const quantile = (share: number) => {
    let sum = 0;
    for (const { value, weight } of told) {
      sum += weight;
      if (sum >= share * total) return value;
    }
    return told[told.length - 1].value;
  };
  return { value: quantile(0.5), low: quantile(0.25), high: quantile(0.75), joints: told.length, of, from };
}

function lagGains(series: readonly JointSeries[]): ReadonlyMap<number, number> | undefined {
  if (series.length < FEWEST_JOINTS) return undefined;
  const sums = new Map<number, number>(LAGS.map((lag) => [lag, 0]));
  let count = 0;
  for (const { position, velocity, action } of series) {
    // Rows 1 .. n - 3 have a neighbour on both sides for every lag.
    const rows = position.length - 3;
    const from = (values: Float64Array, shift: number) => values.subarray(1 + shift, 1 + shift + rows);
    const state = [from(position, 0), from(velocity, 0), ones(rows)];
    const next = from(velocity, 1);
    const without = leastSquares(state, next);
    const fits = LAGS.map((lag) => leastSquares([...state, from(action, -lag)], next));
    if (without === undefined || fits.some((fit) => fit === undefined || fit.residual === 0)) continue;
    count++;
    LAGS.forEach((lag, at) => {
      sums.set(lag, sums.get(lag)! + Math.log(without.residual / fits[at]!.residual));
    });
  }
  return count < FEWEST_JOINTS ? undefined : new Map([...sums].map(([lag, sum]) => [lag, sum / count]));
}

function torqueCorrelation(series: readonly JointSeries[]): number | undefined {
  let product = 0;
  let actions = 0;
  let torques = 0;
  for (const { action, torque } of series) {
    if (torque === undefined) return undefined;
    const meanAction = mean(action);
    const meanTorque = mean(torque);
    for (let row = 0; row < action.length; row++) {
      product += (action[row] - meanAction) * (torque[row] - meanTorque);
      actions += (action[row] - meanAction) ** 2;
      torques += (torque[row] - meanTorque) ** 2;
    }
  }
  return actions * torques === 0 ? undefined : product / Math.sqrt(actions * torques);
}

function ones(length: number): Float64Array {
  return new Float64Array(length).fill(1);
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: Float64Array): number {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length);
}
