// Puts a terrain into a MuJoCo spec before it is compiled: a height field or boxes, which touch as the floor does.

import type { MjSpec, MjsGeom, MujocoModule } from './mujoco.js';
import { LOWERED_FLOOR_M, type Platform, platforms, type TerrainKind, waves } from './terrain.js';

/** Prefix of the names of its shapes. */
const NAME = 'nextgait_terrain_';
/** How far boxes and height field reach below the ground (m): thin shapes let fast feet through. */
const DEPTH_M = 0.25;

/** The spec must have its floor. */
export function addTerrain(module: MujocoModule, spec: MjSpec, kind: TerrainKind): void {
  if (kind === 'flat') return;
  const planes = planesOf(module, spec);
  for (const plane of planes) plane.pos[2] -= LOWERED_FLOOR_M;
  const addShape = (name: string) => addGeom(module, spec, name, planes[0]);
  if (kind === 'waves') addWaves(module, spec, addShape(`${NAME}waves`));
  else {
    const { platforms: all, ground } = platforms();
    [ground, ...all].forEach((platform, index) => {
      placePlatform(module, addShape(`${NAME}${index}`), platform);
    });
  }
}

function planesOf(module: MujocoModule, spec: MjSpec): MjsGeom[] {
  const world = module.mjs_findBody(spec, 'world')!;
  const planes: MjsGeom[] = [];
  const first = module.mjs_firstChild(world, module.mjtObj.mjOBJ_GEOM, 0);
  for (let at = first; at; at = module.mjs_nextChild(world, at, 0)) {
    const geom = module.mjs_asGeom(at)!;
    if (numberOf(geom.type) === numberOf(module.mjtGeom.mjGEOM_PLANE)) planes.push(geom);
  }
  return planes;
}

function addWaves(module: MujocoModule, spec: MjSpec, geom: MjsGeom): void {
  const { halfSize_m, count, heights_m } = waves();
  const lowest = heights_m.reduce((least, height) => Math.min(least, height), 0);
  const highest = heights_m.reduce((most, height) => Math.max(most, height), 0);
  const field = module.mjs_addHField(spec)!;
  module.mjs_setName(field.element, `${NAME}waves`);
  field.nrow = count;
  field.ncol = count;
  // MuJoCo scales the data to 0 .. 1 and has the range as a size of its own.
  field.size.set([halfSize_m, halfSize_m, highest - lowest, DEPTH_M]);
  field.userdata.resize(heights_m.length, 0);
  for (let at = 0; at < heights_m.length; at++) field.userdata.set(at, (heights_m[at] - lowest) / (highest - lowest));
  geom.type = module.mjtGeom.mjGEOM_HFIELD;
  geom.hfieldname = `${NAME}waves`;
  geom.pos.set([0, 0, lowest]);
}

function placePlatform(module: MujocoModule, geom: MjsGeom, { centre_m, halfSize_m, height_m }: Platform): void {
  geom.type = module.mjtGeom.mjGEOM_BOX;
  geom.size.set([...halfSize_m, (height_m + DEPTH_M) / 2]);
  geom.pos.set([...centre_m, (height_m - DEPTH_M) / 2]);
}

/** A shape of the world that touches what the floor touches, as the floor does. */
function addGeom(module: MujocoModule, spec: MjSpec, name: string, floor: MjsGeom | undefined): MjsGeom {
  const geom = module.mjs_addGeom(module.mjs_findBody(spec, 'world')!, module.mjs_getSpecDefault(spec)!)!;
  module.mjs_setName(geom.element, name);
  geom.contype = floor?.contype ?? 1;
  geom.conaffinity = floor?.conaffinity ?? 1;
  geom.condim = floor?.condim ?? 3;
  geom.priority = floor?.priority ?? 0;
  if (floor === undefined) return geom;
  for (const property of ['friction', 'solref', 'solimp'] as const) geom[property].set(floor[property]);
  return geom;
}

/** The bindings give enumeration members as objects with a value. */
function numberOf(member: unknown): number {
  return (member as { readonly value: number }).value;
}
