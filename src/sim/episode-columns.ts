// Every channel of an episode that is being simulated, a control step at a time: what recording and driving share.

import { CHANNEL_NAMES, type Channel, type ChannelName, channelWidth } from '../motion/episode.js';
import type { RobotState } from '../policy/controller.js';
import type { RobotModel } from '../robot/robot-model.js';

/** Buffers [capacity, width] by channel. */
export type EpisodeColumns = Readonly<Record<ChannelName, { readonly width: number; readonly data: Float32Array }>>;

/** One control step, before physics acts on it. */
export interface EpisodeFrame {
  /** The true state. */
  readonly state: RobotState;
  /** The state as the controller saw it. */
  readonly observed: RobotState;
  /** vx (m/s), vy (m/s), wz (rad/s). */
  readonly command: Float64Array;
  /** What went to the motors: joint target minus default position (rad). */
  readonly executedAction: Float64Array;
}

/** @param capacity frames that there is room for */
export function createEpisodeColumns(robot: RobotModel, capacity: number): EpisodeColumns {
  const column = (name: ChannelName) => {
    const width = channelWidth(name, robot.jointNames.length, robot.feet.length);
    return [name, { width, data: new Float32Array(width * capacity) }] as const;
  };
  return Object.fromEntries(CHANNEL_NAMES.map(column)) as EpisodeColumns;
}

/**
 * Sensor channels are what the controller saw; the base's place and linear velocity, which no sensor gives, are true.
 * @param action the label: joint target minus default position (rad)
 */
export function writeEpisodeFrame(
  columns: EpisodeColumns,
  frame: number,
  { state, observed, command, executedAction }: EpisodeFrame,
  action: Float64Array,
): void {
  const values: Record<ChannelName, Float64Array> = {
    basePosition: state.basePosition_m,
    baseQuaternion: state.baseQuaternion,
    baseAngularVelocity: observed.baseAngularVelocity_radps,
    baseLinearVelocity: state.baseLinearVelocity_mps,
    projectedGravity: observed.projectedGravity,
    jointPosition: observed.jointPosition_rad,
    jointVelocity: observed.jointVelocity_radps,
    command,
    action,
    executedAction,
    torque: state.torque_Nm,
    footContact: state.footContact,
  };
  for (const name of CHANNEL_NAMES) columns[name].data.set(values[name], frame * columns[name].width);
}

/** The channels of the first `frameCount` frames, copied, without those of `dropped`. */
export function channelsOf(
  columns: EpisodeColumns,
  frameCount: number,
  dropped: readonly ChannelName[] = [],
): Partial<Record<ChannelName, Channel>> {
  const channels: Partial<Record<ChannelName, Channel>> = {};
  for (const name of CHANNEL_NAMES) {
    if (dropped.includes(name)) continue;
    const { width, data } = columns[name];
    channels[name] = { width, data: data.slice(0, frameCount * width) };
  }
  return channels;
}
