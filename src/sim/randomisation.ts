// Hidden dynamics of one episode: friction, payload, motor strength, action delay. Sampled with a seed, then applied.
//
// Noise on sensors and on executed actions, and kicks, are disturbances (see disturbance.ts): they act at every step,
// these hold from reset to reset. The ranges that HT-1 (arXiv 2303.03381) trains over are a good start.

import { z } from 'zod';
import type { Random } from '../base/random.js';
import type { MjModel } from './mujoco.js';

const range = z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, 'lower end above upper end');
const positiveRange = range.refine(([low]) => low > 0, 'must be above 0');

export const randomisationSchema = z.strictObject({
  /** Sliding friction of every contact; absent: the model's. */
  friction: positiveRange.optional(),
  /** Mass added to the torso at its centre of mass (kg); negative takes away. */
  payload_kg: range.optional(),
  /** Factor on what each motor gives: gains and torque limit alike, drawn for each joint. */
  motorStrength: positiveRange.optional(),
  /** Control steps by which actions arrive late, drawn once an episode. */
  actionDelay_steps: z
    .tuple([z.int().nonnegative(), z.int().nonnegative().max(20)])
    .refine(([low, high]) => low <= high, 'lower end above upper end')
    .optional(),
});
export type RandomisationRanges = z.output<typeof randomisationSchema>;

/** What holds for one episode. Absent: as in the model. */
export interface Randomisation {
  readonly friction?: number;
  readonly payload_kg?: number;
  readonly motorStrength?: readonly number[]; // [joint]
  readonly actionDelay_steps?: number;
}

/** Draws one episode's dynamics; the same random stream gives the same draw. */
export function sampleRandomisation(ranges: RandomisationRanges, jointCount: number, random: Random): Randomisation {
  const { friction, payload_kg, motorStrength, actionDelay_steps } = ranges;
  // One stream each: turning one option on does not change what the others draw.
  const stream = (label: string) => random.split(label);
  const strength = stream('motor strength');
  return {
    friction: friction && stream('friction').uniform(...friction),
    payload_kg: payload_kg && stream('payload').uniform(...payload_kg),
    motorStrength: motorStrength && Array.from({ length: jointCount }, () => strength.uniform(...motorStrength)),
    actionDelay_steps:
      actionDelay_steps &&
      actionDelay_steps[0] + stream('delay').integer(actionDelay_steps[1] - actionDelay_steps[0] + 1),
  };
}

/** The fields of a model that randomisation writes, as the model came. */
export interface NominalDynamics {
  readonly friction: Float64Array;
  readonly mass: Float64Array;
  readonly gain: Float64Array;
  readonly bias: Float64Array;
  readonly forceRange: Float64Array;
  readonly jointForceRange: Float64Array;
}

export function readNominal(model: MjModel): NominalDynamics {
  return {
    friction: (model.geom_friction as Float64Array).slice(),
    mass: (model.body_mass as Float64Array).slice(),
    gain: (model.actuator_gainprm as Float64Array).slice(),
    bias: (model.actuator_biasprm as Float64Array).slice(),
    forceRange: (model.actuator_forcerange as Float64Array).slice(),
    jointForceRange: (model.jnt_actfrcrange as Float64Array).slice(),
  };
}

/** Where a robot's joints and torso are in MuJoCo's numbering. */
export interface DynamicsMap {
  readonly actuators: ArrayLike<number>; // [joint]
  readonly joints: ArrayLike<number>; // [joint]
  readonly torso: number;
}

/**
 * Writes one episode's dynamics into the model, over the nominal ones.
 * @returns true where masses changed, so that the model's derived constants must be computed again
 */
export function applyRandomisation(
  model: MjModel,
  nominal: NominalDynamics,
  map: DynamicsMap,
  drawn: Randomisation,
): boolean {
  const friction = model.geom_friction as Float64Array;
  friction.set(nominal.friction);
  if (drawn.friction !== undefined) for (let at = 0; at < friction.length; at += 3) friction[at] = drawn.friction;

  const strength = drawn.motorStrength;
  for (let joint = 0; joint < map.actuators.length; joint++) {
    const factor = strength?.[joint] ?? 1;
    const actuator = map.actuators[joint];
    scale(model.actuator_gainprm, nominal.gain, 10 * actuator, 10, factor);
    scale(model.actuator_biasprm, nominal.bias, 10 * actuator, 10, factor);
    scale(model.actuator_forcerange, nominal.forceRange, 2 * actuator, 2, factor);
    scale(model.jnt_actfrcrange, nominal.jointForceRange, 2 * map.joints[joint], 2, factor);
  }

  const mass = model.body_mass as Float64Array;
  // A body must keep some mass, or the equations of motion have no solution.
  const wanted = Math.max(0.1 * nominal.mass[map.torso], nominal.mass[map.torso] + (drawn.payload_kg ?? 0));
  const changed = mass[map.torso] !== wanted;
  mass[map.torso] = wanted;
  return changed;
}

function scale(target: Float64Array, nominal: Float64Array, start: number, count: number, factor: number): void {
  for (let at = start; at < start + count; at++) target[at] = nominal[at] * factor;
}
