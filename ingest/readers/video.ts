// The package's `nextgait/video`: people reconstructed from video, and AMASS, as motions in metres for other programs.

export type { HumanKeypoint, HumanMeasure, HumanMotion } from '../../src/motion/human-motion.js';
export { readVideoMotions, type VideoMotionOptions, type VideoMotions, videoMotionSchema } from './video-motion.js';
