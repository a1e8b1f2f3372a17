// Marks on the ground: the path of the base, footprints where a foot came down, and arrows for velocities.

import {
  BufferAttribute,
  BufferGeometry,
  CircleGeometry,
  Color,
  DoubleSide,
  Group,
  Matrix4,
  Mesh,
  MeshBasicMaterial,
  type Object3D,
  Shape,
  ShapeGeometry,
  Vector2,
} from 'three';
import { mergeGeometries } from 'three/examples/jsm/utils/BufferGeometryUtils.js';

const PATH_WIDTH_M = 0.016;
const FOOTPRINT_M = 0.04;

export interface PathMark {
  readonly object: Object3D;
  /** The part up to a frame is drawn strong, the rest faint. */
  setFrame(frame: number): void;
  dispose(): void;
}

/**
 * @param points x, y, z of each frame (m); their height is not used
 * @param colour CSS
 */
export function createPath(points: ArrayLike<number>, colour: string): PathMark {
  const geometry = ribbon(points);
  const faint = new MeshBasicMaterial({
    color: colour,
    transparent: true,
    opacity: 0.3,
    depthWrite: false,
    side: DoubleSide,
  });
  const strong = new MeshBasicMaterial({ color: colour, side: DoubleSide });
  const past = geometry.clone();
  const object = new Group();
  const whole = new Mesh(geometry, faint);
  const done = new Mesh(past, strong);
  whole.position.z = 0.003;
  done.position.z = 0.004;
  object.add(whole, done);
  return {
    object,
    setFrame: (frame) => past.setDrawRange(0, 6 * Math.max(0, Math.floor(frame))),
    dispose() {
      for (const one of [geometry, past, faint, strong]) one.dispose();
      object.removeFromParent();
    },
  };
}

/** A flat band through the points, two triangles a step. */
function ribbon(points: ArrayLike<number>): BufferGeometry {
  const count = Math.floor(points.length / 3);
  const vertices = new Float32Array(6 * count);
  const indices = new Uint32Array(6 * Math.max(0, count - 1));
  let dx = 1;
  let dy = 0;
  for (let at = 0; at < count; at++) {
    const next = Math.min(count - 1, at + 1);
    const before = Math.max(0, at - 1);
    const x = points[3 * next] - points[3 * before];
    const y = points[3 * next + 1] - points[3 * before + 1];
    const length = Math.hypot(x, y);
    // A robot that stands has no direction: the last one stays.
    if (length > 1e-4) [dx, dy] = [x / length, y / length];
    const side = PATH_WIDTH_M / 2;
    vertices.set([points[3 * at] - side * dy, points[3 * at + 1] + side * dx, 0], 6 * at);
    vertices.set([points[3 * at] + side * dy, points[3 * at + 1] - side * dx, 0], 6 * at + 3);
    if (at > 0) indices.set([2 * at - 2, 2 * at - 1, 2 * at, 2 * at, 2 * at - 1, 2 * at + 1], 6 * (at - 1));
  }
  const made = new BufferGeometry();
  made.setAttribute('position', new BufferAttribute(vertices, 3));
  made.setIndex(new BufferAttribute(indices, 1));
  return made;
}

export interface Footprint {
  readonly x: number;
  readonly y: number;
  /** CSS colour. */
  readonly colour: string;
}

/** Discs where feet came down; undefined where none did. */
export function createFootprints(prints: readonly Footprint[]): { object: Object3D; dispose(): void } | undefined {
  if (prints.length === 0) return undefined;
  const discs = prints.map(({ x, y, colour }) => {
    const disc = new CircleGeometry(FOOTPRINT_M, 16).applyMatrix4(new Matrix4().makeTranslation(x, y, 0.005));
    const { r, g, b } = new Color(colour);
    const vertices = disc.getAttribute('position').count;
    disc.setAttribute(
      'color',
      new BufferAttribute(
        Float32Array.from({ length: 3 * vertices }, (_, at) => [r, g, b][at % 3]),
        3,
      ),
    );
    return disc;
  });
  const geometry = mergeGeometries(discs);
  for (const disc of discs) disc.dispose();
  const material = new MeshBasicMaterial({ vertexColors: true, transparent: true, opacity: 0.75, depthWrite: false });
  const object = new Mesh(geometry, material);
  return {
    object,
    dispose() {
      geometry.dispose();
      material.dispose();
      object.removeFromParent();
    },
  };
}

export interface Arrow {
  readonly object: Object3D;
  /** From (x, y) on the ground, along a heading (rad), of a length (m); hidden where it is very short. */
  set(x: number, y: number, heading: number, length: number): void;
  hide(): void;
  setColour(colour: string): void;
  dispose(): void;
}

const SHORTEST_ARROW_M = 0.04;

/** A flat arrow on the ground. @param height_m keeps arrows apart that lie on each other */
export function createArrow(colour: string, height_m: number): Arrow {
  const shaft = new Mesh(
    flat([
      [0, -0.018],
      [1, -0.018],
      [1, 0.018],
      [0, 0.018],
    ]),
  );
  const head = new Mesh(
    flat([
      [0, -0.055],
      [0.13, 0],
      [0, 0.055],
    ]),
  );
  const material = new MeshBasicMaterial({ color: colour, side: DoubleSide });
  shaft.material = material;
  head.material = material;
  const object = new Group();
  object.add(shaft, head);
  object.visible = false;
  return {
    object,
    set(x, y, heading, length) {
      object.visible = length >= SHORTEST_ARROW_M;
      object.position.set(x, y, height_m);
      object.rotation.z = heading;
      shaft.scale.x = length;
      head.position.x = length;
    },
    hide() {
      object.visible = false;
    },
    setColour: (next) => void material.color.set(next),
    dispose() {
      for (const part of [shaft, head]) part.geometry.dispose();
      material.dispose();
      object.removeFromParent();
    },
  };
}

function flat(corners: readonly (readonly [number, number])[]): ShapeGeometry {
  return new ShapeGeometry(new Shape(corners.map(([x, y]) => new Vector2(x, y))));
}
