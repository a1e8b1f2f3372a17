// A trial to be watched: who is where when, against paths of closed form.

import { describe, expect, it } from 'vitest';
import type { Evaluation, TrialRecord } from '../../../src/evaluate/evaluation.js';
import type { TrialOptions } from '../../../src/evaluate/trial-episodes.js';
import type { DatasetIndex, EpisodeEntry } from '../../../src/viewer/dataset/dataset-index.js';
import type { EpisodeData } from '../../../src/viewer/dataset/shard-reader.js';
import { createReplay, frameOf, poseAt, readoutAt, shareOfPlot } from '../../../src/viewer/evaluation/replay-model.js';
import { listTrials, orderTrials, type TrialRun } from '../../../src/viewer/evaluation/trials.js';

const RATE_HZ = 50;
const SPEED_MPS = 0.4;
const TURN_RADPS = 0.3;

/** A robot that walks a circle exactly, turned by `yaw` from where the command points, and falls after `frames`. */
function motion(contender: 'policy' | 'teacher', frames: number, fell: boolean) {
  const basePosition = new Float32Array(3 * frames);
  const baseQuaternion = new Float32Array(4 * frames);
  const command = new Float32Array(3 * frames);
  for (let frame = 0; frame < frames; frame++) {
    const yaw = (TURN_RADPS * frame) / RATE_HZ;
    const radius = SPEED_MPS / TURN_RADPS;
    basePosition.set([radius * Math.sin(yaw), radius * (1 - Math.cos(yaw)), 0.8], 3 * frame);
    baseQuaternion.set([Math.cos(yaw / 2), 0, 0, Math.sin(yaw / 2)], 4 * frame);
    command.set([SPEED_MPS, 0, TURN_RADPS], 3 * frame);
  }
  const options: TrialOptions = {
    contender,
    condition: 'kicked',
    number: 4,
    seed: 1,
    duration_s: 6,
    commands: [{ start_s: 0, command: [SPEED_MPS, 0, TURN_RADPS] }],
    drawn: { kicks: [{ time_s: 1.5, velocityChange_mps: [0.3, -0.4, 0] }] },
  };
  const episode = {
    entry: { id: `${contender}/kicked/4`, frames, fell } as EpisodeEntry,
    channels: {
      basePosition: { width: 3, data: basePosition },
      baseQuaternion: { width: 4, data: baseQuaternion },
      jointPosition: { width: 2, data: Float32Array.from({ length: 2 * frames }, (_, at) => at) },
      command: { width: 3, data: command },
    },
    findings: [],
    provenance: { input: contender, tool: 'test', options: { ...options } },
  } as EpisodeData;
  return { run: { contender, role: contender, name: contender, record: {} as TrialRecord } as TrialRun, episode };
}

describe('a replay', () => {
  const replay = createReplay([motion('policy', 100, true), motion('teacher', 150, true)], RATE_HZ);

  it('has kicks and falls in time, and ends a little after the last fall', () => {
    expect(replay.marks).toEqual([
      { kind: 'kick', time_s: 1.5, text: 'kick of 0.50 m/s', velocityChange_mps: [0.3, -0.4, 0] },
      { kind: 'fall', time_s: 99 / RATE_HZ, text: 'policy fell', role: 'policy' },
      { kind: 'fall', time_s: 149 / RATE_HZ, text: 'teacher fell', role: 'teacher' },
    ]);
    expect(replay.frameCount).toBe(150 + 75);
    expect(createReplay([motion('policy', 300, false)], RATE_HZ).frameCount).toBe(300);
    expect(shareOfPlot(replay, 150)).toBeCloseTo(0.5, 12);
    expect(replay.sample).toMatchObject({ number: 4, condition: 'kicked', command: [SPEED_MPS, 0, TURN_RADPS] });
  });

  it('follows the commanded circle, and leaves a robot where it fell', () => {
    const [policy, teacher] = replay.runs;
    const before = readoutAt(replay, policy, 60);
    // The circle in float32.
    expect(before.offPath_m).toBeLessThan(1e-6);
    expect(before.isDown).toBe(false);
    for (const [axis, value] of [SPEED_MPS, 0, TURN_RADPS].entries()) {
      expect(before.commanded[axis]).toBeCloseTo(value, 6);
      // Chords of 0.02 s for arcs: 1 - (0.006 / 2)^2 / 6 of the speed; the rest is float32 differences over half a second.
      expect(before.achieved[axis]).toBeCloseTo(value, 4);
    }
    expect(frameOf(policy, 140)).toBe(99);
    expect([...poseAt(policy, 140).jointPosition]).toEqual([198, 199]);
    const after = readoutAt(replay, policy, 140);
    const chord = (2 * SPEED_MPS * Math.sin((TURN_RADPS * 41) / RATE_HZ / 2)) / TURN_RADPS;
    expect(after).toMatchObject({ achieved: [0, 0, 0], isDown: true });
    expect(after.offPath_m).toBeCloseTo(chord, 5);
    expect(readoutAt(replay, teacher, 140).isDown).toBe(false);
  });
});

describe('the list of trials', () => {
  const record = (number: number, tracking_m: number, fell = false, survival_s = 10): TrialRecord => ({
    number,
    fell,
    survival_s,
    tracking_m,
    stretches: [{ commanded: [number, 0, 0], achieved: [0, 0, 0], duration_s: 9 }],
    velocityError: null,
    actionRate_radps: null,
    torque_Nm: null,
  });
  const trials = [record(0, 0.2), record(1, 0.9), record(2, 0.1, true, 4), record(3, 5, true, 8)];
  const contender = (key: string, role: string, list: readonly TrialRecord[]) => ({
    key,
    role,
    name: key,
    conditions: { undisturbed: { trials: list } },
  });
  const evaluation = {
    config: { kicks: { enabled: false } },
    contenders: [
      contender('policy', 'policy', trials),
      contender('teacher', 'teacher', trials.slice(0, 2)),
      contender('predict-mean', 'baseline', trials),
    ],
  } as unknown as Evaluation;
  const index = { episodes: [{ id: 'policy/undisturbed/1' }, { id: 'teacher/undisturbed/0' }] };

  it('has the policy and its teacher, and says which can be watched', () => {
    const list = listTrials(evaluation, index as unknown as DatasetIndex);
    expect(list.map(({ number, canBeWatched }) => [number, canBeWatched])).toEqual([
      [0, true],
      [1, true],
      [2, false],
      [3, false],
    ]);
    expect(list[0].runs.map(({ contender: key, episode }) => [key, episode?.id])).toEqual([
      ['policy', undefined],
      ['teacher', 'teacher/undisturbed/0'],
    ]);
    expect(list[2].runs).toHaveLength(1);
    expect(listTrials(evaluation, undefined).some(({ canBeWatched }) => canBeWatched)).toBe(false);
  });

  it('is ordered by what is wrong: falls, the earliest first, then tracking', () => {
    const list = listTrials(evaluation, undefined);
    expect(orderTrials(list, 'worst').map(({ number }) => number)).toEqual([2, 3, 1, 0]);
    expect(orderTrials(list, 'best').map(({ number }) => number)).toEqual([0, 1, 3, 2]);
    expect(orderTrials(list, 'number')).toEqual(list);
  });
});
