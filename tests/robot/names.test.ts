// Tables by name with patterns, and joining joint orders by name.

import { describe, expect, it } from 'vitest';
import { indexByName } from '../../src/robot/index-by-name.js';
import { matchingIndices, valuesByName } from '../../src/robot/name-patterns.js';

const NAMES = ['left_hip', 'right_hip', 'left_knee', 'right_knee', 'waist.yaw'];

describe('valuesByName', () => {
  it('gives one number to all', () => {
    expect(valuesByName(4, NAMES, 'x').values).toEqual([4, 4, 4, 4, 4]);
  });

  it('lets later entries override earlier ones and leaves the rest undefined', () => {
    const { values, findings } = valuesByName({ 'left_*': 1, '*_knee': 2, left_knee: 3 }, NAMES, 'x');
    expect(values).toEqual([1, undefined, 3, 2, undefined]);
    expect(findings).toEqual([]);
  });

  it('reports an entry that matches nothing, with the nearest name', () => {
    const { findings } = valuesByName({ left_kne: 1 }, NAMES, 'g1.yaml: pd');
    expect(findings).toHaveLength(1);
    expect(findings[0].where).toBe('g1.yaml: pd.left_kne');
    expect(findings[0].fix).toContain('left_knee');
  });

  it('takes every character but * as itself', () => {
    expect(matchingIndices('waist.yaw', NAMES)).toEqual([4]);
    expect(matchingIndices('waist?yaw', NAMES)).toEqual([]);
    expect(matchingIndices('left.hip', NAMES)).toEqual([]);
    expect(matchingIndices('*i*', NAMES)).toEqual([0, 1, 3, 4]);
  });
});

describe('indexByName', () => {
  it('maps columns by name', () => {
    expect(Array.from(indexByName(['c', 'a', 'b'], ['a', 'b', 'c'], 'log'))).toEqual([1, 2, 0]);
  });

  it('lists what is missing, extra and repeated', () => {
    expect(() => indexByName(['a', 'a', 'd'], ['a', 'b'], 'log.csv')).toThrow(
      /log\.csv: joint names: expected the 2 joints a, b, found missing b; extra d; repeated a/,
    );
  });
});
