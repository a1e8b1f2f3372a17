// The package's `nextgait/bvh`: BVH files for other programs, from bytes to numbers, poses, and motions in metres.

export type { HumanKeypoint, HumanMeasure, HumanMotion } from '../../src/motion/human-motion.js';
export { type BvhTranslation, computeBvhPose } from './bvh-kinematics.js';
export { type BvhMotionOptions, bvhMotionSchema, readBvhMotion, readBvhMotions } from './bvh-motion.js';
export {
  BVH_CHANNELS,
  BVH_DEFAULTS,
  type BvhChannel,
  type BvhClip,
  type BvhFrames,
  type BvhHeader,
  type BvhJoint,
  type BvhOptions,
  type BvhPose,
  type BvhStream,
  createBvhPose,
  openBvh,
  openBvhFile,
  parseBvh,
  readBvh,
} from './bvh-parser.js';
