// Reads a robot's shapes from a compiled MuJoCo model, on a server or in a browser.
//
// What is drawn follows MuJoCo's own habit: groups 0 to 2 are for looking at, 3 and more for contact and hidden unless a
// model has nothing else. Where a body has shapes that collide with nothing beside ones that do, the former are its looks.

import type { RobotModel } from '../../robot/robot-model.js';
import type { MjModel } from '../../sim/mujoco.js';
import type { MeshPlace, RobotGeometry, RobotShape, ShapeType } from './robot-geometry.js';

// MuJoCo's mjtGeom; a plane or a height field is ground and not robot.
const TYPES: Readonly<Record<number, ShapeType>> = {
  2: 'sphere',
  3: 'capsule',
  4: 'ellipsoid',
  5: 'cylinder',
  6: 'box',
  7: 'mesh',
};
const LAST_VISIBLE_GROUP = 2;

export interface ReadGeometry {
  readonly geometry: RobotGeometry;
  /** Vertices and faces of the meshes; empty where there are none. */
  readonly meshBytes: Uint8Array;
}

/** @param robot the robot whose bodies the model has, in the same order */
export function geometryOfModel(model: MjModel, robot: Pick<RobotModel, 'name' | 'hash' | 'bodies'>): ReadGeometry {
  const bodies = Array.from({ length: model.nbody }, () => [] as number[]);
  for (let geom = 0; geom < model.ngeom; geom++) {
    if (TYPES[model.geom_type[geom]] !== undefined) bodies[model.geom_bodyid[geom]].push(geom);
  }
  const isShown = (geom: number) => model.geom_group[geom] <= LAST_VISIBLE_GROUP;
  const touchesNothing = (geom: number) => model.geom_contype[geom] === 0 && model.geom_conaffinity[geom] === 0;
  const anyShown = bodies.slice(1).some((geoms) => geoms.some(isShown));
  const drawn = bodies.slice(1).flatMap((geoms) => {
    const shown = anyShown ? geoms.filter(isShown) : geoms;
    const looks = shown.filter(touchesNothing);
    return looks.length > 0 ? looks : shown;
  });
  const meshes = packMeshes(model, [...new Set(drawn.map((geom) => meshOf(model, geom)).filter((mesh) => mesh >= 0))]);
  const shapes = drawn.map((geom): RobotShape => {
    const mesh = meshOf(model, geom);
    return {
      body: model.geom_bodyid[geom] - 1,
      type: TYPES[model.geom_type[geom]],
      size: three(model.geom_size, geom),
      position_m: three(model.geom_pos, geom),
      quaternion: four(model.geom_quat, geom),
      rgba: colour(model, geom),
      ...(mesh < 0 ? {} : { mesh: meshes.numbers.indexOf(mesh) }),
    };
  });
  return {
    geometry: {
      robot: { name: robot.name, hash: robot.hash, bodies: robot.bodies.map(({ name }) => name) },
      shapes,
      meshes: meshes.places,
    },
    meshBytes: meshes.bytes,
  };
}

function meshOf(model: MjModel, geom: number): number {
  return TYPES[model.geom_type[geom]] === 'mesh' ? model.geom_dataid[geom] : -1;
}

/** A geom's own colour, or its material's where it was left at the default. */
function colour(model: MjModel, geom: number): RobotShape['rgba'] {
  const own = four(model.geom_rgba, geom);
  const material = model.geom_matid[geom];
  const isDefault = own[0] === 0.5 && own[1] === 0.5 && own[2] === 0.5 && own[3] === 1;
  return isDefault && material >= 0 ? four(model.mat_rgba, material) : own;
}

function packMeshes(model: MjModel, numbers: readonly number[]) {
  let size = 0;
  const places = numbers.map((mesh): MeshPlace => {
    const vertexCount: number = model.mesh_vertnum[mesh];
    const faceCount: number = model.mesh_facenum[mesh];
    const vertices = size;
    const faces = vertices + 12 * vertexCount;
    size = faces + 12 * faceCount;
    return { vertices, vertexCount, faces, faceCount };
  });
  const bytes = new Uint8Array(size);
  numbers.forEach((mesh, index) => {
    const { vertices, vertexCount, faces, faceCount } = places[index];
    const firstVertex = 3 * model.mesh_vertadr[mesh];
    const firstFace = 3 * model.mesh_faceadr[mesh];
    new Float32Array(bytes.buffer, vertices, 3 * vertexCount).set(
      (model.mesh_vert as Float32Array).subarray(firstVertex, firstVertex + 3 * vertexCount),
    );
    new Uint32Array(bytes.buffer, faces, 3 * faceCount).set(
      (model.mesh_face as Int32Array).subarray(firstFace, firstFace + 3 * faceCount),
    );
  });
  return { numbers, places, bytes };
}

// Six digits are a micrometre: the JSON stays short.
const round = (value: number) => Math.round(value * 1e6) / 1e6;

function three(array: ArrayLike<number>, index: number): [number, number, number] {
  return [round(array[3 * index]), round(array[3 * index + 1]), round(array[3 * index + 2])];
}

function four(array: ArrayLike<number>, index: number): [number, number, number, number] {
  const at = 4 * index;
  return [round(array[at]), round(array[at + 1]), round(array[at + 2]), round(array[at + 3])];
}
