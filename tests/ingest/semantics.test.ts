// What a map says wrongly is told from synthetic motion whose truth is known: what is refused, by which setting it is
// mended, and what is told as a warning only.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type FieldMap, loadFieldMap, parseFieldMap } from '../../ingest/field-map.js';
import { joinJoints } from '../../ingest/joint-map.js';
import { mendMap } from '../../ingest/mend-map.js';
import { type Contradiction, checkSemantics, contradictions, type SemanticsInput } from '../../ingest/semantics.js';
import { timeFindings } from '../../ingest/semantics-time.js';
import type { Column, Columns } from '../../src/motion/columns.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { temporaryFolder } from '../dataset/helpers.js';
import { drivenJoints } from '../driven-joints.js';
import { TINY_ROBOT } from '../fixtures.js';
import { readMappedInput } from './read-mapped-input.js';

const FRAMES = 300;
const DEFAULT = [0.3, -0.2, 0.9, -0.6, 0.1, 0.4, -0.3, 0.5];

/** Eight joints without a body: nothing but actions, positions and velocities speak. */
const ROBOT: RobotModel = {
  ...TINY_ROBOT,
  jointNames: DEFAULT.map((_, joint) => `joint_${joint}`),
  jointIndices: DEFAULT.map((_, joint) => joint + 1),
  lower_rad: DEFAULT.map(() => -3),
  upper_rad: DEFAULT.map(() => 3),
  defaultPosition_rad: DEFAULT,
};

const scaledBy = (column: Column, factor: number): Column => ({
  ...column,
  data: Float64Array.from(column.data, (value) => value * factor),
});

const mapWith = (channels: object, rest: object = {}): FieldMap =>
  parseFieldMap(
    {
      format: 'npz',
      kind: 'rollout',
      source: 'driven',
      time: { rateArray: 'fps' },
      joints: { names: { robot: 'model' } },
      channels: { jointPosition: { array: 'q' }, jointVelocity: { array: 'dq' }, ...channels },
      ...rest,
    },
    'test map',
  );

function inputOf(columns: Columns, map: FieldMap): SemanticsInput {
  return {
    motion: { frameCount: FRAMES, rate_hz: 50, columns },
    map,
    joints: joinJoints(ROBOT.jointNames, map.joints, ROBOT, 'test'),
    robot: ROBOT,
    fileRate_hz: 50,
  };
}

/** Columns as `columnsOf` gives them: what is added to the default pose. */
function driven(): Columns & {
  readonly jointPosition: Column;
  readonly jointVelocity: Column;
  readonly action: Column;
} {
  const { position, velocity, action } = drivenJoints({
    frameCount: FRAMES,
    default_rad: DEFAULT,
    scale: 1,
    meaning: 'offset',
  });
  return { jointPosition: position, jointVelocity: velocity!, action };
}

const OFFSET = mapWith({ action: { array: 'a', meaning: 'offset' } });
const told = (found: readonly Contradiction[]) =>
  found.map(({ about, fix, isWarning }) => [about, ...fix, ...(isWarning ? ['warning'] : [])]);

describe('an action', () => {
  it('that is right contradicts nothing', () => {
    expect(contradictions(inputOf(driven(), OFFSET))).toEqual([]);
  });

  it('is not judged by positions or velocities in another unit', () => {
    const columns = driven();
    const degrees = { ...columns, jointPosition: scaledBy(columns.jointPosition, 180 / Math.PI) };
    expect(told(contradictions(inputOf(degrees, OFFSET)))).toEqual([['units', 'channels.jointPosition.unit=deg']]);
    const fast = { ...columns, jointVelocity: scaledBy(columns.jointVelocity, 2) };
    expect(told(contradictions(inputOf(fast, OFFSET)))).toEqual([['rate', 'time.rate_hz=100', 'time.rateArray=null']]);
  });

  it('with another scale is mended by an estimate that says so, or told where it is off by less', () => {
    const columns = driven();
    const quarter = inputOf({ ...columns, action: scaledBy(columns.action, 4) }, OFFSET);
    // A second-order joint sampled at 50 Hz under a held target is exactly linear: the quartiles are one.
    expect(told(contradictions(quarter))).toEqual([
      [
        'action',
        'channels.action.meaning=scaled',
        'channels.action.scale=0.25',
        'channels.action.scaleRange=[0.25,0.25]',
      ],
    ]);
    const mended = mapWith({ action: { array: 'a', meaning: 'scaled', scale: 0.25, scaleRange: [0.23, 0.27] } });
    expect(checkSemantics(inputOf(columns, mended), 'test')).toMatchObject([
      {
        kind: 'estimate',
        severity: 'warning',
        message: expect.stringMatching(/0\.25 is an estimate .*0\.23 \.\. 0\.27/),
      },
    ]);
    const half = inputOf({ ...columns, action: scaledBy(columns.action, 2) }, OFFSET);
    expect(told(contradictions(half))).toEqual([['action', 'warning']]);
    expect(checkSemantics(half, 'test')).toMatchObject([
      { kind: 'contradiction', severity: 'warning', message: expect.stringMatching(/scaled by about 0\.50, not 1/) },
    ]);
    // Between rows actions are not what was executed: the file's own are asked.
    expect(contradictions({ ...inputOf(columns, OFFSET), ownRows: half.motion })).toHaveLength(1);
    expect(contradictions({ ...half, ownRows: inputOf(columns, OFFSET).motion })).toEqual([]);
  });

  it('whose joints do not agree on a scale is refused without a setting', () => {
    const columns = driven();
    const factors = [3, 12, 3, 12, 3, 12, 3, 12];
    const data = columns.action.data.map((value, at) => value * factors[at % 8]);
    const [found] = contradictions(inputOf({ ...columns, action: { width: 8, data } }, OFFSET));
    expect(found).toMatchObject({ about: 'action', fix: [] });
    expect(found.message).toMatch(/quartiles .* too wide or too few/);
  });

  it('in the order of other joints is refused, and nothing else is said of it', () => {
    const columns = driven();
    const data = columns.action.data.map((_, at) => columns.action.data[at - (at % 8) + ((at + 3) % 8)]);
    const found = contradictions(inputOf({ ...columns, action: { width: 8, data } }, OFFSET));
    expect(told(found)).toEqual([['action']]);
    expect(found[0].message).toMatch(/another joint order than the positions: 8 joints follow another joint's action/);
  });

  it('one row early is mended where the map said so, and told where it did not', () => {
    const columns = driven();
    const data = columns.action.data.map((_, at) => columns.action.data[Math.min(at + 8, FRAMES * 8 - 8 + (at % 8))]);
    const early = { ...columns, action: { width: 8, data } };
    const after = mapWith({ action: { array: 'a', meaning: 'offset' } }, { states: 'after-step' });
    expect(told(contradictions(inputOf(early, after)))).toEqual([['action-row', 'states=before-step']]);
    expect(told(contradictions(inputOf(early, OFFSET)))).toEqual([['action-row', 'warning']]);
  });

  it('in another unit than the positions is found by where joints settle', () => {
    const columns = driven();
    const targets = columns.action.data.map((value, at) => (value + DEFAULT[at % 8]) / (180 / Math.PI));
    const map = mapWith({ action: { array: 'a', meaning: 'absolute', unit: 'deg' } });
    // Columns have the default pose taken off.
    const action = { width: 8, data: targets.map((value, at) => value - DEFAULT[at % 8]) };
    expect(told(contradictions(inputOf({ ...columns, action }, map)))).toEqual([
      ['action', 'channels.action.unit=rad'],
    ]);
  });
});

describe('time', () => {
  const circle = (rate_hz: number): Columns => {
    const column = (value: (time: number, k: number) => number): Column => ({
      width: 3,
      data: Float64Array.from({ length: FRAMES * 3 }, (_, at) => value(Math.floor(at / 3) / rate_hz, at % 3)),
    });
    return {
      basePosition: column((time, k) => [Math.sin(time), -Math.cos(time), 0.5][k]),
      baseLinearVelocity: column((time, k) => [Math.cos(time), Math.sin(time), 0][k]),
    };
  };
  const channels = { basePosition: { array: 'p' }, baseLinearVelocity: { array: 'v', frame: 'world' } };

  it.each([48, 52])('of a clock that is 4 %% off is told: %d Hz taken for 50', (rate_hz) => {
    // The joints of a walk are too fast for Simpson's rule, and off by other amounts in the same direction.
    const joints = driven();
    const jointVelocity = scaledBy(joints.jointVelocity, rate_hz > 50 ? 1.08 : 0.93);
    const columns = { ...circle(rate_hz), jointPosition: joints.jointPosition, jointVelocity };
    const [finding] = timeFindings(inputOf(columns, mapWith(channels)));
    expect(finding).toMatchObject({ kind: 'clock', severity: 'warning' });
    expect(finding.message).toMatch(`${((rate_hz / 50 - 1) * 100).toFixed(1)} % off`);
    expect(timeFindings(inputOf({ ...circle(50) }, mapWith(channels)))).toEqual([]);
  });

  it("that is the map's word alone is told", () => {
    const map = mapWith({}, { time: { rate_hz: 50 } });
    const { jointPosition } = driven();
    expect(timeFindings(inputOf({ jointPosition }, map))).toMatchObject([{ kind: 'assumed-rate', severity: 'info' }]);
    expect(timeFindings(inputOf(circle(50), mapWith(channels, { time: { rate_hz: 50 } })))).toEqual([]);
  });

  const csv = (step: number, unit?: string) => {
    const path = join(temporaryFolder(), 'clock.csv');
    const rows = Array.from({ length: 60 }, (_, frame) => `${frame * step},${Math.sin(frame / 10)},0.1`);
    writeFileSync(path, `t,q_left_joint,q_right_joint\n${rows.join('\n')}\n`);
    const map = {
      format: 'csv',
      kind: 'rollout',
      source: 'clock',
      time: { column: 't', ...(unit === undefined ? {} : { unit }) },
      joints: { names: { header: 'q_{joint}' } },
      channels: { jointPosition: { perJoint: 'q_{joint}' } },
    };
    return { path, map };
  };

  it.each([
    ['ms', 20, undefined],
    ['ns', 2e7, 's'],
    ['s', 0.02, 'ms'],
    ['us', 2e4, 'ns'],
  ])('in %s is mended where its stamps are %f apart and the map says %s', async (right, step, unit) => {
    const { path, map } = csv(step, unit);
    const { settings, refused, map: mended } = await mendMap(path, map, TINY_ROBOT, 50);
    expect([refused, settings]).toEqual([undefined, [`time.unit=${right}`]]);
    const [episode] = await readMappedInput(path, { map: parseFieldMap(mended, 'm'), robot: TINY_ROBOT, rate_hz: 50 });
    expect(episode.frameCount).toBe(60);
  });

  it('of a map is taken away by null, so that another can be set', async () => {
    const map = await loadFieldMap('t1-playground-npz', ['time.rate_hz=50', 'time.rateArray=null']);
    expect(map.time).toMatchObject({ rate_hz: 50 });
    expect(map.time.rateArray).toBeUndefined();
  });

  it('of an episode without joints is no use, which is told', async () => {
    const { path, map } = csv(0.02);
    const command = { ...map, channels: { command: { columns: ['q_left_joint', 'q_right_joint', 't'] } } };
    const [{ findings }] = await readMappedInput(path, {
      map: parseFieldMap(command, 'm'),
      robot: TINY_ROBOT,
      rate_hz: 50,
    });
    expect(findings.map(({ kind }) => kind)).toEqual(['no-joints']);
  });
});

describe('joints that a map lists', () => {
  const LEGS = ['hip_pitch', 'hip_roll', 'hip_yaw', 'knee', 'ankle_pitch', 'ankle_roll'];
  const sided = (names: readonly string[], sides = ['left', 'right']) =>
    sides.flatMap((side) => names.map((name) => `${side}_${name}_joint`));

  /** A squat with flat feet, as an IMU and twelve motors would tell it: no base position. */
  function squat(robot: RobotModel): string {
    const lines = Array.from({ length: 60 }, (_, frame) => {
      const bend = 0.6 + 0.2 * Math.sin(frame / 10);
      const rate = 0.2 * 5 * Math.cos(frame / 10);
      const motor_state = sided(LEGS).map((name) => {
        const share = /knee/.test(name) ? 1 : /pitch/.test(name) ? -0.5 : 0;
        return { q: share * bend, dq: share * rate, tau_est: 0 };
      });
      const imu_state = { quaternion: [1, 0, 0, 0], gyroscope: [0, 0, 0] };
      return JSON.stringify({ stamp_ns: frame * 2e7, lowstate: { imu_state, motor_state } });
    });
    const path = join(temporaryFolder(), `${robot.name}.jsonl`);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  }

  it.each([
    ['reversed', sided(LEGS).reverse()],
    ['yaw first', sided(['hip_yaw', 'hip_roll', 'hip_pitch', 'knee', 'ankle_pitch', 'ankle_roll'])],
    ['side by side', LEGS.flatMap((name) => sided([name]))],
  ])('%s are found out by the foot it stands on, and put right', async (_, list) => {
    const { robot } = await loadRobot('g1');
    const path = squat(robot);
    const right = await loadFieldMap('unitree-lowstate-jsonl');
    const [episode] = await readMappedInput(path, { map: right, robot, rate_hz: 50 });
    expect(episode.findings.map(({ kind }) => kind)).toEqual(['held-joints']);
    const wrong = await loadFieldMap('unitree-lowstate-jsonl', [`joints.names.list=[${list.join(',')}]`]);
    await expect(readMappedInput(path, { map: wrong, robot, rate_hz: 50 })).rejects.toThrow(
      /joints are in the model's order, not in the order of joints\.names\.list/,
    );
    const { settings, refused } = await mendMap(path, wrong, robot, 50);
    expect([refused, settings]).toEqual([undefined, [`joints.names.list=[${sided(LEGS).join(',')}]`]]);
  });
});
