// The bundled robot with a mesh on its torso: a tetrahedron in a binary STL, made here, in a folder of its own.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** Corners in the torso's frame (m): none of them at the origin, no two edges alike. */
export const CORNERS: readonly (readonly [number, number, number])[] = [
  [0.2, 0.1, 0.1],
  [0.2, -0.15, 0.12],
  [0.28, 0.02, 0.4],
  [0.05, 0.01, 0.22],
];
const FACES = [
  [0, 1, 2],
  [0, 3, 1],
  [1, 3, 2],
  [2, 3, 0],
] as const;

/** @returns path of the robot's config */
export function writeMeshRobot(folder: string): string {
  mkdirSync(join(folder, 'meshes'), { recursive: true });
  writeFileSync(join(folder, 'meshes', 'shell.stl'), binaryStl());
  const own = readFileSync(join(ROOT, 'data', 'robots', 'g1', 'g1.xml'), 'utf8');
  const model = own
    .replace('<compiler ', '<compiler meshdir="meshes" ')
    .replace('<asset>', '<asset>\n    <mesh name="shell" file="shell.stl"/>')
    .replace(
      /(<body name="torso_link">)/,
      '$1\n<geom type="mesh" mesh="shell" contype="0" conaffinity="0" group="1" mass="0" rgba="0.9 0.3 0.1 1"/>',
    );
  writeFileSync(join(folder, 'g1-mesh.xml'), model);
  const config = readFileSync(join(ROOT, 'configs', 'robots', 'g1.yaml'), 'utf8');
  const path = join(folder, 'g1-mesh.yaml');
  writeFileSync(path, config.replace(/^model: .*$/m, 'model: g1-mesh.xml'));
  return path;
}

/** 80 bytes of header, the number of triangles, then 50 bytes each: normal, three corners, two bytes of nothing. */
function binaryStl(): Uint8Array {
  const bytes = new Uint8Array(84 + 50 * FACES.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(80, FACES.length, true);
  FACES.forEach((face, at) => {
    face.forEach((corner, place) => {
      CORNERS[corner].forEach((value, axis) => {
        view.setFloat32(84 + 50 * at + 12 + 12 * place + 4 * axis, value, true);
      });
    });
  });
  return bytes;
}
