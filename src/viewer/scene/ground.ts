// The ground: a plane with a grid of metres and quarter metres that fades into the distance, and a small one about what is
// watched that takes its shadow: only there is light worked out, which is what software rendering feels.

import {
  CanvasTexture,
  Group,
  Mesh,
  MeshBasicMaterial,
  type Object3D,
  PlaneGeometry,
  RepeatWrapping,
  ShadowMaterial,
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
/** As wide as the light's shadow reaches. */
const SHADOW_M = 3;
const PIXELS = 512;
const COLOURS: Readonly<Record<Theme, { plane: string; metre: string; quarter: string }>> = {
  light: { plane: '#dde3e8', metre: '#b3bdc7', quarter: '#ccd4db' },
  dark: { plane: '#1a2129', metre: '#3b4754', quarter: '#252e38' },
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
  const material = new MeshBasicMaterial({ map: texture });
  const mesh = new Mesh(new PlaneGeometry(SIZE_M, SIZE_M), material);
  const shade = new ShadowMaterial({ depthWrite: false });
  const shadow = new Mesh(new PlaneGeometry(SHADOW_M, SHADOW_M), shade);
  shadow.receiveShadow = true;
  shadow.position.z = 0.002;
  const object = new Group();
  object.name = 'ground';
  object.add(mesh, shadow);
  return {
    object,
    centre(x, y) {
      mesh.position.set(Math.round(x), Math.round(y), 0);
      shadow.position.set(x, y, shadow.position.z);
    },
    setTheme(theme) {
      paint(canvas, COLOURS[theme]);
      texture.needsUpdate = true;
      shade.opacity = theme === 'dark' ? 0.5 : 0.28;
    },
    dispose() {
      texture.dispose();
      material.dispose();
      mesh.geometry.dispose();
      shade.dispose();
      shadow.geometry.dispose();
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
