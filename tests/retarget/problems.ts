// Retargeting problems for tests: a robot's own motion as targets, so that the answer is known.

import { Random } from '../../src/base/random.js';
import { multiplyQuaternions } from '../../src/math/quaternion.js';
import { type Problem, type Smoothness, type SolverModel, solverModel } from '../../src/retarget/problem.js';
import { createPose, forwardKinematics, pointPosition } from '../../src/robot/kinematics.js';
import type { RobotModel } from '../../src/robot/robot-model.js';

/** Smooth joint and base motion [frame, qpos] within the middle of the joint ranges. */
export function ownMotion(model: SolverModel, frameCount: number, rate_hz: number, seed: number): Float64Array {
  const random = new Random(seed);
  const width = model.rest.length;
  const out = new Float64Array(frameCount * width);
  const waves = Array.from({ length: model.size }, () => ({
    size: random.uniform(0.2, 1),
    phase: random.uniform(0, 6),
    speed: random.uniform(1, 4),
  }));
  const turn = new Float64Array(4);
  for (let frame = 0; frame < frameCount; frame++) {
    const wave = (variable: number) => {
      const { size, phase, speed } = waves[variable];
      return size * Math.sin(phase + (speed * frame) / rate_hz);
    };
    const at = frame * width;
    out.set(model.rest, at);
    const base = at + model.baseAddress;
    for (let k = 0; k < 3; k++) out[base + k] += wave(k) * 0.3;
    turn.set([1, 0.2 * wave(3), 0.2 * wave(4), wave(5)]);
    const length = Math.hypot(...turn);
    multiplyQuaternions(
      out,
      base + 3,
      turn.map((x) => x / length),
      0,
      model.rest,
      model.baseAddress + 3,
    );
    for (let joint = 0; joint < model.joints.length; joint++) {
      const half = (model.upper[joint] - model.lower[joint]) / 2;
      const middle = (model.upper[joint] + model.lower[joint]) / 2;
      out[at + model.addresses[joint]] = middle + Math.min(0.6, 0.6 * half) * wave(6 + joint);
    }
  }
  return out;
}

export interface ProblemOptions {
  readonly rate_hz?: number;
  /** Weights of velocity and acceleration terms, as shares of the defaults. */
  readonly smoothness?: number;
  readonly ground?: number;
}

/** Tracks every keypoint and body orientation of a motion [frame, qpos]. */
export function trackingProblem(robot: RobotModel, motion: Float64Array, options: ProblemOptions = {}): Problem {
  const { rate_hz = 50, smoothness = 1, ground = 0 } = options;
  const model = solverModel(robot);
  const width = model.rest.length;
  const frameCount = motion.length / width;
  const points = Object.entries(robot.keypoints).map(([name, keypoint]) => ({ name, ...keypoint }));
  const frames = [...new Set(points.map((point) => point.body))].map((body) => ({ name: `${body}`, body }));
  const pointTarget_m = new Float64Array(frameCount * points.length * 3);
  const frameTarget = new Float64Array(frameCount * frames.length * 4);
  const soles = points.filter(({ name }) => /heel|toe/.test(name));
  const pose = createPose(model.tree);
  for (let frame = 0; frame < frameCount; frame++) {
    forwardKinematics(model.tree, motion, frame * width, pose);
    points.forEach(({ body, offset_m }, at) => {
      pointPosition(pointTarget_m, 3 * (frame * points.length + at), pose, body, offset_m, 0);
    });
    frames.forEach(({ body }, at) => {
      frameTarget.set(pose.quaternion.subarray(4 * body, 4 * body + 4), 4 * (frame * frames.length + at));
    });
  }
  return {
    model,
    targets: {
      rate_hz,
      frameCount,
      points,
      pointTarget_m,
      pointWeight: new Float64Array(frameCount * points.length).fill(1e4),
      frames,
      frameTarget,
      frameWeight: new Float64Array(frameCount * frames.length).fill(25),
    },
    ground: { points: soles, height_m: ground, clearance_m: new Float64Array(soles.length) },
    smoothness: plainSmoothness(model, smoothness),
  };
}

function plainSmoothness(model: SolverModel, share: number): Smoothness {
  return {
    postureWeight: new Float64Array(model.joints.length).fill(share),
    posture_rad: Float64Array.from(model.columns, (column) => model.robot.defaultPosition_rad[column]),
    velocityWeight: new Float64Array(model.size).fill(share / 30 ** 2),
    accelerationWeight: new Float64Array(model.size).fill(share / 60 ** 2),
    groundWeight: 1e5,
  };
}
