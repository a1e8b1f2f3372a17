// Field maps: the ready ones are in order, and every mistake is told with its key and what to do.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { fieldMapNames, loadFieldMap } from '../../ingest/field-map.js';
import { temporaryFolder } from '../dataset/helpers.js';

const GOOD = {
  format: 'csv',
  kind: 'rollout',
  source: 'mine',
  time: { column: 't' },
  joints: { names: { header: 'q_{joint}' } },
  channels: {
    jointPosition: { perJoint: 'q_{joint}', unit: 'deg' },
    baseQuaternion: { columns: ['a', 'b', 'c', 'd'], order: 'xyzw' },
    action: { perJoint: 'a_{joint}', meaning: 'scaled', scale: 0.25 },
  } as Record<string, object | string>,
};

async function load(map: object, settings: string[] = []) {
  const path = join(temporaryFolder(), 'map.yaml');
  writeFileSync(path, stringify(map));
  return loadFieldMap(path, settings);
}

const withChannel = (name: string, field: object | string) => ({
  ...GOOD,
  channels: { ...GOOD.channels, [name]: field },
});

describe('field maps', () => {
  it('in configs/ingest are in order', async () => {
    const names = await fieldMapNames();
    expect(names.length).toBeGreaterThanOrEqual(6);
    for (const name of names) expect((await loadFieldMap(name)).source, name).toMatch(/\w/);
    await expect(loadFieldMap('t1-playground-nzp')).rejects.toThrow(/no such field map.*"t1-playground-npz"/);
  });

  it('take settings over the file', async () => {
    const map = await load(GOOD, ['source=yours', 'channels.jointPosition.unit=rad']);
    expect(map.source).toBe('yours');
    expect(map.channels.jointPosition!.unit).toBe('rad');
  });

  it.each([
    ['an unknown key', { ...GOOD, sorce: 'x' }, /map.yaml: sorce: unknown key. Did you mean "source"\?/],
    ['an unknown channel', withChannel('jointPositions', {}), /channels.jointPositions: unknown key.*"jointPosition"/],
    [
      'an unknown key of a field',
      withChannel('torque', { columms: ['a'] }),
      /channels.torque.columms: unknown key.*"columns"/,
    ],
    [
      'a quaternion without order',
      withChannel('baseQuaternion', { columns: ['a', 'b', 'c', 'd'] }),
      /baseQuaternion.order/,
    ],
    [
      'a velocity without frame',
      withChannel('baseLinearVelocity', { columns: ['a', 'b', 'c'] }),
      /baseLinearVelocity.frame/,
    ],
    [
      'an unknown unit',
      withChannel('jointVelocity', { perJoint: 'v_{joint}', unit: 'degs/s' }),
      /jointVelocity: unit: expected one of rad\/s, deg\/s, rpm, found degs\/s. Did you mean "deg\/s"/,
    ],
    [
      'no place',
      withChannel('torque', { unit: 'N m' }),
      /channels.torque: where the numbers are in a csv file: expected one of columns, perJoint, found none/,
    ],
    ['a place of another format', withChannel('torque', { array: 'tau' }), /channels.torque: .*found array/],
    [
      'perJoint for a base channel',
      withChannel('command', { perJoint: 'c_{joint}' }),
      /channels.command: perJoint is for joint channels/,
    ],
    ['a pattern without joint', withChannel('torque', { perJoint: 'tau' }), /expected \{joint\} once/],
    ['no time', { ...GOOD, time: {} }, /time: time: expected one of rate_hz, column, found none/],
    ['two times', { ...GOOD, time: { column: 't', rate_hz: 50 } }, /found rate_hz, column/],
    [
      'an unknown time unit',
      { ...GOOD, time: { column: 't', unit: 'sec' } },
      /time: unit: expected one of s, ms, us, ns/,
    ],
    [
      'names of another format',
      { ...GOOD, joints: { names: { array: 'names' } } },
      /joints.names: joint names: expected one of list, robot, header/,
    ],
    [
      'a scale without meaning',
      withChannel('action', { perJoint: 'a_{joint}', meaning: 'offset', scale: 2 }),
      /action.scale: scale of an action that is offset/,
    ],
    ['scaled without a scale', withChannel('action', { perJoint: 'a_{joint}', meaning: 'scaled' }), /action.scale/],
    [
      'an absolute action with default',
      withChannel('action', { perJoint: 'a_{joint}', meaning: 'absolute', default: 0 }),
      /action.default/,
    ],
    [
      'an action of a controller',
      { ...GOOD, kind: 'controller' },
      /channels.action: data of kind controller has no action/,
    ],
    ['an executed action alone', { ...GOOD, channels: { executedAction: 'same' } }, /"same" without an action/],
    [
      'a table that is not there',
      withChannel('torque', { perJoint: 'x_{joint}', table: 'joints' }),
      /torque: table: expected one of none, found joints/,
    ],
    [
      'a table left open',
      { ...GOOD, tables: { a: 'a.csv', b: 'b.csv' } },
      /jointPosition: table: expected one of a, b, found none/,
    ],
    ['a slice beside a header', withChannel('torque', { slice: [0, 2] }), /torque: slice/],
  ])('tell %s', async (_, map, message) => {
    await expect(load(map)).rejects.toThrow(message);
  });

  it('tell everything at once', async () => {
    const map = { ...GOOD, time: {}, joints: { names: {} }, channels: { torque: { columns: ['a'], unit: 'lb' } } };
    await expect(load(map)).rejects.toThrow(/torque: unit[\s\S]*time[\s\S]*joints.names/);
  });
});
