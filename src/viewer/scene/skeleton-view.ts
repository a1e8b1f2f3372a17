// The person behind a retargeted episode: balls at the keypoints, rods between them, seen through the robot.

import {
  CylinderGeometry,
  Group,
  InstancedMesh,
  Matrix4,
  MeshStandardMaterial,
  type Object3D,
  Quaternion,
  SphereGeometry,
  Vector3,
} from 'three';
import { POSITION_UNIT_M, type SourceSkeleton } from './source-skeleton.js';

export interface SkeletonView {
  readonly object: Object3D;
  /** @param frame may lie between two */
  setFrame(frame: number): void;
  dispose(): void;
}

const BALL_M = 0.028;
const ROD_M = 0.013;

export function createSkeletonView(skeleton: SourceSkeleton, colour: string): SkeletonView {
  const { keypoints, bones, frameCount, positions } = skeleton;
  const material = new MeshStandardMaterial({
    color: colour,
    transparent: true,
    opacity: 0.7,
    roughness: 0.7,
    // The robot stands where the person does: it must not hide what it is compared with.
    depthTest: false,
  });
  const balls = new InstancedMesh(new SphereGeometry(BALL_M, 12, 8), material, keypoints.length);
  const rods = new InstancedMesh(new CylinderGeometry(ROD_M, ROD_M, 1, 8), material, bones.length);
  const object = new Group();
  object.add(balls, rods);
  for (const one of [balls, rods]) {
    one.frustumCulled = false;
    one.renderOrder = 1;
  }
  const points = keypoints.map(() => new Vector3());
  const matrix = new Matrix4();
  const [middle, along, size, up] = [new Vector3(), new Vector3(), new Vector3(), new Vector3(0, 1, 0)];
  const turn = new Quaternion();
  return {
    object,
    setFrame(frame) {
      points.forEach((point, at) => {
        point.fromArray(positionAt(positions, keypoints.length, frameCount, frame, at));
        balls.setMatrixAt(at, matrix.makeTranslation(point));
      });
      bones.forEach(([from, to], at) => {
        along.subVectors(points[to], points[from]);
        const length = Math.max(1e-6, along.length());
        middle.addVectors(points[from], points[to]).multiplyScalar(0.5);
        turn.setFromUnitVectors(up, along.divideScalar(length));
        rods.setMatrixAt(at, matrix.compose(middle, turn, size.set(1, length, 1)));
      });
      balls.instanceMatrix.needsUpdate = true;
      rods.instanceMatrix.needsUpdate = true;
    },
    dispose() {
      for (const one of [balls, rods]) {
        one.geometry.dispose();
        one.dispose();
      }
      material.dispose();
      object.removeFromParent();
    },
  };
}

/** A keypoint's position (m) between two frames. */
export function positionAt(
  positions: ArrayLike<number>,
  keypointCount: number,
  frameCount: number,
  frame: number,
  keypoint: number,
): [number, number, number] {
  const before = Math.min(frameCount - 1, Math.max(0, Math.floor(frame)));
  const after = Math.min(frameCount - 1, before + 1);
  const share = Math.min(1, Math.max(0, frame - before));
  const value = (axis: number) => {
    const a = positions[3 * (before * keypointCount + keypoint) + axis];
    const b = positions[3 * (after * keypointCount + keypoint) + axis];
    return POSITION_UNIT_M * (a + share * (b - a));
  };
  return [value(0), value(1), value(2)];
}
