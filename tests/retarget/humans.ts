// People for tests: a robot's own keypoints as a person's, so that the robot's motion is the answer.

import { multiplyQuaternions } from '../../src/math/quaternion.js';
import { HUMAN_KEYPOINTS, type HumanMotion } from '../../src/motion/human-motion.js';
import type { Retargeter } from '../../src/retarget/retarget-problem.js';
import { LAID_OUT } from '../../src/retarget/scale.js';
import { createPose, forwardKinematics, pointPosition } from '../../src/robot/kinematics.js';

/** The motion [frame, qpos] of a robot as that of a person of its size, every segment oriented. */
export function humanFromRobot(retargeter: Retargeter, motion: Float64Array, rate_hz: number): HumanMotion {
  const { model, stance } = retargeter;
  const { keypoints: known } = model.robot;
  const keypoints = HUMAN_KEYPOINTS.filter((name) => known[name] !== undefined);
  const width = model.rest.length;
  const frameCount = motion.length / width;
  const positions_m = new Float64Array(frameCount * keypoints.length * 3);
  const quaternions = new Float64Array(frameCount * keypoints.length * 4);
  const pose = createPose(model.tree);
  const inverse = new Float64Array(4);
  for (let frame = 0; frame < frameCount; frame++) {
    forwardKinematics(model.tree, motion, frame * width, pose);
    keypoints.forEach((name, column) => {
      const { body, offset_m } = known[name];
      const at = frame * keypoints.length + column;
      pointPosition(positions_m, 3 * at, pose, body, offset_m, 0);
      const [w, x, y, z] = stance.quaternions.subarray(4 * body, 4 * body + 4);
      inverse.set([w, -x, -y, -z]);
      multiplyQuaternions(quaternions, 4 * at, pose.quaternion, 4 * body, inverse, 0);
    });
  }
  const ankle = stance.ankle_m;
  const lengths = (a: string, b: string) => Math.hypot(...[0, 1, 2].map((k) => at(a, k) - at(b, k)));
  const at = (name: string, k: number) => stance.positions_m[name][k];
  return {
    id: 'own',
    kind: 'bvh',
    rate_hz,
    frameCount,
    keypoints,
    positions_m,
    quaternions,
    oriented: Uint8Array.from(keypoints, (name) => ((LAID_OUT as readonly string[]).includes(name) ? 1 : 0)),
    valid: new Uint8Array(frameCount).fill(1),
    height_m: 1.3,
    segments_m: { thigh: lengths('left_hip', 'left_knee'), shank: lengths('left_knee', 'left_foot') },
    soles_m: { left_foot: ankle, right_foot: ankle },
    measured: {
      rig: 'test',
      joints: {},
      unit_m: 1,
      unit: 'm',
      up: '+z',
      upright: 1,
      heights_m: {},
      floor_m: 0,
      floorSpread_m: 0,
    },
    findings: [],
    provenance: { input: 'own', tool: 'test', options: {} },
  };
}

/** The same person elsewhere: turned about the vertical by `yaw` (rad), then moved. */
export function moveHuman(human: HumanMotion, yaw: number, x: number, y: number): HumanMotion {
  const positions_m = human.positions_m.slice();
  const quaternions = human.quaternions.slice();
  const [cosine, sine] = [Math.cos(yaw), Math.sin(yaw)];
  const turn = [Math.cos(yaw / 2), 0, 0, Math.sin(yaw / 2)];
  for (let at = 0; at < positions_m.length; at += 3) {
    const [u, v] = [human.positions_m[at], human.positions_m[at + 1]];
    positions_m[at] = x + cosine * u - sine * v;
    positions_m[at + 1] = y + sine * u + cosine * v;
  }
  for (let at = 0; at < quaternions.length; at += 4) {
    multiplyQuaternions(quaternions, at, turn, 0, human.quaternions, at);
  }
  return { ...human, positions_m, quaternions };
}

/** The person in a mirror: y turned over, left and right exchanged. */
export function mirrorHuman(human: HumanMotion): HumanMotion {
  const width = human.keypoints.length;
  const positions_m = new Float64Array(human.positions_m.length);
  const quaternions = new Float64Array(human.quaternions.length);
  const partners = human.keypoints.map((name) => (human.keypoints as readonly string[]).indexOf(otherSide(name)));
  for (let frame = 0; frame < human.frameCount; frame++) {
    for (let column = 0; column < width; column++) {
      const from = frame * width + partners[column];
      const to = frame * width + column;
      const [x, y, z] = human.positions_m.subarray(3 * from, 3 * from + 3);
      positions_m.set([x, -y, z], 3 * to);
      const [w, i, j, k] = human.quaternions.subarray(4 * from, 4 * from + 4);
      // A mirror turns rotations about axes in its plane round.
      quaternions.set([w, -i, j, -k], 4 * to);
    }
  }
  return { ...human, positions_m, quaternions };
}

export function otherSide(name: string): string {
  if (/left/i.test(name)) return name.replace('left', 'right').replace('Left', 'Right');
  return name.replace('right', 'left').replace('Right', 'Left');
}
