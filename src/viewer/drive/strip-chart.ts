// A strip of the last seconds: lines that run from right to left, on a canvas of its own.
//
// Written out rather than taken from a plotting library because it is drawn ten times a second beside physics and 3D:
// one pass over a ring of samples, no axes to lay out, nothing allocated.

import { element } from '../shell/elements.js';

export interface StripLine {
  /** Custom property of its colour. */
  readonly colour: string;
  readonly width: number;
  /** Drawn as steps: a command holds its value until the next. */
  readonly steps?: boolean;
  readonly opacity?: number;
}

export interface StripChart {
  readonly element: HTMLCanvasElement;
  /** One value a line; NaN for none. */
  add(values: readonly number[]): void;
  draw(): void;
  clear(): void;
}

export interface StripOptions {
  readonly label: string;
  readonly lines: readonly StripLine[];
  /** Samples that it shows. */
  readonly capacity: number;
  /** Least range; it grows to what is shown. */
  readonly range: readonly [number, number];
}

export function createStripChart({ label, lines, capacity, range }: StripOptions): StripChart {
  const canvas = element('canvas', { class: 'strip', attributes: { role: 'img', 'aria-label': label } });
  const ring = new Float32Array(capacity * lines.length);
  let count = 0;

  const bounds = (): [number, number] => {
    let [low, high] = range;
    const held = Math.min(count, capacity);
    for (let at = 0; at < held * lines.length; at++) {
      if (ring[at] < low) low = ring[at];
      if (ring[at] > high) high = ring[at];
    }
    const margin = 0.06 * (high - low);
    return [low - margin, high + margin];
  };

  return {
    element: canvas,
    add(values) {
      ring.set(values, (count++ % capacity) * lines.length);
    },
    clear() {
      count = 0;
    },
    draw() {
      const scale = Math.min(2, devicePixelRatio);
      const width = Math.round(canvas.clientWidth * scale);
      const height = Math.round(canvas.clientHeight * scale);
      if (width === 0 || height === 0) return;
      if (canvas.width !== width || canvas.height !== height) {
        canvas.width = width;
        canvas.height = height;
      }
      const pen = canvas.getContext('2d')!;
      const style = getComputedStyle(canvas);
      const [low, high] = bounds();
      const y = (value: number) => height - ((value - low) / (high - low)) * height;
      pen.clearRect(0, 0, width, height);
      pen.strokeStyle = style.getPropertyValue('--border');
      pen.lineWidth = scale;
      pen.beginPath();
      pen.moveTo(0, Math.round(y(0)) + 0.5);
      pen.lineTo(width, Math.round(y(0)) + 0.5);
      pen.stroke();
      const held = Math.min(count, capacity);
      for (const [index, line] of lines.entries()) {
        pen.strokeStyle = style.getPropertyValue(line.colour);
        pen.globalAlpha = line.opacity ?? 1;
        pen.lineWidth = line.width * scale;
        pen.lineJoin = 'round';
        pen.beginPath();
        let isDown = false;
        let before = 0;
        for (let back = held - 1; back >= 0; back--) {
          const value = ring[((count - 1 - back) % capacity) * lines.length + index];
          if (Number.isNaN(value)) {
            isDown = false;
            continue;
          }
          const x = width - (back / (capacity - 1)) * width;
          if (!isDown) pen.moveTo(x, y(value));
          else {
            if (line.steps) pen.lineTo(x, before);
            pen.lineTo(x, y(value));
          }
          before = y(value);
          isDown = true;
        }
        pen.stroke();
      }
      pen.globalAlpha = 1;
    },
  };
}
