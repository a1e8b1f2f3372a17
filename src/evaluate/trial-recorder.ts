// Keeps what the metrics need of the trials that are under way, one buffer for each slot, reused from trial to trial.

import type { Channel, ChannelName, Episode } from '../motion/episode.js';
import type { RobotModel } from '../robot/robot-model.js';
import type { RolloutEnd, RolloutStep, Trial } from '../sim/rollout.js';

/** The part of an episode that a trial leaves. */
export type Trace = Pick<Episode, 'id' | 'rate_hz' | 'frameCount' | 'channels' | 'fell'>;

const RECORDED = [
  'basePosition',
  'baseQuaternion',
  'jointPosition',
  'jointVelocity',
  'command',
  'executedAction',
  'torque',
  'footContact',
] as const satisfies readonly ChannelName[];
type Recorded = (typeof RECORDED)[number];

/** What a replay needs of a trial. */
export const MOTION_CHANNELS = [
  'basePosition',
  'baseQuaternion',
  'jointPosition',
  'command',
  'footContact',
] as const satisfies readonly Recorded[];

export interface TrialRecorder {
  onStep(step: RolloutStep<Trial>): void;
  /** The trace of a trial that ended. Its arrays are views, overwritten by the slot's next trial. */
  traceOf(end: RolloutEnd<Trial>, id: string): Trace;
}

export function createTrialRecorder(robot: RobotModel, slotCount: number, frameCount: number): TrialRecorder {
  const jointCount = robot.jointNames.length;
  const widths: Record<Recorded, number> = {
    basePosition: 3,
    baseQuaternion: 4,
    jointPosition: jointCount,
    jointVelocity: jointCount,
    command: 3,
    executedAction: jointCount,
    torque: jointCount,
    footContact: robot.feet.length,
  };
  const buffers = Array.from({ length: slotCount }, () =>
    mapRecorded((name) => new Float32Array(frameCount * widths[name])),
  );
  return {
    onStep({ slot, frame, state, command, executedAction }) {
      const buffer = buffers[slot];
      buffer.basePosition.set(state.basePosition_m, frame * 3);
      buffer.baseQuaternion.set(state.baseQuaternion, frame * 4);
      buffer.jointPosition.set(state.jointPosition_rad, frame * jointCount);
      buffer.jointVelocity.set(state.jointVelocity_radps, frame * jointCount);
      buffer.command.set(command, frame * 3);
      buffer.executedAction.set(executedAction, frame * jointCount);
      buffer.torque.set(state.torque_Nm, frame * jointCount);
      buffer.footContact.set(state.footContact, frame * widths.footContact);
    },
    traceOf({ slot, frameCount: frames, fell }, id) {
      const channels = mapRecorded(
        (name): Channel => ({ width: widths[name], data: buffers[slot][name].subarray(0, frames * widths[name]) }),
      );
      return { id, rate_hz: robot.control.rate_hz, frameCount: frames, channels, fell };
    },
  };
}

/** A trace, or the named channels of it, with arrays of its own. */
export function copyTrace(trace: Trace, names: readonly ChannelName[] = RECORDED): Trace {
  const channels = Object.fromEntries(
    Object.entries(trace.channels)
      .filter(([name]) => names.includes(name as ChannelName))
      .map(([name, channel]) => [name, { ...channel, data: channel.data.slice() }]),
  );
  return { ...trace, channels };
}

function mapRecorded<Value>(make: (name: Recorded) => Value): Record<Recorded, Value> {
  return Object.fromEntries(RECORDED.map((name) => [name, make(name)])) as Record<Recorded, Value>;
}
