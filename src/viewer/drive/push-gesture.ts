// Pushing with the pointer: press on the robot, drag, let go. The longer the drag, the stronger the push.
//
// The drag lies in the plane through the pressed point that faces the camera. The point stays on the body, which walks on
// meanwhile.

import {
  type Mesh,
  type Object3D,
  type PerspectiveCamera,
  Plane,
  Quaternion,
  Raycaster,
  Vector2,
  Vector3,
} from 'three';
import type { Push } from './drive-session.js';

export const PUSH_GESTURE = {
  /** Impulse for a metre of drag, and the most (N s). */
  perMetre_Ns: 45,
  most_Ns: 45,
  /** Shorter drags are slips of the hand (m). */
  least_m: 0.04,
} as const;

export interface PushGestureOptions {
  readonly canvas: HTMLCanvasElement;
  readonly camera: PerspectiveCamera;
  /** Meshes of the bodies are named as the bodies are. */
  readonly robot: Object3D;
  readonly bodyNames: readonly string[];
  /** While the robot is held, the camera must not turn. */
  onHold(isHeld: boolean): void;
  /** The push as it would be now; undefined where there is none. */
  onAim(push: Push | undefined): void;
  onPush(push: Push): void;
}

interface Held {
  readonly pointer: number;
  readonly body: number;
  readonly mesh: Mesh;
  /** In the body's frame. */
  readonly point: Vector3;
}

/** @returns how to stop listening */
export function listenForPushes(options: PushGestureOptions): () => void {
  const { canvas, camera, robot, bodyNames } = options;
  const caster = new Raycaster();
  const pointer = new Vector2();
  const plane = new Plane();
  const anchor = new Vector3();
  const target = new Vector3();
  const normal = new Vector3();
  const listeners = new AbortController();
  let held: Held | undefined;
  let isOver = false;

  const aimAt = (event: PointerEvent) => {
    const box = canvas.getBoundingClientRect();
    pointer.set(((event.clientX - box.left) / box.width) * 2 - 1, 1 - ((event.clientY - box.top) / box.height) * 2);
    caster.setFromCamera(pointer, camera);
  };
  const hit = () => caster.intersectObject(robot, true).find(({ object }) => bodyNames.includes(object.name));
  /** The push for the drag so far. */
  const pushOf = ({ body, mesh, point }: Held): Push | undefined => {
    anchor.copy(point);
    mesh.localToWorld(anchor);
    plane.setFromNormalAndCoplanarPoint(camera.getWorldDirection(normal).negate(), anchor);
    if (caster.ray.intersectPlane(plane, target) === null) return undefined;
    target.sub(anchor);
    const length = target.length();
    if (length < PUSH_GESTURE.least_m) return undefined;
    const size = Math.min(PUSH_GESTURE.most_Ns, PUSH_GESTURE.perMetre_Ns * length);
    const impulse = target.multiplyScalar(size / length);
    return { body, point_m: [point.x, point.y, point.z], impulse_Ns: [impulse.x, impulse.y, impulse.z] };
  };
  const letGo = () => {
    held = undefined;
    options.onHold(false);
    options.onAim(undefined);
  };

  const on = <Type extends 'pointerdown' | 'pointermove' | 'pointerup' | 'pointercancel'>(
    type: Type,
    listener: (event: PointerEvent) => void,
    capture = false,
  ) => canvas.addEventListener(type, listener, { signal: listeners.signal, capture });

  // Before the camera's own controls, which then leave the pointer alone.
  on(
    'pointerdown',
    (event) => {
      if (event.button !== 0 || held !== undefined) return;
      aimAt(event);
      const found = hit();
      if (found === undefined) return;
      const mesh = found.object as Mesh;
      held = {
        pointer: event.pointerId,
        body: bodyNames.indexOf(mesh.name),
        mesh,
        point: mesh.worldToLocal(found.point.clone()),
      };
      options.onHold(true);
      canvas.setPointerCapture(event.pointerId);
      event.stopImmediatePropagation();
    },
    true,
  );
  on('pointermove', (event) => {
    aimAt(event);
    if (held === undefined) {
      if (event.pointerType !== 'mouse' || event.buttons !== 0) return;
      const nowOver = hit() !== undefined;
      if (nowOver !== isOver) canvas.classList.toggle('is-over-robot', nowOver);
      isOver = nowOver;
    } else if (event.pointerId === held.pointer) options.onAim(pushOf(held));
  });
  on('pointerup', (event) => {
    if (held === undefined || event.pointerId !== held.pointer) return;
    aimAt(event);
    const push = pushOf(held);
    letGo();
    if (push !== undefined) options.onPush(push);
  });
  on('pointercancel', (event) => {
    if (held !== undefined && event.pointerId === held.pointer) letGo();
  });
  return () => listeners.abort();
}

/** A push from the side that the robot does not expect: across its heading, at a body's own frame. */
export function sidePush(body: number, baseQuaternion: ArrayLike<number>, impulse_Ns: number): Push {
  const [w, x, y, z] = Array.from(baseQuaternion);
  const left = new Vector3(0, 1, 0)
    .applyQuaternion(new Quaternion(x, y, z, w))
    .setZ(0)
    .normalize();
  return { body, point_m: [0, 0, 0.1], impulse_Ns: [left.x * impulse_Ns, left.y * impulse_Ns, 0] };
}
