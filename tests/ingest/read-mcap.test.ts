// MCAP and ROS 2 bags. walk-cdr.mcap and walk-protobuf.mcap were put together by fixtures/make_mcap.py from the formats'
// specifications, with zstandard, lz4 and google.protobuf; small JSON files are written here by @mcap/core.

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { McapWriter } from '@mcap/core';
import { describe, expect, it } from 'vitest';
import { type FieldMap, loadFieldMap, parseFieldMap } from '../../ingest/field-map.js';
import { describeSource } from '../../ingest/formats.js';
import { guessMap } from '../../ingest/guess-map.js';
import { readMcapInput } from '../../ingest/read-mcap.js';
import { decodeLz4Frames } from '../../ingest/readers/lz4-frame.js';
import { isUserError } from '../../src/base/errors.js';
import { temporaryFolder } from '../dataset/helpers.js';
import { TINY_ROBOT } from '../fixtures.js';
import { readMappedInput } from './read-mapped-input.js';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const CDR = join(FIXTURES, 'walk-cdr.mcap');
const PROTOBUF = join(FIXTURES, 'walk-protobuf.mcap');

const WALK = await loadFieldMap('ros2-walk');
const mapOf = (tree: object): FieldMap => parseFieldMap(tree, 'test map');
const read = async (path: string, map: FieldMap = WALK) =>
  (await readMappedInput(path, { map, robot: TINY_ROBOT, rate_hz: 50 }))[0];
const messageOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing was thrown',
    (error: Error) => error.message,
  );

const JOINTS = {
  format: 'mcap',
  kind: 'controller',
  source: 'log',
  tables: { joints: '/joint_states' },
  time: { path: 'header.stamp' },
  joints: { names: { array: 'name' } },
  channels: { jointPosition: { table: 'joints', path: 'position' } },
};

interface TestMessage {
  readonly topic: string;
  readonly log_s: number;
  readonly data: object;
}

/** Writes JSON messages as a chunked MCAP file. */
async function writeMcap(
  messages: readonly TestMessage[],
  path = join(temporaryFolder(), 'log.mcap'),
): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0n;
  const writable = {
    position: () => length,
    write: async (bytes: Uint8Array) => {
      parts.push(bytes.slice());
      length += BigInt(bytes.length);
    },
  };
  const writer = new McapWriter({ writable, chunkSize: 4096 });
  await writer.start({ profile: '', library: 'test' });
  const channels = new Map<string, number>();
  for (const [sequence, { topic, log_s, data }] of messages.entries()) {
    let channelId = channels.get(topic);
    if (channelId === undefined) {
      channelId = await writer.registerChannel({ schemaId: 0, topic, messageEncoding: 'json', metadata: new Map() });
      channels.set(topic, channelId);
    }
    const time = BigInt(Math.round(log_s * 1e9));
    const bytes = new TextEncoder().encode(JSON.stringify(data));
    await writer.addMessage({ channelId, sequence, logTime: time, publishTime: time, data: bytes });
  }
  await writer.end();
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

const swing = (t: number) => [0.4 * Math.sin(3 * t), -0.3 * Math.cos(2 * t)];
function jointMessages(count: number, extra: (k: number) => object = () => ({})): TestMessage[] {
  return Array.from({ length: count }, (_, k) => ({
    topic: '/joint_states',
    log_s: 100 + k / 50,
    data: {
      header: { stamp: { sec: 5, nanosec: k * 20_000_000 } },
      name: ['left_joint', 'right_joint'],
      position: swing(k / 50),
      ...extra(k),
    },
  }));
}

describe('a bag of CDR messages', () => {
  it('joins four topics on one clock', async () => {
    const { channels, frameCount, findings } = await read(CDR);
    // 1.2 s, which joints, IMU and odometry cover.
    expect(frameCount).toBe(61);
    for (let frame = 0; frame < frameCount; frame++) {
      const t = frame / 50;
      const row = (name: keyof typeof channels) => {
        const { data, width } = channels[name]!;
        return [...data.subarray(frame * width, (frame + 1) * width)];
      };
      const near = (found: number[], expected: number[]) => {
        // float32, and stamps that are rounded to nanoseconds.
        found.forEach((value, k) => {
          expect(value, `${frame}: ${found} for ${expected}`).toBeCloseTo(expected[k], 6);
        });
      };
      near(row('jointPosition'), swing(t));
      near(row('jointVelocity'), [1.2 * Math.cos(3 * t), 0.6 * Math.sin(2 * t)]);
      near(row('torque'), [2 * t, -t]);
      near(row('basePosition'), [0.5 * t, 0, 0.7]);
      near(row('baseQuaternion'), [Math.cos(t / 4), 0, 0, Math.sin(t / 4)]);
      near(row('baseAngularVelocity'), [0, 0, 0.5]);
      near(row('baseLinearVelocity'), [0.5 * Math.cos(t / 2), -0.5 * Math.sin(t / 2), 0]);
      // Commanded from 0.2 s on and for the last time at 0.8 s, which counts 0.2 s longer.
      const isCommanded = frame >= 10 && frame <= 50;
      expect(channels.command!.valid![frame], `command in frame ${frame}`).toBe(isCommanded ? 1 : 0);
      if (isCommanded) near(row('command'), t < 0.6 - 1e-9 ? [0.5, 0, 0.5] : [0.25, 0, 0]);
    }
    const told = findings.map(({ kind, message }) => `${kind}: ${message}`).join('\n');
    expect(told).toMatch(/clock: stamps of \/odom are of another clock/);
    expect(told).toMatch(/clock: \/cmd_vel has no stamps/);
    expect(told).toMatch(/other-joints: 6 messages of \/joint_states name other joints/);
  });

  it('is the same from a bag that is split over two files', async () => {
    const bag = join(temporaryFolder(), 'walk');
    mkdirSync(bag);
    copyFileSync(CDR, join(bag, 'walk_0.mcap'));
    const end = await writeMcap([{ topic: '/other', log_s: 1, data: {} }], join(bag, 'walk_1.mcap'));
    expect(existsSync(end)).toBe(true);
    const metadata = (storage: string) => `rosbag2_bagfile_information:
  version: 5
  storage_identifier: ${storage}
  relative_file_paths: [walk_0.mcap, walk_1.mcap]
  compression_mode: ""
`;
    writeFileSync(join(bag, 'metadata.yaml'), metadata('mcap'));
    expect((await read(bag)).channels).toEqual((await read(CDR)).channels);
    expect((await describeSource(bag)).format).toBe('mcap');
    writeFileSync(join(bag, 'metadata.yaml'), metadata('sqlite3'));
    expect(await messageOf(read(bag))).toMatch(/in SQLite: expected MCAP.*ros2 bag convert -i .*walk -o convert.yaml/s);
    writeFileSync(join(bag, 'walk_0.db3'), 'SQLite format 3');
    expect(await messageOf(describeSource(join(bag, 'walk_0.db3')))).toMatch(/ros2 bag convert/);
  });

  it('tells its topics, numbers and joints', async () => {
    const description = await describeSource(CDR);
    const { fields, joints, time, mapKeys, facts } = description;
    expect(mapKeys).toEqual({
      tables: { joint_states: '/joint_states', data: '/imu/data', odom: '/odom', cmd_vel: '/cmd_vel' },
    });
    expect(time).toEqual({ path: 'header.stamp' });
    expect(joints).toEqual({
      names: ['right_joint', 'left_joint'],
      selector: { array: 'name', table: 'joint_states' },
    });
    const orientation = fields.find(({ name }) => name === '/imu/data orientation')!;
    expect(orientation.selector).toEqual({
      table: 'data',
      columns: ['orientation.x', 'orientation.y', 'orientation.z', 'orientation.w'],
    });
    expect([...orientation.sample!.data.subarray(0, 4)]).toEqual([0, 0, 0, 1]);
    expect(facts).toContain('/odom (nav_msgs/msg/Odometry) as table odom: 61 messages, 50.0 a second');
    const { channels } = guessMap(description, { source: 'bag' }).map as { channels: FieldMap['channels'] };
    expect(channels.command!.columns).toEqual(['linear.x', 'linear.y', 'angular.z']);
    // REP 105: the twist of an odometry message is in the frame of the base.
    expect(channels.baseLinearVelocity!.frame).toBe('base');
  });
});

describe('Protobuf messages in LZ4 chunks', () => {
  it('are read by the descriptors in the file', async () => {
    const map = mapOf({
      ...JOINTS,
      tables: { state: '/state' },
      time: { path: 'timestamp' },
      joints: { names: { array: 'joint_name' } },
      channels: {
        jointPosition: { path: 'joint_position' },
        baseAngularVelocity: { columns: ['gyro.x', 'gyro.y', 'gyro.z'], frame: 'base' },
      },
    });
    const { channels, frameCount } = await read(PROTOBUF, map);
    expect(frameCount).toBe(61);
    for (let frame = 0; frame < frameCount; frame++) {
      swing(frame / 50).forEach((expected, joint) => {
        expect(channels.jointPosition!.data[frame * 2 + joint]).toBeCloseTo(expected, 6);
      });
    }
    expect([...channels.baseAngularVelocity!.data.subarray(0, 3)]).toEqual([0, 0, 0.5]);
    expect((await describeSource(PROTOBUF)).time).toEqual({ path: 'timestamp' });
  });

  it('decodes linked and stored blocks as lz4 wrote them', () => {
    const frame = readFileSync(join(FIXTURES, 'linked.lz4'));
    const plain = decodeLz4Frames(frame, 306_000);
    const digest = createHash('sha256').update(plain).digest('hex');
    expect(digest).toBe('017f10c1a61626217a9ff824b49501201cf562ea2ad67189748d8ed9796a8e30');
    expect(decodeLz4Frames(frame.subarray(0, 60_000), 306_000, true)).toHaveLength(0);
    const most = decodeLz4Frames(frame.subarray(0, 66_300), 306_000, true);
    expect(most.length).toBeGreaterThan(65_536);
    expect(Buffer.compare(most, plain.subarray(0, most.length))).toBe(0);
    expect(() => decodeLz4Frames(frame.subarray(0, 66_300), 306_000)).toThrow(/cut short/);
    expect(() => decodeLz4Frames(frame, 305_999)).toThrow(/more data/);
    expect(() => decodeLz4Frames(frame, 1e12)).toThrow(RangeError);
  });
});

describe('messages as they come', () => {
  it('prefers stamps to times of logging, which jitter', async () => {
    const messages = jointMessages(50).map((message, k) => ({
      ...message,
      log_s: message.log_s + ((k * 7) % 5) / 1000,
    }));
    const { channels, findings } = await read(await writeMcap(messages), mapOf(JOINTS));
    const still = jointMessages(50).flatMap(({ data }) => (data as { position: number[] }).position);
    expect([...channels.jointPosition!.data]).toEqual(still.map(Math.fround));
    expect(findings).toEqual([]);
    const logged = await read(await writeMcap(messages), mapOf({ ...JOINTS, time: { path: 'log_time' } }));
    expect([...logged.channels.jointPosition!.data]).not.toEqual(still.map(Math.fround));
  });

  it('puts messages in order, and leaves a clock that jumps back to be refused', async () => {
    const messages = jointMessages(50);
    const swapped = [...messages.slice(0, 20), messages[21], messages[20], ...messages.slice(22)];
    const { channels, findings } = await read(await writeMcap(swapped), mapOf(JOINTS));
    expect(findings).toMatchObject([{ kind: 'order', message: expect.stringMatching(/^1 messages/) }]);
    expect(channels).toEqual((await read(await writeMcap(messages), mapOf(JOINTS))).channels);
    const twice = [...jointMessages(60), ...jointMessages(60)];
    expect(await messageOf(read(await writeMcap(twice), mapOf(JOINTS)))).toMatch(/time goes backwards/);
  });

  it('leaves out what is empty in every message', async () => {
    const map = mapOf({ ...JOINTS, channels: { ...JOINTS.channels, torque: { path: 'effort' } } });
    const path = await writeMcap(jointMessages(50, () => ({ effort: [] })));
    const { channels, findings } = await read(path, map);
    expect(channels.torque).toBeUndefined();
    expect(findings).toMatchObject([{ kind: 'empty-field', severity: 'info' }]);
    const sometimes = await writeMcap(jointMessages(50, (k) => ({ effort: k < 10 ? [] : [1, 2] })));
    const { channels: some } = await read(sometimes, map);
    expect([...some.torque!.valid!.subarray(8, 12)]).toEqual([0, 0, 1, 1]);
  });

  it('holds a command as long as the map says', async () => {
    const command = { topic: '/cmd_vel', log_s: 100.2, data: { vx: 0.5, vy: 0, wz: 0.1 } };
    const path = await writeMcap([...jointMessages(50), command]);
    const map = (more: object) =>
      mapOf({
        ...JOINTS,
        tables: { ...JOINTS.tables, command: '/cmd_vel' },
        channels: { ...JOINTS.channels, command: { table: 'command', columns: ['vx', 'vy', 'wz'], ...more } },
      });
    const count = async (more: object) => {
      const { valid } = (await read(path, map(more))).channels.command!;
      return valid!.reduce((sum, value) => sum + value, 0);
    };
    // At 50 Hz from frame 10 on: to the end, or 0.2 s.
    expect(await count({ hold_s: 60 })).toBe(40);
    expect(await count({})).toBe(11);
    // A topic of commands that nobody published is no reason to refuse a log.
    const without = await read(await writeMcap(jointMessages(50)), map({}));
    expect(without.findings).toMatchObject([{ kind: 'no-messages' }]);
  });

  it.each([
    [
      'a topic that is not there',
      { tables: { joints: '/joint_state' } },
      /no message of \/joint_state.*Did you mean "\/joint_states"\?/,
    ],
    [
      'a path that is not there',
      { channels: { jointPosition: { path: 'positions' } } },
      /message 0: path "positions".*"position"/,
    ],
    [
      'a map without topics',
      { tables: undefined, channels: { jointPosition: { path: 'position' } } },
      /topics: expected at least one/,
    ],
    [
      'a width that does not fit',
      { channels: { command: { path: 'position' } } },
      /width of command: expected 3, found 2/,
    ],
  ])('refuses %s', async (_, change, expected) => {
    expect(await messageOf(read(await writeMcap(jointMessages(5)), mapOf({ ...JOINTS, ...change })))).toMatch(expected);
  });

  it('refuses messages that change, naming the first one', async () => {
    const path = await writeMcap(jointMessages(50, (k) => (k === 7 ? { position: [1, 2, 3] } : {})));
    expect(await messageOf(read(path, mapOf(JOINTS)))).toMatch(/joint_states message 7: .*expected 2, found 3/);
  });
});

describe('files that are not whole', () => {
  it('gives what was written before a crash, at every length', async () => {
    const whole = await read(CDR);
    const bytes = readFileSync(CDR);
    let most = 0;
    for (const share of [0.25, 0.5, 0.75, 0.9, 0.99]) {
      const path = join(temporaryFolder(), 'cut.mcap');
      writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length * share)));
      const { frameCount, channels, findings } = await read(path);
      expect(findings.find(({ kind }) => kind === 'damaged-file')?.message).toMatch(/ends in the middle/);
      expect(frameCount).toBeGreaterThanOrEqual(most);
      most = frameCount;
      const position = channels.jointPosition!.data;
      expect(position).toEqual(whole.channels.jointPosition!.data.subarray(0, position.length));
    }
    expect(most).toBeGreaterThan(50);
  });

  it('takes whole messages out of a chunk that was being written', async () => {
    const path = await writeMcap(jointMessages(200));
    const bytes = readFileSync(path);
    const counts = [1000, 1100, 1200, 1300].map(async (length) => {
      const cut = join(temporaryFolder(), 'cut.mcap');
      // All of it within the first chunk of 4 kB.
      writeFileSync(cut, bytes.subarray(0, length));
      return (await read(cut, mapOf(JOINTS))).frameCount;
    });
    const [first, , , last] = await Promise.all(counts);
    expect(first).toBeGreaterThan(2);
    expect(last).toBeGreaterThan(first);
  });

  it('leaves out a damaged chunk and reads on behind it', async () => {
    const bytes = readFileSync(await writeMcap(jointMessages(200)));
    const path = join(temporaryFolder(), 'damaged.mcap');
    bytes[6000] ^= 0xff;
    writeFileSync(path, bytes);
    const { frameCount, findings } = await read(path, mapOf(JOINTS));
    expect(frameCount).toBe(200);
    expect(findings.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['damaged-file', 'gap']));
  });

  it('never falls over a changed byte', async () => {
    const bytes = readFileSync(CDR);
    for (let at = 0; at < bytes.length; at += 499) {
      const path = join(temporaryFolder(), 'spoilt.mcap');
      const spoilt = Buffer.from(bytes);
      spoilt[at] ^= 0xff;
      writeFileSync(path, spoilt);
      const result = await readMcapInput(path, WALK, TINY_ROBOT).catch((error: unknown) => error);
      expect(isUserError(result) || (result as { files?: unknown }).files !== undefined, `byte ${at}: ${result}`).toBe(
        true,
      );
    }
  });

  it('refuses what is no MCAP file', async () => {
    const path = join(temporaryFolder(), 'not.mcap');
    for (const content of ['', 'abc', 'something else altogether', '\x89MCAP0\r\n']) {
      writeFileSync(path, content, 'latin1');
      expect(await messageOf(read(path))).toMatch(/not an MCAP file|no message of/);
    }
  });
});
