// Curves from lines, smoothing, alignment on one axis, and differences of configurations.

import { describe, expect, it } from 'vitest';
import type { MetricsLine } from '../../../src/train/metrics.js';
import { alignCurves, nearestIndex } from '../../../src/viewer/training/align.js';
import { configDifferences } from '../../../src/viewer/training/config-differences.js';
import { createCurves } from '../../../src/viewer/training/curves.js';
import { smooth, spanOf } from '../../../src/viewer/training/smoothing.js';

const line = (step: number, split: MetricsLine['split'], value: number): MetricsLine => ({
  step,
  split,
  loss: value,
  modalities: { observation: 2 * value, ...(step > 10 ? { action: 3 * value } : {}) },
  sources: { walks: { observation: value }, ...(step > 10 ? { mocap: { action: 5 * value } } : {}) },
  ...(split === 'train' ? { learningRate: 1e-3, stepsPerSecond: 4 } : {}),
});

describe('curves', () => {
  it('hold each quantity over the steps that had it', () => {
    const curves = createCurves();
    curves.add([line(10, 'train', 1), line(10, 'validation', 7), line(20, 'train', 2)]);
    expect(curves.get({ kind: 'loss' }, 'train')).toEqual({ steps: [10, 20], values: [1, 2] });
    expect(curves.get({ kind: 'loss' }, 'validation')).toEqual({ steps: [10], values: [7] });
    expect(curves.get({ kind: 'modality', modality: 'action' }, 'train')).toEqual({ steps: [20], values: [6] });
    expect(curves.get({ kind: 'source', source: 'mocap', modality: 'action' }, 'train')!.values).toEqual([10]);
    expect(curves.get({ kind: 'source', source: 'mocap', modality: 'observation' }, 'train')).toBeUndefined();
    expect(curves.get({ kind: 'learningRate' }, 'validation')).toBeUndefined();
    expect(curves.sources).toEqual(['walks', 'mocap']);
    expect(curves.latest('train')!.step).toBe(20);
  });

  it('forget steps that are done again, and leave gaps for what is not a number', () => {
    const curves = createCurves();
    curves.add([10, 20, 30, 40].map((step) => line(step, 'train', step)));
    curves.add([line(20, 'train', -1), line(30, 'train', Number.NaN), line(40, 'train', -3)]);
    expect(curves.get({ kind: 'loss' }, 'train')).toEqual({ steps: [10, 20, 40], values: [10, -1, -3] });
    curves.clear();
    expect(curves.get({ kind: 'loss' }, 'train')).toBeUndefined();
    expect(curves.lineCount).toBe(0);
  });
});

describe('smoothing', () => {
  it('leaves a constant as it is, and is the weighted mean that it says it is', () => {
    const steps = [0, 10, 20, 45, 50];
    expect(smooth({ steps, values: [3, 3, 3, 3, 3] }, 15).every((value) => Math.abs(value - 3) < 1e-12)).toBe(true);
    const values = [1, -2, 4, 0, 8];
    // Each value stands for the steps since the one before it, and counts exp(-age / span) of them.
    const weightOf = (at: number, end: number) => {
      const share = 1 - Math.exp(-(steps[Math.max(1, at)] - steps[Math.max(1, at) - 1]) / 15);
      return share * Math.exp((steps[at] - steps[end]) / 15);
    };
    const smoothed = smooth({ steps, values }, 15);
    for (let end = 0; end < steps.length; end++) {
      let sum = 0;
      let weight = 0;
      for (let at = 0; at <= end; at++) {
        sum += weightOf(at, end) * values[at];
        weight += weightOf(at, end);
      }
      expect(smoothed[end]).toBeCloseTo(sum / weight, 12);
    }
  });

  it('is off at the left end, and reaches a tenth of the run', () => {
    const curve = { steps: [1, 2], values: [5, 6] };
    expect(smooth(curve, spanOf(0, 2000))).toBe(curve.values);
    expect(spanOf(1, 2000)).toBeCloseTo(200);
    expect(smooth({ steps: [7], values: [2] }, 10)).toEqual([2]);
    expect(smooth({ steps: [], values: [] }, 10)).toEqual([]);
  });
});

describe('curves on one axis', () => {
  it('are merged in order, with nothing where a curve has no value', () => {
    const merged = alignCurves([
      { steps: [1, 3, 5], values: [10, 30, 50] },
      { steps: [], values: [] },
      { steps: [2, 3], values: [200, 300] },
    ]);
    expect(merged).toEqual({
      steps: [1, 2, 3, 5],
      columns: [
        [10, null, 30, 50],
        [null, null, null, null],
        [null, 200, 300, null],
      ],
    });
    expect(alignCurves([])).toEqual({ steps: [], columns: [] });
  });

  it('are read at the nearest step', () => {
    expect([-5, 10, 14, 16, 99].map((step) => nearestIndex([10, 18, 30], step))).toEqual([0, 0, 0, 1, 2]);
    expect(nearestIndex([], 3)).toBe(-1);
    expect(nearestIndex([4], 300)).toBe(0);
  });
});

describe('differences of configurations', () => {
  it('are the keys whose values are not the same', () => {
    const base = { train: { steps: 100, seed: 1 }, data: { folders: ['a', 'b'], sources: {} }, name: 'x' };
    const other = { train: { steps: 100, seed: 2 }, data: { folders: ['a'], sources: { walks: 2 } }, name: 'x' };
    expect(configDifferences([base, other])).toEqual([
      { key: 'train.seed', values: ['1', '2'] },
      { key: 'data.folders', values: ['a, b', 'a'] },
      { key: 'data.sources.walks', values: [undefined, '2'] },
    ]);
    expect(configDifferences([base, base, base])).toEqual([]);
    expect(configDifferences([base])).toEqual([]);
  });
});
