// How far a robot's contact geometry reaches down: what sets a robot on its feet without a collision search.
//
// Every shape that can touch the world is bounded exactly from below in closed form (meshes by their vertices).

import type { MjModel, Simulation } from './mujoco.js';

interface ContactShape {
  readonly index: number;
  readonly type: number;
  readonly size: readonly [number, number, number];
  /** Mesh vertices [3 * count]; absent for the others. */
  readonly vertices?: Float32Array;
}

// MuJoCo's mjtGeom.
const SPHERE = 2;
const CAPSULE = 3;
const ELLIPSOID = 4;
const CYLINDER = 5;
const BOX = 6;
const MESH = 7;

/** Shapes of moving bodies that collide with some shape of the world. */
export function contactShapes(model: MjModel): ContactShape[] {
  const indices = Array.from({ length: model.ngeom }, (_, index) => index);
  const bodies = model.geom_bodyid as Int32Array;
  const types = model.geom_contype as Int32Array;
  const affinities = model.geom_conaffinity as Int32Array;
  const world = indices.filter((geom) => bodies[geom] === 0);
  const touches = (geom: number) =>
    world.some((other) => (types[geom] & affinities[other]) !== 0 || (types[other] & affinities[geom]) !== 0);
  return indices
    .filter((geom) => bodies[geom] !== 0 && touches(geom))
    .map((geom) => ({
      index: geom,
      type: model.geom_type[geom],
      size: [model.geom_size[3 * geom], model.geom_size[3 * geom + 1], model.geom_size[3 * geom + 2]],
      vertices: model.geom_type[geom] === MESH ? meshVertices(model, model.geom_dataid[geom]) : undefined,
    }));
}

function meshVertices(model: MjModel, mesh: number): Float32Array {
  const start = model.mesh_vertadr[mesh];
  return (model.mesh_vert as Float32Array).slice(3 * start, 3 * (start + model.mesh_vertnum[mesh]));
}

/** Height of the lowest point (m) where the simulation's kinematics are up to date; NaN where nothing can touch. */
export function lowestPoint(simulation: Simulation, shapes: readonly ContactShape[]): number {
  const positions = simulation.data.geom_xpos as Float64Array;
  const rotations = simulation.data.geom_xmat as Float64Array;
  let lowest = Number.NaN;
  for (const shape of shapes) {
    const height = positions[3 * shape.index + 2] - reachDown(shape, rotations, 9 * shape.index + 6);
    // Written so that the first comparison, with NaN, takes the value.
    if (!(height >= lowest)) lowest = height;
  }
  return lowest;
}

/** How far a shape reaches below its centre; the rotation's last row at `row` is "down" in the shape's axes. */
function reachDown(shape: ContactShape, rotation: Float64Array, row: number): number {
  const [a, b, c] = shape.size;
  const x = rotation[row];
  const y = rotation[row + 1];
  const z = rotation[row + 2];
  switch (shape.type) {
    case SPHERE:
      return a;
    case CAPSULE:
      return a + b * Math.abs(z);
    case ELLIPSOID:
      return Math.hypot(a * x, b * y, c * z);
    case CYLINDER:
      return a * Math.hypot(x, y) + b * Math.abs(z);
    case BOX:
      return a * Math.abs(x) + b * Math.abs(y) + c * Math.abs(z);
    default:
      return reachOfVertices(shape.vertices ?? new Float32Array(0), x, y, z);
  }
}

function reachOfVertices(vertices: Float32Array, x: number, y: number, z: number): number {
  let reach = 0;
  for (let at = 0; at < vertices.length; at += 3) {
    reach = Math.max(reach, -(x * vertices[at] + y * vertices[at + 1] + z * vertices[at + 2]));
  }
  return reach;
}
