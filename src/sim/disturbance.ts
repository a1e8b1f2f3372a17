// Disturbances: noise on the executed action, kicks of the base, noise on the sensors. Planned with a seed, capped.
//
// A student of undisturbed rollouts falls at once: it never saw a state beside its teacher's path. Noise on what is
// executed, with the teacher's own action kept as label, shows it such states and the way back. The caps come from
// the first experiment: noise much above them makes the teacher itself fall.

import { z } from 'zod';
import type { Random } from '../base/random.js';
import type { RobotState } from '../policy/controller.js';

const share = z.number().min(0).max(1);
const interval = z
  .tuple([z.number().nonnegative(), z.number().nonnegative()])
  .refine(([low, high]) => low <= high, 'lower end above upper end');

const actionNoiseSchema = z.strictObject({
  /** Share of rollouts with noise on the executed action. */
  share: share.default(0.75),
  /** Among these, the share with white noise; the others have autoregressive noise. */
  white: share.default(0.5),
  /** Standard deviation is drawn evenly up to this cap (rad). */
  whiteCap_rad: z.number().nonnegative().max(0.5).default(0.15),
  autoregressiveCap_rad: z.number().nonnegative().max(0.5).default(0.12),
  /** Correlation of the autoregressive noise from one control step to the next. */
  correlation: z.number().min(0).lt(1).default(0.8),
});

const kickSchema = z.strictObject({
  /** Share of rollouts with kicks. */
  share: share.default(0.5),
  /** Time between kicks is drawn from this range (s). */
  interval_s: interval.refine(([low]) => low > 0, 'must be above 0').default([2, 4]),
  /** Change of the base's horizontal velocity, in any direction (m/s). */
  speed_mps: interval.default([0.2, 0.7]),
});

const sensorNoiseSchema = z.strictObject({
  /** Standard deviations of white noise on what the controller and the episode see. */
  baseAngularVelocity_radps: z.number().nonnegative().default(0),
  projectedGravity: z.number().nonnegative().default(0),
  jointPosition_rad: z.number().nonnegative().default(0),
  jointVelocity_radps: z.number().nonnegative().default(0),
});
export type SensorNoise = z.output<typeof sensorNoiseSchema>;

export const disturbanceSchema = z.strictObject({
  actionNoise: actionNoiseSchema.prefault({}),
  kicks: kickSchema.prefault({}),
  sensorNoise: sensorNoiseSchema.prefault({}),
});
export type DisturbanceSampling = z.output<typeof disturbanceSchema>;

/** A sudden change of the base's linear velocity (m/s, world frame). */
export interface Kick {
  readonly time_s: number;
  readonly velocityChange_mps: readonly [number, number, number];
}

export interface ActionNoise {
  readonly kind: 'white' | 'autoregressive';
  /** Standard deviation of the noise of each joint at each step (rad). */
  readonly deviation_rad: number;
  readonly correlation: number;
}

/** What happens to one rollout. */
export interface Disturbance {
  readonly actionNoise?: ActionNoise;
  readonly kicks: readonly Kick[];
  readonly sensorNoise?: SensorNoise;
}

export const UNDISTURBED: Disturbance = { kicks: [] };

/** Plans the disturbance of one rollout; the same random stream gives the same plan. */
export function sampleDisturbance(options: DisturbanceSampling, duration_s: number, random: Random): Disturbance {
  const isNoisy = random.uniform() < options.actionNoise.share;
  const isWhite = random.uniform() < options.actionNoise.white;
  const fraction = random.uniform();
  const isKicked = random.uniform() < options.kicks.share;
  const { whiteCap_rad, autoregressiveCap_rad, correlation } = options.actionNoise;
  const hasSensorNoise = Object.values(options.sensorNoise).some((deviation) => deviation > 0);
  return {
    actionNoise: isNoisy
      ? {
          kind: isWhite ? 'white' : 'autoregressive',
          deviation_rad: fraction * (isWhite ? whiteCap_rad : autoregressiveCap_rad),
          correlation: isWhite ? 0 : correlation,
        }
      : undefined,
    kicks: isKicked ? sampleKicks(options.kicks, duration_s, random) : [],
    sensorNoise: hasSensorNoise ? options.sensorNoise : undefined,
  };
}

function sampleKicks(options: z.output<typeof kickSchema>, duration_s: number, random: Random): Kick[] {
  const kicks: Kick[] = [];
  let time_s = random.uniform(...options.interval_s);
  while (time_s < duration_s) {
    kicks.push({ time_s, velocityChange_mps: horizontal(random.uniform(...options.speed_mps), random) });
    time_s += random.uniform(...options.interval_s);
  }
  return kicks;
}

/** A horizontal velocity of the given speed in a random direction. */
export function horizontal(speed_mps: number, random: Random): [number, number, number] {
  const heading = random.uniform(-Math.PI, Math.PI);
  return [speed_mps * Math.cos(heading), speed_mps * Math.sin(heading), 0];
}

/**
 * A generator of action noise: each call advances one control step and writes one value for each joint (rad).
 * Its deviation is that of every step, the first one included: autoregressive noise starts in its stationary state.
 */
export function actionNoiseSource(noise: ActionNoise, jointCount: number, random: Random): (out: Float64Array) => void {
  const { correlation } = noise;
  const innovation = noise.deviation_rad * Math.sqrt(1 - correlation ** 2);
  const values = Float64Array.from({ length: jointCount }, () => noise.deviation_rad * random.normal());
  return (out) => {
    for (let joint = 0; joint < jointCount; joint++) {
      out[joint] = values[joint];
      values[joint] = correlation * values[joint] + innovation * random.normal();
    }
  };
}

/** Copies the sensor values of `from` to `to`, with noise. Other entries of `to` are left alone. */
export function addSensorNoise(to: RobotState, from: RobotState, noise: SensorNoise, random: Random): void {
  perturb(to.baseAngularVelocity_radps, from.baseAngularVelocity_radps, noise.baseAngularVelocity_radps, random);
  perturb(to.projectedGravity, from.projectedGravity, noise.projectedGravity, random);
  perturb(to.jointPosition_rad, from.jointPosition_rad, noise.jointPosition_rad, random);
  perturb(to.jointVelocity_radps, from.jointVelocity_radps, noise.jointVelocity_radps, random);
}

function perturb(to: Float64Array, from: Float64Array, deviation: number, random: Random): void {
  for (let k = 0; k < from.length; k++) to[k] = from[k] + (deviation > 0 ? deviation * random.normal() : 0);
}
