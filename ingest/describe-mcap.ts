// What is in an MCAP file or a ROS 2 bag: its topics, and the numbers in the messages of each.

import type { FieldMap } from './field-map.js';
import { type McapMessage, readMcap } from './readers/mcap.js';
import { type Decoder, decoderOf } from './readers/mcap-messages.js';
import { mcapFilesOf } from './readers/ros2-bag.js';
import { parsePath, valueAt } from './readers/value-path.js';
import { type RawField, sideBySide } from './recording.js';
import { SAMPLE_ROWS, type SourceDescription, type SourceField } from './source-description.js';
import { putOnOneClock } from './topic-clock.js';
import { type ClockOrigin, TopicCollector, type TopicRows } from './topic-rows.js';

/** Bytes of messages that are looked at: enough for a sample of every topic, however large the file. */
const MOST_BYTES = 256 * 1024 * 1024;
const STAMP_PATHS = ['header.stamp', 'timestamp', 'stamp', 'time'] as const;

/** @throws DataError where it is no MCAP file, or a bag in SQLite */
export async function describeMcap(path: string): Promise<SourceDescription> {
  const files = await mcapFilesOf(path);
  const topics = new Map<string, Topic>();
  const origin: ClockOrigin = {};
  const facts: string[] = [];
  const problems: string[] = [];
  let bytes = 0;
  for (const file of files) {
    const found = await readMcap(file, (message) => {
      look(message, file, topics, origin);
      bytes += message.data.length;
      return bytes < MOST_BYTES;
    });
    problems.push(...found.map((problem) => `${file} ${problem}`));
  }
  facts.push(...problems);
  if (bytes >= MOST_BYTES) facts.push(`counts are those of the first ${MOST_BYTES / 1024 / 1024} MB`);
  const named = nameTables([...topics.values()]);
  const fields = named.flatMap(([table, topic]) => fieldsOf(table, topic, origin));
  const stamped = named.filter(([, { stampPath }]) => stampPath !== undefined);
  const time = { path: stamped[0]?.[1].stampPath ?? 'log_time' };
  facts.push(...named.map(([table, topic]) => factOf(table, topic)));
  const tables = named.filter(([table]) => fields.some(({ clock }) => clock === table));
  return {
    format: 'mcap',
    mapKeys: { tables: Object.fromEntries(tables.map(([table, { name }]) => [table, name])) },
    fields,
    time,
    ...jointsOf(named),
    recordingCount: 1,
    ...(problems.length > 0 ? { problems } : {}),
    facts,
  };
}

interface Topic {
  readonly name: string;
  readonly type: string;
  readonly decode: Decoder | undefined;
  /** Why its messages cannot be read. */
  readonly problem?: string;
  first?: unknown;
  stampPath?: string;
  collector?: TopicCollector;
  paths: readonly NumberPath[];
  count: number;
}

/** A list of numbers, or the numbers of one object (`x`, `y`, `z`). */
interface NumberPath {
  readonly name: string;
  readonly paths: readonly string[];
  readonly columns?: readonly string[];
}

function look(
  { channel, data, logTime_ns }: McapMessage,
  file: string,
  topics: Map<string, Topic>,
  origin: ClockOrigin,
) {
  let topic = topics.get(channel.topic);
  if (topic === undefined) {
    topic = { name: channel.topic, type: channel.schemaName, count: 0, paths: [], ...tryDecoder(channel, file) };
    topics.set(channel.topic, topic);
  }
  topic.count++;
  if (topic.decode === undefined || topic.count > SAMPLE_ROWS) return;
  try {
    const message = topic.decode(data);
    if (topic.collector === undefined) start(topic, message, file, origin);
    topic.collector!.add(message, logTime_ns);
  } catch {
    // Messages of changing shape: what the first ones have is described.
  }
}

function tryDecoder(channel: McapMessage['channel'], file: string): { decode: Decoder | undefined; problem?: string } {
  try {
    return { decode: decoderOf(channel, file) };
  } catch (error) {
    return { decode: undefined, problem: (error as Error).message.replace(`${file}: ${channel.topic}: `, '') };
  }
}

function start(topic: Topic, message: unknown, file: string, origin: ClockOrigin): void {
  topic.first = message;
  topic.stampPath = STAMP_PATHS.find((path) => valueAt(message, parsePath(path, file)) !== undefined);
  const isStamp = (name: string) => topic.stampPath !== undefined && `${name}.`.startsWith(`${topic.stampPath}.`);
  topic.paths = numberPaths(message, '').filter(({ name }) => !isStamp(name));
  const paths = topic.paths.flatMap(({ paths: texts }) => texts.map((text) => ({ text, isPerJoint: false })));
  const { stampPath } = topic;
  topic.collector = new TopicCollector(file, topic.name, paths, origin, stampPath === undefined ? {} : { stampPath });
}

/** Paths to lists of numbers and to the numbers of an object; what is under an index of an array is gone over by []. */
function numberPaths(value: unknown, path: string): NumberPath[] {
  if (isNumber(value)) return path === '' ? [] : [{ name: path, paths: [path] }];
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return [{ name: path, paths: [path] }];
  if (Array.isArray(value)) {
    if (value.length === 0 || path === '') return [];
    if (value.every(isNumber)) return [{ name: path, paths: [path] }];
    return typeof value[0] === 'object' ? numberPaths(value[0], `${path}[]`) : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  const entries = Object.entries(value).filter(([key]) => !/[.[\]]/.test(key));
  const inner = (key: string) => (path === '' ? key : `${path}.${key}`);
  const own = entries.filter(([, part]) => isNumber(part)).map(([key]) => key);
  const isVector =
    own.length > 1 && own.length <= 4 && own.every((key) => /^[xyzw]$/.test(key)) && !path.includes('[]');
  const vector = isVector ? [{ name: path, paths: own.map(inner), columns: own }] : [];
  const rest = isVector ? entries.filter(([key]) => !own.includes(key)) : entries;
  return [...vector, ...rest.flatMap(([key, part]) => numberPaths(part, inner(key)))];
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint';
}

/** A short name for each topic: its last part, or more of it where two topics end alike. */
function nameTables(topics: readonly Topic[]): [string, Topic][] {
  const short = (name: string, parts: number) =>
    name.split('/').filter(Boolean).slice(-parts).join('_').replace(/\W/g, '_');
  return topics.map((topic) => {
    const isAlone = topics.filter(({ name }) => short(name, 1) === short(topic.name, 1)).length === 1;
    return [short(topic.name, isAlone ? 1 : 9) || 'topic', topic];
  });
}

function fieldsOf(table: string, topic: Topic, origin: ClockOrigin): SourceField[] {
  const rows = topic.collector?.finish();
  if (rows === undefined || origin.log_ns === undefined) return [];
  return topic.paths.map(({ name, paths, columns }): SourceField => {
    const sample = sampleOf(rows, paths);
    const selector: FieldMap['channels']['command'] =
      paths.length > 1 ? { table, columns: [...paths] } : { table, path: name };
    const shape = `${topic.count} x ${sample?.width ?? 0}`;
    return {
      name: `${topic.name} ${name}`,
      shape,
      type: topic.type || 'number',
      clock: table,
      ...(sample === undefined ? { value: 'empty' } : { selector, sample }),
      ...(columns === undefined ? {} : { columns }),
    };
  });
}

function sampleOf({ values }: TopicRows, paths: readonly string[]): RawField | undefined {
  const parts = paths.map((path) => values.get(path)).filter((part) => part !== undefined);
  return parts.length === paths.length ? sideBySide(parts) : undefined;
}

function factOf(table: string, { name, type, count, problem, collector }: Topic): string {
  const rows = collector?.finish();
  const rate = rows === undefined || rows.rowCount < 2 ? '' : `, ${rateOf(rows).toFixed(1)} a second`;
  const told = problem === undefined ? '' : `: not read, ${problem}`;
  return `${name} (${type || 'no type'}) as table ${table}: ${count} messages${rate}${told}`;
}

function rateOf(rows: TopicRows): number {
  const [{ time_s }] = putOnOneClock([rows], true);
  return (rows.rowCount - 1) / (time_s[time_s.length - 1] - time_s[0]);
}

/** Names of joints in the messages of a topic, as sensor_msgs/JointState has them. */
function jointsOf(named: readonly [string, Topic][]): Pick<SourceDescription, 'joints'> {
  for (const [table, { first }] of named) {
    if (typeof first !== 'object' || first === null) continue;
    for (const key of ['name', 'names', 'joint_names']) {
      const names = (first as Record<string, unknown>)[key];
      if (!Array.isArray(names) || names.length < 2 || !names.every((name) => typeof name === 'string')) continue;
      return { joints: { names: names as string[], selector: { array: key, table } } };
    }
  }
  return {};
}
