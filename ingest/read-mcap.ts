// An MCAP file or a ROS 2 bag as one recording: each table of the map is a topic, all of them on one clock.
//
// Messages are decoded one at a time; what stays is the numbers that the map asks for.

import { basename } from 'node:path';
import { DataError, listNames } from '../src/base/errors.js';
import { nearest } from '../src/base/nearest.js';
import type { ChannelName, Finding } from '../src/motion/episode.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { type FieldMap, type FieldRequest, fieldRequests } from './field-map.js';
import { joinHeld, type TopicPart } from './held-topics.js';
import { type McapMessage, readMcap } from './readers/mcap.js';
import { type Decoder, decoderOf } from './readers/mcap-messages.js';
import { mcapFilesOf } from './readers/ros2-bag.js';
import {
  type RawField,
  type RawInput,
  requireWidth,
  robotJointNames,
  sideBySide,
  sliceField,
  uniformTimes,
} from './recording.js';
import { type ClockedTopic, putOnOneClock } from './topic-clock.js';
import { type ClockOrigin, TopicCollector, type TopicRows } from './topic-rows.js';
import { unitFactor } from './units.js';

/** Times of a message that are not in it, as `time.path` names them. */
const LOG_TIME = 'log_time';
const PUBLISH_TIME = 'publish_time';

/** Channels whose value counts until the next one. */
const HELD: ReadonlySet<FieldRequest['key']> = new Set<ChannelName>([
  'command',
  'action',
  'executedAction',
  'footContact',
]);

/** @throws DataError naming file, topic and message for what does not fit the map */
export async function readMcapInput(path: string, map: FieldMap, robot: RobotModel): Promise<RawInput> {
  const files = await mcapFilesOf(path);
  const tables = tablesOf(map);
  const origin: ClockOrigin = {};
  const collectors = tables.map((table) => collectorOf(path, table, map, origin));
  const collected = await collect(files, collectors, map);
  const present: { readonly table: TopicTable; readonly rows: TopicRows }[] = [];
  const findings = collected.problems.map((text): Finding => {
    return { kind: 'damaged-file', severity: 'warning', message: text };
  });
  tables.forEach((table, at) => {
    const rows = collectors[at].finish();
    if (rows !== undefined) present.push({ table, rows });
    else if (table.isHeld) findings.push(notice('no-messages', `no message of ${table.topic}`));
    else throw noMessages(path, table.topic, collected);
  });

  const jointNames = jointNamesOf(path, map, robot, present);
  const topics = present.map(({ rows }) => rows);
  const clocked = putOnOneClock(topics, stampPathOf(map) !== undefined).map((topic) => withRate(topic, map, path));
  const parts = present.map(({ table }, at): TopicPart => {
    const where = `${path}: ${table.topic}`;
    const read = fieldsOf(table, clocked[at].rows, jointNames, where);
    const all = [...(at === 0 ? findings : []), ...clocked[at].findings, ...read.findings];
    return {
      part: { where, time_s: clocked[at].time_s, fields: read.fields, findings: all },
      isHeld: table.isHeld,
      hold_s: Math.max(0, ...table.requests.map(({ field }) => field.hold_s ?? 0)),
    };
  });
  return { jointNames, recordings: [joinHeld(parts)], files };
}

/** A table of the map: a topic, and the fields that are in its messages. */
interface TopicTable {
  readonly topic: string;
  readonly requests: readonly FieldRequest[];
  /** Its messages name the joints. */
  readonly hasNames: boolean;
  /** Nothing in it but values that count until the next one. */
  readonly isHeld: boolean;
}

function tablesOf(map: FieldMap): TopicTable[] {
  const entries = Object.entries(map.tables ?? {});
  const where = 'field map: tables';
  if (entries.length === 0) {
    const fix = 'Give each topic a name, for instance tables: { joints: /joint_states }';
    throw new DataError({ where, what: 'topics', expected: 'at least one', found: 'none', fix });
  }
  const topics = entries.map(([, topic]) => topic);
  const twice = topics.find((topic, at) => topics.indexOf(topic) !== at);
  if (twice !== undefined) throw new DataError({ where, what: 'two tables of one topic', found: twice });
  const [first] = entries[0];
  const { array, table: namesTable = first } = map.joints.names;
  return entries
    .map(([name, topic]): TopicTable => {
      const requests = fieldRequests(map).filter(({ field }) => (field.table ?? first) === name);
      const hasNames = array !== undefined && namesTable === name;
      return { topic, requests, hasNames, isHeld: !hasNames && requests.every(({ key }) => HELD.has(key)) };
    })
    .filter(({ requests, hasNames }) => requests.length > 0 || hasNames);
}

function pathsOf({ field }: FieldRequest): readonly string[] {
  return field.columns ?? [field.path!];
}

/** Path of the stamp in a message; undefined where the map wants none of them. */
function stampPathOf({ time }: FieldMap): string | undefined {
  return time.path === LOG_TIME || time.path === PUBLISH_TIME ? undefined : time.path;
}

function collectorOf(path: string, table: TopicTable, map: FieldMap, origin: ClockOrigin): TopicCollector {
  const paths = new Map<string, boolean>();
  for (const request of table.requests) {
    const isPerJoint = request.width === 'joints' && request.field.columns === undefined;
    for (const text of pathsOf(request)) paths.set(text, isPerJoint && request.field.slice === undefined);
  }
  const all = [...paths].map(([text, isPerJoint]) => ({ text, isPerJoint }));
  const stampPath = stampPathOf(map);
  return new TopicCollector(path, table.topic, all, origin, {
    ...(stampPath === undefined
      ? {}
      : { stampPath, stampUnit_s: unitFactor('time', map.time.unit, 'field map: time') }),
    ...(table.hasNames ? { namesPath: map.joints.names.array } : {}),
  });
}

interface Collected {
  /** Topics of the files, and what their messages are. */
  readonly types: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
}

async function collect(
  files: readonly string[],
  collectors: readonly TopicCollector[],
  map: FieldMap,
): Promise<Collected> {
  const byTopic = new Map(collectors.map((collector) => [collector.topic, collector]));
  const types = new Map<string, string>();
  const problems: string[] = [];
  for (const file of files) {
    const decoders = new Map<McapMessage['channel'], Decoder>();
    const found = await readMcap(file, ({ channel, logTime_ns, publishTime_ns, data }) => {
      if (!types.has(channel.topic)) types.set(channel.topic, channel.schemaName || channel.messageEncoding);
      const collector = byTopic.get(channel.topic);
      if (collector === undefined) return true;
      let decode = decoders.get(channel);
      if (decode === undefined) {
        decode = decoderOf(channel, file);
        decoders.set(channel, decode);
      }
      const message = decodeMessage(decode, data, `${file}: ${channel.topic} message ${collector.messageCount}`);
      collector.add(message, map.time.path === PUBLISH_TIME ? publishTime_ns : logTime_ns);
      return true;
    });
    problems.push(
      ...found.map((problem) => (files.length > 1 ? `${basename(file)} ${problem}` : `the file ${problem}`)),
    );
  }
  return { types, problems };
}

function decodeMessage(decode: Decoder, data: Uint8Array, where: string): unknown {
  try {
    return decode(data);
  } catch (error) {
    const found = (error as Error).message;
    throw new DataError({ where, what: 'message does not fit its schema', found }, { cause: error });
  }
}

function noMessages(path: string, topic: string, { types, problems }: Collected): DataError {
  const topics = [...types.keys()];
  const near = nearest(topic, topics);
  const listed = `Its topics: ${listNames([...types].map(([name, type]) => `${name} (${type})`)) || 'none'}`;
  return new DataError({
    where: path,
    what: `no message of ${topic}`,
    ...(problems.length > 0 ? { found: problems.join('; ') } : {}),
    fix: near === undefined ? listed : `Did you mean "${near}"? ${listed}`,
  });
}

function jointNamesOf(
  path: string,
  { joints }: FieldMap,
  robot: RobotModel,
  present: readonly { readonly table: TopicTable; readonly rows: TopicRows }[],
): readonly string[] {
  const { list, robot: order, array } = joints.names;
  if (list !== undefined) return list;
  if (order !== undefined) return robotJointNames(order, robot);
  const named = present.find(({ table }) => table.hasNames)?.rows.names ?? [];
  if (named.length > 0) return named;
  throw new DataError({ where: path, what: 'joint names', expected: `names at "${array}"`, found: 'none' });
}

/** Messages at a rate that the map gives, whatever their stamps say; with several topics nothing would join them. */
function withRate(topic: ClockedTopic, { time, tables }: FieldMap, path: string): ClockedTopic {
  if (time.rate_hz === undefined) return topic;
  if (Object.keys(tables ?? {}).length === 1) {
    return { ...topic, time_s: uniformTimes(topic.rows.rowCount, time.rate_hz) };
  }
  throw new DataError({
    where: `${path} (field map: time.rate_hz)`,
    what: 'several topics at a given rate',
    fix: 'Give time.path',
  });
}

interface ReadFields {
  readonly fields: ReadonlyMap<FieldRequest['key'], RawField>;
  readonly findings: readonly Finding[];
}

function fieldsOf(table: TopicTable, rows: TopicRows, jointNames: readonly string[], where: string): ReadFields {
  const fields = new Map<FieldRequest['key'], RawField>();
  const findings: Finding[] = [];
  for (const request of table.requests) {
    const paths = pathsOf(request);
    const empty = paths.filter((path) => !rows.values.has(path));
    if (empty.length > 0) {
      findings.push(notice('empty-field', `${table.topic}: ${empty.join(', ')} is empty in every message`));
      continue;
    }
    const joined = sideBySide(paths.map((path) => rows.values.get(path)!));
    const field = sliceField(joined, request.field.slice, jointNames.length, `${where}: ${request.key}`);
    requireWidth(field, request, jointNames.length, `${where}: ${request.key}`);
    fields.set(request.key, field);
  }
  return { fields, findings };
}

function notice(kind: string, message: string): Finding {
  return { kind, severity: 'info', message };
}
