// Episode: one robot trajectory at a uniform rate, as typed columns with validity.
//
// Absent is absent: a channel that a source does not have is not there, and a frame in which it does not have it is
// invalid; no zeros stand in for either. Quaternions are w, x, y, z; SI units; Z up, X forward.

import type { RobotIdentity } from '../robot/robot-model.js';

export const CHANNELS = {
  basePosition: { unit: 'm', width: 3, about: 'base position in the world' },
  baseQuaternion: { unit: '1', width: 4, about: 'base orientation in the world, w x y z' },
  baseAngularVelocity: { unit: 'rad/s', width: 3, about: 'angular velocity in the base frame (a gyro)' },
  baseLinearVelocity: { unit: 'm/s', width: 3, about: 'linear velocity in the base frame' },
  projectedGravity: { unit: '1', width: 3, about: "gravity's direction in the base frame; 0 0 -1 upright" },
  jointPosition: { unit: 'rad', width: 'joints', about: 'joint position' },
  jointVelocity: { unit: 'rad/s', width: 'joints', about: 'joint velocity' },
  command: { unit: 'm/s m/s rad/s', width: 3, about: 'velocity command vx, vy, wz in the heading frame' },
  action: { unit: 'rad', width: 'joints', about: 'joint target minus default position: the clean label' },
  executedAction: { unit: 'rad', width: 'joints', about: 'the action as executed, exploration noise included' },
  torque: { unit: 'N m', width: 'joints', about: 'joint torque' },
  footContact: { unit: '1', width: 'feet', about: '1 where the foot touches the ground, 0 where not' },
} as const satisfies Record<string, { unit: string; width: number | 'joints' | 'feet'; about: string }>;

export type ChannelName = keyof typeof CHANNELS;
export const CHANNEL_NAMES = Object.keys(CHANNELS) as ChannelName[];

export interface Channel {
  readonly width: number;
  /** Values [frame, width]; what stands in invalid frames has no meaning and must not be read. */
  readonly data: Float32Array;
  /** 1 where the frame has this channel; absent where every frame has it. */
  readonly valid?: Uint8Array;
}

export const SOURCE_KINDS = ['rollout', 'controller', 'bvh', 'video'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

/** Where an episode came from. Everything here is written into the shard. */
export interface Provenance {
  /** File name (no folders) or controller name, and SHA-256 of the input where there is one. */
  readonly input: string;
  readonly sha256?: string;
  readonly tool: string;
  /** Options, seed, field map: whatever would reproduce the episode. JSON. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Something noticed about an episode: a limit passed, a jump, a repaired gap. */
export interface Finding {
  readonly kind: string;
  readonly severity: 'info' | 'warning' | 'error';
  readonly channel?: ChannelName;
  /** First and one past the last frame concerned. */
  readonly frames?: readonly [number, number];
  readonly message: string;
}

export interface Episode {
  /** Unique in its dataset, stable over re-ingestion: source name, input and number. */
  readonly id: string;
  readonly robot: RobotIdentity;
  readonly rate_hz: number;
  readonly frameCount: number;
  readonly kind: SourceKind;
  /** Name of the source for weights and metrics: `g1-rollouts`, `walks-bvh`. */
  readonly source: string;
  readonly channels: Readonly<Partial<Record<ChannelName, Channel>>>;
  /** Channels that were computed from others rather than measured or recorded. */
  readonly derived: readonly ChannelName[];
  /** True where frame 0 is the first control step after a reset: the action before it is the default pose, 0. */
  readonly startsAtReset: boolean;
  /** Ends in a fall: the last frames are a failure, not a demonstration. */
  readonly fell?: boolean;
  readonly provenance: Provenance;
  readonly findings: readonly Finding[];
}

/** Width of a channel on a robot. */
export function channelWidth(name: ChannelName, jointCount: number, footCount: number): number {
  const width = CHANNELS[name].width;
  return width === 'joints' ? jointCount : width === 'feet' ? footCount : width;
}
