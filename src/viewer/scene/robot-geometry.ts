// What a robot looks like, as plain data: the shapes of its compiled MuJoCo model, and the robot they belong to.
//
// Shapes hang on bodies as RobotModel numbers them. Meshes lie in one binary file beside the JSON, float32 vertices and
// uint32 faces, little-endian, so that big models are not blown up into text.

import type { RobotModel } from '../../robot/robot-model.js';

export type ShapeType = 'sphere' | 'capsule' | 'ellipsoid' | 'cylinder' | 'box' | 'mesh';

export interface RobotShape {
  readonly body: number;
  readonly type: ShapeType;
  /** MuJoCo's sizes (m): radius; radius and half length along z; half axes; half edges. Unused for a mesh. */
  readonly size: readonly [number, number, number];
  /** Frame in the body's frame: position (m) and quaternion (w, x, y, z). */
  readonly position_m: readonly [number, number, number];
  readonly quaternion: readonly [number, number, number, number];
  readonly rgba: readonly [number, number, number, number];
  /** Index into `meshes`, for a mesh. */
  readonly mesh?: number;
}

/** Places of a mesh in the binary file, in bytes. */
export interface MeshPlace {
  readonly vertices: number;
  readonly vertexCount: number;
  readonly faces: number;
  readonly faceCount: number;
}

export interface RobotGeometry {
  /** The robot that was read: its shapes fit every robot with the same bodies in the same order. */
  readonly robot: { readonly name: string; readonly hash: string; readonly bodies: readonly string[] };
  readonly shapes: readonly RobotShape[];
  readonly meshes: readonly MeshPlace[];
}

/** All that a robot view needs. Without geometry, links are drawn along the kinematic tree. */
export interface RobotDescription {
  readonly robot: RobotModel;
  readonly geometry?: RobotGeometry;
  /** The binary file of the geometry's meshes, where it has any. */
  readonly meshBytes?: Uint8Array;
}

/** Names of the two files, within an item. */
export const GEOMETRY_FILE = 'robot-geometry.json';
export const MESHES_FILE = 'robot-meshes.bin';
