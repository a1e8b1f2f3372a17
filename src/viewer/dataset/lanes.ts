// The modality mask of an episode as lanes: for each channel the stretches of frames in which it is there.

import { CHANNELS, type Channel, type ChannelName } from '../../motion/episode.js';

/** What a channel is to a policy; lanes are coloured by it. */
export type Modality = 'command' | 'action' | 'joints' | 'base';

export interface Stretch {
  readonly start: number;
  /** One past the last frame. */
  readonly end: number;
}

export interface Lane {
  readonly name: ChannelName;
  readonly label: string;
  readonly modality: Modality;
  /** State of the frames that have the channel. */
  readonly state: 'measured' | 'derived';
  readonly present: readonly Stretch[];
  readonly presentFrames: number;
}

/** Channels in the order in which they are shown: what a policy sees, what it does, then the rest. */
const ORDER: readonly (readonly [ChannelName, string, Modality])[] = [
  ['command', 'command', 'command'],
  ['action', 'action', 'action'],
  ['executedAction', 'executed action', 'action'],
  ['jointPosition', 'joint position', 'joints'],
  ['jointVelocity', 'joint velocity', 'joints'],
  ['torque', 'torque', 'joints'],
  ['baseAngularVelocity', 'gyro', 'base'],
  ['projectedGravity', 'gravity', 'base'],
  ['baseLinearVelocity', 'base velocity', 'base'],
  ['basePosition', 'base position', 'base'],
  ['baseQuaternion', 'base turn', 'base'],
  ['footContact', 'foot contact', 'base'],
];

export function lanesOf(
  channels: Readonly<Partial<Record<ChannelName, Channel>>>,
  derived: readonly ChannelName[],
  frameCount: number,
): Lane[] {
  return ORDER.map(([name, label, modality]) => {
    const channel = channels[name];
    const present = channel === undefined ? [] : stretches(channel.valid, frameCount);
    return {
      name,
      label,
      modality,
      state: derived.includes(name) ? 'derived' : 'measured',
      present,
      presentFrames: present.reduce((sum, { start, end }) => sum + end - start, 0),
    };
  });
}

/** Stretches of ones. @param flags absent: all ones */
export function stretches(flags: ArrayLike<number> | undefined, count: number): Stretch[] {
  if (flags === undefined) return [{ start: 0, end: count }];
  const found: Stretch[] = [];
  let start = -1;
  for (let at = 0; at <= count; at++) {
    const isOn = at < count && flags[at] > 0.5;
    if (isOn && start < 0) start = at;
    if (!isOn && start >= 0) {
      found.push({ start, end: at });
      start = -1;
    }
  }
  return found;
}

/** What a lane shows, in words. */
export function laneText({ name, present, presentFrames, state }: Lane, frameCount: number): string {
  const { about } = CHANNELS[name];
  if (presentFrames === 0) return `${about}: masked in all ${frameCount} frames`;
  const kind = state === 'derived' ? 'computed from others' : 'from the source';
  if (presentFrames === frameCount) return `${about}: there in all ${frameCount} frames, ${kind}`;
  return `${about}: there in ${presentFrames} of ${frameCount} frames (${present.length} stretches), ${kind}`;
}
