// Watches how long frames take while the picture moves, and makes it plainer where they take too long.
//
// Steps are one-way for a visit: a picture that changes its looks back and forth is worse than a plain one.

import type { DirectionalLight, WebGLRenderer } from 'three';

const SLOW_MS = 45;
/** Frames that must be slow on average before a step is taken. */
const PATIENCE = 25;
const SMOOTHING = 0.08;

export interface QualityKeeper {
  /** Share of the full resolution. */
  readonly scale: number;
  /** Smoothed time of drawing a frame (ms). */
  readonly draw_ms: number;
  note(frame_ms: number, draw_ms: number): void;
  onScale(listener: () => void): void;
}

export function createQualityKeeper(
  renderer: WebGLRenderer,
  sun: DirectionalLight,
  onSlow: (text: string) => void,
): QualityKeeper {
  let scale = 1;
  let smoothFrame_ms = 0;
  let smoothDraw_ms = 0;
  let noted = 0;
  let step = 0;
  let rescale = () => {};
  const steps = [
    () => {
      scale = 0.7;
      rescale();
    },
    () => {
      sun.castShadow = false;
      renderer.shadowMap.enabled = false;
      onSlow('This machine draws slowly: the picture is shown at a lower resolution and without shadows.');
    },
    () => {
      scale = 0.5;
      rescale();
    },
  ];
  return {
    get scale() {
      return scale;
    },
    get draw_ms() {
      return smoothDraw_ms;
    },
    note(frame_ms, draw_ms) {
      const share = noted === 0 ? 1 : SMOOTHING;
      smoothFrame_ms += share * (frame_ms - smoothFrame_ms);
      smoothDraw_ms += share * (draw_ms - smoothDraw_ms);
      noted++;
      if (noted < PATIENCE || smoothFrame_ms < SLOW_MS || step >= steps.length) return;
      steps[step++]();
      noted = 0;
    },
    onScale(listener) {
      rescale = listener;
    },
  };
}
