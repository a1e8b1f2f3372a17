// Motors that take torques: what the compiled PD actuators become while a controller of torques drives the robot.
//
// The model is one, whoever drives it; only gains, biases and control ranges of the actuators change, from reset to
// reset. Torque limits and the strength drawn for a motor hold as they do for joint targets.

import type { MjModel } from './mujoco.js';
import type { DynamicsMap, Randomisation } from './randomisation.js';

/** `targets`: joint position targets, through the robot's own gains; `torques`: joint torques as they are. */
export type Drive = 'targets' | 'torques';

// Widths of MuJoCo's parameter rows.
const PARAMETERS = 10;
const GEARS = 6;

/** Control ranges of the actuators as the model came. */
export function readControlRange(model: MjModel): Float64Array {
  return (model.actuator_ctrlrange as Float64Array).slice();
}

/** Writes the drive into the model, after applyRandomisation, which writes the gains of targets. */
export function applyDrive(
  model: MjModel,
  controlRange: Float64Array,
  map: DynamicsMap,
  drawn: Randomisation,
  drive: Drive,
): void {
  const range = model.actuator_ctrlrange as Float64Array;
  range.set(controlRange);
  if (drive === 'targets') return;
  const gain = model.actuator_gainprm as Float64Array;
  const bias = model.actuator_biasprm as Float64Array;
  const gears = model.actuator_gear as Float64Array;
  for (let joint = 0; joint < map.actuators.length; joint++) {
    const actuator = map.actuators[joint];
    gain.fill(0, PARAMETERS * actuator, PARAMETERS * (actuator + 1));
    bias.fill(0, PARAMETERS * actuator, PARAMETERS * (actuator + 1));
    gain[PARAMETERS * actuator] = (drawn.motorStrength?.[joint] ?? 1) / gears[GEARS * actuator];
    // A position actuator's range is of angles: it says nothing about torques.
    range[2 * actuator] = -1e9;
    range[2 * actuator + 1] = 1e9;
  }
}
