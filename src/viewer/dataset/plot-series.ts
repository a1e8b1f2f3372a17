// The curves of an episode: what was asked for beside what was done, over seconds. Masked frames are null, never zeros.

import { rotate, yawOf } from '../../math/quaternion.js';
import type { Channel } from '../../motion/episode.js';
import type { RobotModel } from '../../robot/robot-model.js';
import type { KeypointErrors } from './keypoint-errors.js';
import type { EpisodeData } from './shard-reader.js';

/** A value a frame; null where the frame is masked. */
export type Curve = (number | null)[];

export interface PlotLine {
  readonly label: string;
  readonly curve: Curve;
}

export interface PlotContent {
  /** In the order of the plot's lines; undefined where the episode has no such channel. */
  readonly lines: readonly (PlotLine | undefined)[];
}

export interface EpisodeCurves {
  readonly seconds: number[];
  readonly forward: PlotContent;
  readonly sideways: PlotContent;
  readonly turning: PlotContent;
  readonly height: PlotContent;
  readonly tilt: PlotContent;
}

const DEGREES = 180 / Math.PI;

export function episodeCurves({ entry, channels }: EpisodeData, rate_hz: number): EpisodeCurves {
  const { frames } = entry;
  const { command, basePosition, projectedGravity } = channels;
  const velocity = headingVelocity(channels, frames);
  const pair = (column: number): PlotContent => ({
    lines: [line('command', command, frames, column), line('achieved', velocity, frames, column)],
  });
  const tilt = line('tilt', projectedGravity, frames, 2);
  return {
    seconds: Array.from({ length: frames }, (_, frame) => frame / rate_hz),
    forward: pair(0),
    sideways: pair(1),
    turning: pair(2),
    height: { lines: [line('base', basePosition, frames, 2)] },
    tilt: {
      lines: [
        tilt && {
          label: 'tilt',
          curve: tilt.curve.map((value) => value && Math.acos(Math.min(1, Math.max(-1, -value))) * DEGREES),
        },
      ],
    },
  };
}

export interface JointCurves {
  readonly position: PlotContent;
  readonly velocity: PlotContent;
  readonly torque: PlotContent;
  readonly action: PlotContent;
}

export function jointCurves(
  { entry, channels }: EpisodeData,
  robot: Pick<RobotModel, 'defaultPosition_rad'> | undefined,
  joint: number,
): JointCurves {
  const { frames } = entry;
  const { jointPosition, jointVelocity, torque, action, executedAction } = channels;
  const label = line('action', action, frames, joint);
  const rest = robot?.defaultPosition_rad[joint];
  const target =
    label && rest !== undefined
      ? { label: 'target', curve: label.curve.map((value) => (value === null ? null : value + rest)) }
      : undefined;
  return {
    position: { lines: [line('position', jointPosition, frames, joint), target] },
    velocity: { lines: [line('velocity', jointVelocity, frames, joint)] },
    torque: { lines: [line('torque', torque, frames, joint)] },
    action: { lines: [label, line('executed', executedAction, frames, joint)] },
  };
}

/** Mean and worst distance (mm) of the keypoints in each frame. */
export function errorCurves({ names, distances_m }: KeypointErrors): PlotContent {
  const width = names.length;
  const over = (value: (row: Float32Array) => number): Curve =>
    Array.from({ length: distances_m.length / width }, (_, frame) => {
      const row = distances_m.subarray(frame * width, (frame + 1) * width);
      return Number.isNaN(row[0]) ? null : 1000 * value(row);
    });
  return {
    lines: [
      { label: 'mean', curve: over((row) => row.reduce((sum, one) => sum + one, 0) / width) },
      { label: 'worst', curve: over((row) => Math.max(...row)) },
    ],
  };
}

function line(label: string, channel: Channel | undefined, frames: number, column: number): PlotLine | undefined {
  if (channel === undefined) return undefined;
  const { data, width, valid } = channel;
  const curve: Curve = new Array(frames);
  for (let frame = 0; frame < frames; frame++) {
    curve[frame] = valid?.[frame] === 0 ? null : data[frame * width + column];
  }
  return { label, curve };
}

/** Velocity in the heading frame, as commands are: vx, vy (m/s) and the turn rate about the vertical (rad/s). */
export function headingVelocity(channels: EpisodeData['channels'], frames: number): Channel | undefined {
  const { baseLinearVelocity: linear, baseAngularVelocity: angular, baseQuaternion: turn } = channels;
  if (linear === undefined || angular === undefined || turn === undefined) return undefined;
  const data = new Float32Array(3 * frames);
  const valid = new Uint8Array(frames);
  const world = new Float64Array(3);
  for (let frame = 0; frame < frames; frame++) {
    const isThere = [linear, angular, turn].every((channel) => channel.valid?.[frame] !== 0);
    if (!isThere) continue;
    valid[frame] = 1;
    const yaw = yawOf(turn.data, 4 * frame);
    rotate(world, 0, turn.data, 4 * frame, linear.data, 3 * frame);
    data[3 * frame] = Math.cos(yaw) * world[0] + Math.sin(yaw) * world[1];
    data[3 * frame + 1] = -Math.sin(yaw) * world[0] + Math.cos(yaw) * world[1];
    rotate(world, 0, turn.data, 4 * frame, angular.data, 3 * frame);
    data[3 * frame + 2] = world[2];
  }
  return { width: 3, data, valid };
}
