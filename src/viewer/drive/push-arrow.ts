// The arrow of a push: from the pressed point, as long as the push is strong, fading once it is given.

import {
  ConeGeometry,
  CylinderGeometry,
  Group,
  Mesh,
  MeshBasicMaterial,
  type Object3D,
  Quaternion,
  Vector3,
} from 'three';
import type { Push } from './drive-session.js';
import { PUSH_GESTURE } from './push-gesture.js';

const FADE_S = 0.7;
const HEAD_M = 0.09;
const UP = new Vector3(0, 1, 0);

export interface PushArrow {
  readonly object: Object3D;
  /** Shows a push that is being aimed; undefined hides it. */
  aim(push: Push | undefined): void;
  /** Shows a push that was given, for a moment. */
  give(push: Push): void;
  /** Follows its body. @param bodyOf the drawn body. @returns true while something is to be seen */
  update(bodyOf: (body: number) => Object3D | undefined, elapsed_s: number): boolean;
  /** Where its tip is, in the world; undefined where it is not shown. */
  readonly tip: Vector3 | undefined;
  setColour(colour: string): void;
  dispose(): void;
}

export function createPushArrow(): PushArrow {
  const material = new MeshBasicMaterial({ transparent: true, depthTest: false });
  const shaft = new Mesh(new CylinderGeometry(0.014, 0.014, 1, 12).translate(0, 0.5, 0), material);
  const head = new Mesh(new ConeGeometry(0.042, HEAD_M, 20).translate(0, HEAD_M / 2, 0), material);
  const object = new Group();
  object.add(shaft, head);
  object.visible = false;
  // Over the robot, also where the point lies behind a limb.
  for (const part of [shaft, head]) part.renderOrder = 10;
  const from = new Vector3();
  const along = new Vector3();
  const tip = new Vector3();
  let shown: Push | undefined;
  let left_s = Number.POSITIVE_INFINITY;

  return {
    object,
    aim(push) {
      if (push === undefined && left_s < Number.POSITIVE_INFINITY) return;
      shown = push;
      left_s = Number.POSITIVE_INFINITY;
    },
    give(push) {
      shown = push;
      left_s = FADE_S;
    },
    update(bodyOf, elapsed_s) {
      left_s -= elapsed_s;
      const body = shown === undefined ? undefined : bodyOf(shown.body);
      object.visible = body !== undefined && left_s > 0;
      if (shown === undefined || body === undefined || left_s <= 0) {
        shown = undefined;
        left_s = Number.POSITIVE_INFINITY;
        return false;
      }
      from.set(...shown.point_m);
      body.localToWorld(from);
      along.set(...shown.impulse_Ns);
      const length = Math.max(HEAD_M, along.length() / PUSH_GESTURE.perMetre_Ns);
      along.normalize();
      object.position.copy(from);
      object.quaternion.copy(new Quaternion().setFromUnitVectors(UP, along));
      shaft.scale.y = Math.max(0.001, length - HEAD_M);
      head.position.y = length - HEAD_M;
      material.opacity = Number.isFinite(left_s) ? Math.min(1, (2 * left_s) / FADE_S) : 0.9;
      tip.copy(from).addScaledVector(along, length);
      return true;
    },
    get tip() {
      return object.visible ? tip : undefined;
    },
    setColour: (colour) => void material.color.set(colour),
    dispose() {
      for (const part of [shaft, head]) part.geometry.dispose();
      material.dispose();
      object.removeFromParent();
    },
  };
}
