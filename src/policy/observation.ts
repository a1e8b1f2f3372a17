// A robot's state as the observation part of a token, in the order and units that training used.

import { DataError } from '../base/errors.js';
import type { RobotModel } from '../robot/robot-model.js';
import type { TokenSpec } from '../tokens/token-spec.js';
import type { RobotState } from './controller.js';

/** Writes the observation [m] of one robot to `out` at `offset`. */
export type ObservationWriter = (
  state: RobotState,
  commands: Float64Array,
  commandOffset: number,
  out: Float32Array | Float64Array,
  offset: number,
) => void;

export function createObservationWriter(spec: TokenSpec, robot: RobotModel): ObservationWriter {
  const defaults = Float64Array.from(robot.defaultPosition_rad);
  return (state, commands, commandOffset, out, offset) => {
    for (const channel of spec.channels) {
      const at = offset + channel.offset;
      if (channel.name === 'command') {
        for (let axis = 0; axis < 3; axis++) out[at + axis] = commands[commandOffset + axis];
      } else if (channel.name === 'jointPosition') {
        for (let joint = 0; joint < channel.width; joint++) {
          out[at + joint] = state.jointPosition_rad[joint] - defaults[joint];
        }
      } else out.set(measured(state, channel.name), at);
    }
  };
}

function measured(state: RobotState, channel: TokenSpec['channels'][number]['name']): Float64Array {
  switch (channel) {
    case 'baseAngularVelocity':
      return state.baseAngularVelocity_radps;
    case 'projectedGravity':
      return state.projectedGravity;
    case 'jointVelocity':
      return state.jointVelocity_radps;
    case 'baseLinearVelocity':
      return state.baseLinearVelocity_mps;
    case 'footContact':
      return state.footContact;
    case 'torque':
      return state.torque_Nm;
    default:
      throw new DataError({ where: 'tokens.observation', what: 'channel that a robot cannot give', found: channel });
  }
}
