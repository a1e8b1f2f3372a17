// The terrain as it is drawn: the same heights as in physics, with the ground's own texture, a metre to a square.

import {
  BufferAttribute,
  BufferGeometry,
  Mesh,
  MeshLambertMaterial,
  type Object3D,
  PlaneGeometry,
  type Texture,
} from 'three';
import { type Platform, platforms, TERRAIN_SHAPE, type TerrainKind, waveHeight } from '../../sim/terrain.js';

/** Points of the drawn waves lie this far apart (m): coarser than in physics, a millimetre or two off. */
const SPACING_M = 0.25;

/** The lights are made for robots: pale ground under them would be white (share of what it reflects). */
const REFLECTS = 0.78;

/**
 * @param texture the flat ground's, which repeats its metres over 0 .. 1; it stays the caller's
 * @returns undefined for flat ground
 */
export function createTerrainMesh(
  kind: TerrainKind,
  texture: Texture,
): { readonly object: Object3D; dispose(): void } | undefined {
  if (kind === 'flat') return undefined;
  const metres = texture.repeat.x;
  const geometry = kind === 'waves' ? wavesGeometry(metres) : stepsGeometry(metres);
  // Lit, as the flat ground need not be: without light and shade there would be no slopes to see.
  const material = new MeshLambertMaterial({ map: texture });
  material.color.setScalar(REFLECTS);
  const object = new Mesh(geometry, material);
  object.name = `terrain ${kind}`;
  object.receiveShadow = true;
  return {
    object,
    dispose() {
      geometry.dispose();
      material.dispose();
      object.removeFromParent();
    },
  };
}

function wavesGeometry(metres: number): BufferGeometry {
  const { halfSize_m } = TERRAIN_SHAPE;
  const cells = Math.round((2 * halfSize_m) / SPACING_M);
  const geometry = new PlaneGeometry(2 * halfSize_m, 2 * halfSize_m, cells, cells);
  const place = geometry.getAttribute('position') as BufferAttribute;
  const texture = geometry.getAttribute('uv') as BufferAttribute;
  for (let at = 0; at < place.count; at++) {
    const [x, y] = [place.getX(at), place.getY(at)];
    place.setZ(at, waveHeight(x, y));
    texture.setXY(at, x / metres, y / metres);
  }
  geometry.computeVertexNormals();
  return geometry;
}

function stepsGeometry(metres: number): BufferGeometry {
  const { platforms: all, ground } = platforms();
  const positions: number[] = [];
  const normals: number[] = [];
  const textures: number[] = [];
  const quad = (corners: readonly (readonly [number, number, number])[], normal: readonly [number, number, number]) => {
    for (const corner of [0, 1, 2, 0, 2, 3]) {
      const [x, y, z] = corners[corner];
      positions.push(x, y, z);
      normals.push(...normal);
      // Sides are darkened by the light alone: their texture is the plain middle of a square.
      textures.push(...(normal[2] === 1 ? [x / metres, y / metres] : [0.12 / metres, 0.12 / metres]));
    }
  };
  const box = ({ centre_m: [x, y], halfSize_m: [a, b], height_m: h }: Platform) => {
    const [west, east, south, north] = [x - a, x + a, y - b, y + b];
    quad(
      [
        [west, south, h],
        [east, south, h],
        [east, north, h],
        [west, north, h],
      ],
      [0, 0, 1],
    );
    if (h === 0) return;
    quad(
      [
        [west, south, 0],
        [east, south, 0],
        [east, south, h],
        [west, south, h],
      ],
      [0, -1, 0],
    );
    quad(
      [
        [east, north, 0],
        [west, north, 0],
        [west, north, h],
        [east, north, h],
      ],
      [0, 1, 0],
    );
    quad(
      [
        [east, south, 0],
        [east, north, 0],
        [east, north, h],
        [east, south, h],
      ],
      [1, 0, 0],
    );
    quad(
      [
        [west, north, 0],
        [west, south, 0],
        [west, south, h],
        [west, north, h],
      ],
      [-1, 0, 0],
    );
  };
  for (const platform of [ground, ...all]) box(platform);
  const geometry = new BufferGeometry();
  const attribute = (values: readonly number[], size: number) => new BufferAttribute(Float32Array.from(values), size);
  geometry.setAttribute('position', attribute(positions, 3));
  geometry.setAttribute('normal', attribute(normals, 3));
  geometry.setAttribute('uv', attribute(textures, 2));
  return geometry;
}
