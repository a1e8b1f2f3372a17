// HumanMotion: what a person's keypoints did, whatever file it came from: the input of retargeting.
//
// SI units, Z up, the floor at z = 0; no heading is preferred. Positions are joint centres. An orientation is that of the
// segment that begins at the keypoint (hip: thigh, knee: shank, foot: foot, shoulder: upper arm, elbow: forearm), and is
// the identity for a person who stands upright facing +x with arms hanging at the sides, palms to the thighs, and feet
// flat: X forward, Y left, Z up in every segment.

import type { Finding, Provenance } from './episode.js';

export const HUMAN_KEYPOINTS = [
  'pelvis',
  'spine',
  'torso', // chest: the joint between the shoulders or just below
  'neck',
  'head', // base of the skull
  'head_top',
  'left_hip',
  'left_knee',
  'left_foot', // ankle
  'left_heel',
  'left_toe', // ball of the foot
  'right_hip',
  'right_knee',
  'right_foot',
  'right_heel',
  'right_toe',
  'left_shoulder',
  'left_elbow',
  'left_hand', // wrist
  'right_shoulder',
  'right_elbow',
  'right_hand',
] as const;
export type HumanKeypoint = (typeof HUMAN_KEYPOINTS)[number];

/** Keypoints without which there is no motion to retarget. */
export const REQUIRED_KEYPOINTS = [
  'pelvis',
  'left_hip',
  'left_knee',
  'left_foot',
  'right_hip',
  'right_knee',
  'right_foot',
  'left_shoulder',
  'left_elbow',
  'left_hand',
  'right_shoulder',
  'right_elbow',
  'right_hand',
] as const satisfies readonly HumanKeypoint[];

/** Lengths measured on the motion itself (m): medians over its frames, left and right averaged. */
export const HUMAN_SEGMENTS = ['thigh', 'shank', 'foot', 'upperArm', 'forearm', 'trunk', 'hips', 'shoulders'] as const;
export type HumanSegment = (typeof HUMAN_SEGMENTS)[number];

export interface HumanMotion {
  /** File name without its ending, and person and shot where there are several. */
  readonly id: string;
  readonly kind: 'bvh' | 'video';
  readonly rate_hz: number;
  readonly frameCount: number;
  readonly keypoints: readonly HumanKeypoint[];
  readonly positions_m: Float64Array; // [frame, keypoint, 3]
  /** Segment to world, w x y z; the identity where `oriented` is 0. */
  readonly quaternions: Float64Array; // [frame, keypoint, 4]
  /** 1 where the source gives the keypoint's orientation. */
  readonly oriented: Uint8Array; // [keypoint]
  /** 1 where the frame was measured, 0 where it was filled in between frames that were. */
  readonly valid: Uint8Array; // [frame]
  /** 1 where the keypoint was seen in the frame; absent where every keypoint always was. */
  readonly seen?: Uint8Array; // [frame, keypoint]
  /** Stature (m), estimated from segment lengths, or as the user gave it. */
  readonly height_m: number;
  readonly segments_m: Readonly<Partial<Record<HumanSegment, number>>>;
  /** Height of each keypoint's joint centre above the sole of a flat foot (m). */
  readonly soles_m: Readonly<Partial<Record<HumanKeypoint, number>>>;
  /** What was measured or assumed to get here, for the report. */
  readonly measured: HumanMeasure;
  readonly findings: readonly Finding[];
  readonly provenance: Provenance;
}

/** How one clip was brought into metres, Z up, floor at 0. */
export interface HumanMeasure {
  /** Name of the rig whose keypoint map fitted. */
  readonly rig: string;
  /** Keypoint to joint of the file. */
  readonly joints: Readonly<Partial<Record<HumanKeypoint, string>>>;
  /** Metres in one unit of the file, and the unit's name. */
  readonly unit_m: number;
  readonly unit: string;
  /** Axis of the file that is up: `+y`. */
  readonly up: string;
  /** Share of the body's length that lies along it, mean over frames (1: always upright). */
  readonly upright: number;
  /** Stature by several lengths (m). */
  readonly heights_m: Readonly<Record<string, number>>;
  /** Height of the floor above the file's origin (m), and the spread of the feet that stand on it. */
  readonly floor_m: number;
  readonly floorSpread_m: number;
}

/** Column of a keypoint, or -1. */
export function keypointIndex(motion: Pick<HumanMotion, 'keypoints'>, name: HumanKeypoint): number {
  return motion.keypoints.indexOf(name);
}
