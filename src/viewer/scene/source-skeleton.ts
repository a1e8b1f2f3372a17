// The person behind a retargeted episode, in the robot's size and place: keypoints over time, as plain data.

export interface SourceSkeleton {
  /** Names of the person's keypoints. */
  readonly keypoints: readonly string[];
  /** The robot's keypoint that was to be where each is; null where none was. */
  readonly robotKeypoints: readonly (string | null)[];
  /** Pairs of keypoints between which a bone is drawn. */
  readonly bones: readonly (readonly [number, number])[];
  readonly frameCount: number;
  /** World positions in tenths of a millimetre [frame, keypoint, 3], at the episode's rate. */
  readonly positions: readonly number[];
}

/** Metres in one unit of `positions`. */
export const POSITION_UNIT_M = 1e-4;

/** Name of an episode's skeleton file, within its item. @param index position of the episode in the dataset */
export function skeletonFile(index: number): string {
  return `originals/${index}.json`;
}
