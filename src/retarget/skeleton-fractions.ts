// Human proportions as fractions of stature, for estimates of stature and for a skeleton where a file has none.
//
// Source: R. Drillis and R. Contini, "Body segment parameters" (1966), as printed in D. Winter, "Biomechanics and motor
// control of human movement", figure 4.1: heights and lengths. Hip joint centres: A. Bell, D. Pedersen and R. Brand
// (1990), 14 % of the pelvis width inward of its spines, 30 % below them. Levels of the spine between pelvis and
// shoulders are interpolated: they only shape a trunk whose ends are published.

/** Winter, figure 4.1. */
export const FRACTIONS = {
  ankleHeight: 0.039,
  kneeHeight: 0.285,
  hipHeight: 0.53,
  shoulderHeight: 0.818,
  chinHeight: 0.87,
  thigh: 0.245,
  shank: 0.246,
  footLength: 0.152,
  upperArm: 0.186,
  forearm: 0.146,
  hand: 0.108,
  halfShoulders: 0.129,
} as const;

/** Half the distance between hip joint centres: pelvis width 0.14 of stature, centres 14 % of it inward. */
export const HALF_HIPS = 0.14 * (0.5 - 0.14);

/** Centre of the ball of the foot above the sole: half of the forefoot's thickness, about 5 cm in an adult in shoes. */
export const BALL_HEIGHT = 0.015;

/** Ankle to shoulder line along a standing body: the longest stretch whose ends every rig has. */
export const ANKLE_TO_SHOULDER = FRACTIONS.shoulderHeight - FRACTIONS.ankleHeight;

/** Mean stature of adults, both sexes: NCD Risk Factor Collaboration (2016), about 1.65 m; used where nothing tells. */
export const MEAN_STATURE_M = 1.65;

/** Smallest and largest stature that a unit of length may lead to (m): a small child, and more than the tallest player. */
export const STATURE_RANGE_M: readonly [number, number] = [0.85, 2.4];
