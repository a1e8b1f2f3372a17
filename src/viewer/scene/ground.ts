// The ground: a plane with a grid of metres and quarter metres that takes shadows and fades into the distance.

import {
  CanvasTexture,
  Mesh,
  MeshLambertMaterial,
  type Object3D,
  PlaneGeometry,
  RepeatWrapping,
  SRGBColorSpace,
} from 'three';
import type { Theme } from '../page.js';

export interface Ground {
  readonly object: Object3D;
  /** Keeps the finite plane under what is watched; the grid stays where it is in the world. */
  centre(x: number, y: number): void;
  setTheme(theme: Theme): void;
  dispose(): void;
}

const SIZE_M = 48;
const PIXELS = 512;
const COLOURS: Readonly<Record<Theme, { plane: string; metre: string; quarter: string }>> = {
  light: { plane: '#dfe4e9', metre: '#a9b4bf', quarter: '#cbd3da' },
  dark: { plane: '#232b34', metre: '#46525f', quarter: '#2e3843' },
};

/** @param anisotropy how sharp the grid stays at flat angles; costs time without a graphics card */
export function createGround(anisotropy: number): Ground {
  const canvas = document.createElement('canvas');
  canvas.width = PIXELS;
  canvas.height = PIXELS;
  const texture = new CanvasTexture(canvas);
  texture.wrapS = RepeatWrapping;
  texture.wrapT = RepeatWrapping;
  texture.repeat.set(SIZE_M, SIZE_M);
  texture.anisotropy = anisotropy;
  texture.colorSpace = SRGBColorSpace;
  const material = new MeshLambertMaterial({ map: texture });
  const mesh = new Mesh(new PlaneGeometry(SIZE_M, SIZE_M), material);
  mesh.name = 'ground';
  mesh.receiveShadow = true;
  return {
    object: mesh,
    centre(x, y) {
      mesh.position.set(Math.round(x), Math.round(y), 0);
    },
    setTheme(theme) {
      paint(canvas, COLOURS[theme]);
      texture.needsUpdate = true;
    },
    dispose() {
      texture.dispose();
      material.dispose();
      mesh.geometry.dispose();
    },
  };
}

/** One square metre: its edges lie on the texture's edges. */
function paint(canvas: HTMLCanvasElement, { plane, metre, quarter }: (typeof COLOURS)[Theme]): void {
  const pen = canvas.getContext('2d')!;
  pen.fillStyle = plane;
  pen.fillRect(0, 0, PIXELS, PIXELS);
  const line = (at: number, width: number, colour: string) => {
    pen.fillStyle = colour;
    pen.fillRect(at - width / 2, 0, width, PIXELS);
    pen.fillRect(0, at - width / 2, PIXELS, width);
  };
  for (const share of [0.25, 0.5, 0.75]) line(share * PIXELS, 4, quarter);
  for (const share of [0, 1]) line(share * PIXELS, 12, metre);
}
