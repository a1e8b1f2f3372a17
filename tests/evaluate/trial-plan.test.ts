import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/base/config.js';
import { loadConfig } from '../../src/base/config-file.js';
import { packagePath } from '../../src/base/files.js';
import { chooseSamples } from '../../src/evaluate/collect.js';
import { evaluateConfigSchema } from '../../src/evaluate/evaluate-config.js';
import { conditionsOf, planTrials } from '../../src/evaluate/trial-plan.js';

const RANGE = { vx_mps: [-0.5, 1], vy_mps: [-0.3, 0.3], wz_radps: [-0.2, 0.2] } as const;
const config = (value: unknown) => parseConfig(evaluateConfigSchema, value, 'test');

describe('planned trials', () => {
  it('follow from the seed and their number alone', () => {
    const ten = planTrials(config({ trials: 10 }), RANGE, 3, 'kicked');
    expect(planTrials(config({ trials: 20 }), RANGE, 3, 'kicked').slice(0, 10)).toEqual(ten);
    expect(planTrials(config({ trials: 10 }), RANGE, 4, 'kicked')).not.toEqual(ten);
  });

  it('have the same commands kicked and not, one a trial, within the range', () => {
    const calm = planTrials(config({ trials: 200 }), RANGE, 1, 'undisturbed');
    const kicked = planTrials(config({ trials: 200 }), RANGE, 1, 'kicked');
    expect(kicked.map(({ commands }) => commands)).toEqual(calm.map(({ commands }) => commands));
    Object.values(RANGE).forEach(([low, high], axis) => {
      const values = calm.map(({ commands }) => commands[0].command[axis]);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(low);
      expect(Math.max(...values)).toBeLessThanOrEqual(high);
      // 200 uniform draws leave out the outer 5 % of a range with a chance of 4e-5 an end.
      expect(Math.min(...values)).toBeLessThan(low + 0.05 * (high - low));
      expect(Math.max(...values)).toBeGreaterThan(high - 0.05 * (high - low));
    });
    expect(new Set(calm.map(({ commands }) => commands.length))).toEqual(new Set([1]));
    expect(calm.every(({ disturbance }) => disturbance.kicks.length === 0)).toBe(true);
  });

  it('kick as often and as hard as asked for, apart from each other and from the ends', () => {
    for (const { disturbance } of planTrials(config({ trials: 50 }), RANGE, 1, 'kicked')) {
      expect(disturbance.kicks).toHaveLength(2);
      const [first, second] = disturbance.kicks;
      expect(first.time_s).toBeGreaterThanOrEqual(1);
      expect(second.time_s - first.time_s).toBeGreaterThanOrEqual(2);
      expect(second.time_s).toBeLessThanOrEqual(9);
      for (const { velocityChange_mps } of disturbance.kicks) {
        expect(Math.hypot(...velocityChange_mps)).toBeCloseTo(0.5, 12);
        expect(velocityChange_mps[2]).toBe(0);
      }
    }
  });

  it("knows the paper's tasks", () => {
    const paper = planTrials(config({ trials: 100, commands: { set: 'paper' } }), RANGE, 1, 'undisturbed');
    for (const { commands } of paper) {
      const [vx, vy, wz] = commands[0].command;
      expect(vx).toBeGreaterThanOrEqual(0.35);
      expect(vx).toBeLessThanOrEqual(0.7);
      expect(vy).toBeCloseTo(0, 12);
      expect(Math.abs(wz)).toBeLessThanOrEqual(0.4);
    }
    const yaw = planTrials(config({ trials: 22, commands: { set: 'paper-yaw' } }), RANGE, 1, 'undisturbed');
    expect(new Set(yaw.map(({ commands }) => commands[0].command[2])).size).toBe(11);
    expect(yaw.every(({ commands }) => commands[0].command[0] === 0.5)).toBe(true);
  });

  it('can change the command within a trial', () => {
    const value = { trials: 5, duration_s: 20, commands: { resample_s: [3, 6] } };
    for (const { commands } of planTrials(config(value), RANGE, 1, 'undisturbed')) {
      expect(commands.length).toBeGreaterThanOrEqual(4);
      expect(commands.length).toBeLessThanOrEqual(7);
    }
  });
});

describe('samples for plots', () => {
  it('are fast trials of every quarter of the turns, and a kicked one', () => {
    const value = config({ trials: 40 });
    const trials = conditionsOf(value).flatMap((condition) => planTrials(value, RANGE, 1, condition));
    const chosen = chooseSamples(trials);
    expect(chosen.map(({ condition }) => condition)).toEqual([...Array(4).fill('undisturbed'), 'kicked']);
    const turns = chosen.slice(0, 4).map(({ commands }) => commands[0].command[2]);
    expect(turns).toEqual([...turns].sort((a, b) => a - b));
    expect(chooseSamples(trials.slice(0, 2))).toHaveLength(2);
  });
});

describe('configuration', () => {
  it('has its defaults written out in configs/evaluate/default.yaml', async () => {
    const written = await loadConfig(evaluateConfigSchema, packagePath('configs', 'evaluate', 'default.yaml'));
    expect(written).toEqual(config({}));
  });

  it('names the nearest key of a wrong one', () => {
    expect(() => config({ trails: 3 })).toThrow(/trials/);
    expect(() => config({ kicks: { speed: 1 } })).toThrow(/speed_mps/);
    expect(() => config({ settle_s: 10 })).toThrow(/settle_s/);
  });
});
