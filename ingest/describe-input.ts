// `--describe`: what is in a file (fields, shapes, types, ranges, guessed meaning), and a field map to start from.

import { basename, extname, resolve } from 'node:path';
import { Document, isCollection, visit } from 'yaml';
import type { SourceKind } from '../src/motion/episode.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { describeSource } from './formats.js';
import type { Guess } from './guess-fields.js';
import { guessMap } from './guess-map.js';
import { mendMap } from './mend-map.js';
import type { RawField } from './recording.js';
import type { SourceDescription, SourceField } from './source-description.js';

export interface DescribedField {
  readonly name: string;
  readonly shape: string;
  readonly type: string;
  /** Smallest and largest number of the sample; text or value of what is no array. */
  readonly range: string;
  /** What it is taken to be: `jointPosition (rad)`; empty where nothing is known. */
  readonly meaning: string;
}

export interface DescribedInput {
  readonly format: string;
  readonly recordings: number;
  readonly fields: readonly DescribedField[];
  readonly facts: readonly string[];
  readonly notes: readonly string[];
  /** The field map to start from, as YAML. */
  readonly yaml: string;
}

export interface DescribeOptions {
  /** The map is tested on the file, and mended by it, where the robot is known. */
  readonly robot?: RobotModel;
  readonly rate_hz: number;
  readonly kind?: SourceKind;
}

/** @throws DataError or FindingsError where the file cannot be read */
export async function describeInput(path: string, options: DescribeOptions): Promise<DescribedInput> {
  const { robot, rate_hz, kind } = options;
  const description = await describeSource(path);
  const name = basename(resolve(path));
  const { map, guesses, notes } = guessMap(description, {
    robot,
    kind,
    source: name.slice(0, -extname(name).length || undefined),
  });
  const lines = [...notes];
  let tree = map;
  if (robot !== undefined && guesses.length > 0) {
    const mended = await mendMap(path, map, robot, rate_hz);
    tree = mended.map;
    if (mended.settings.length > 0) lines.push(`set by what the data shows: ${mended.settings.join(', ')}`);
    lines.push(
      mended.refused === undefined
        ? `the map reads the first episode on ${robot.name} without a contradiction`
        : `the map is refused as it is: ${mended.refused.message.split('\n')[0]}`,
    );
  }
  return {
    format: description.format,
    recordings: description.recordingCount,
    fields: description.fields.map((field) => describeField(field, description, guesses, tree)),
    facts: description.facts,
    notes: lines,
    yaml: mapText(name, lines, tree),
  };
}

function mapText(name: string, notes: readonly string[], map: object): string {
  const head = [
    `Field map for files like ${name}, guessed from one: look it over.`,
    ...notes.map((note) => `- ${note}`),
  ];
  const document = new Document(map);
  // What belongs to one channel stands in one line, as in the ready maps.
  visit(document, {
    Collection(_, node, path) {
      if (path.filter(isCollection).length >= 2) node.flow = true;
    },
  });
  return `${head.map((line) => `# ${line}\n`).join('')}${document.toString({ lineWidth: 0 })}`;
}

function describeField(
  field: SourceField,
  description: SourceDescription,
  guesses: readonly Guess[],
  map: Readonly<Record<string, unknown>>,
): DescribedField {
  const { name, shape, type, sample, value } = field;
  const channels = map.channels as Readonly<Record<string, Record<string, unknown>>>;
  const own = guesses.filter((guess) => guess.field === name && channels[guess.channel] !== undefined);
  const meanings = own.map((guess) => `${guess.channel}${detail(channels[guess.channel])}`);
  if (isNamed(description.time, name)) meanings.push('time');
  if (isNamed(description.joints?.selector, name)) meanings.push('joint names');
  return {
    name,
    shape,
    type,
    range: sample === undefined ? (value ?? '') : rangeOf(sample),
    meaning: meanings.join(', '),
  };
}

/** What a map says of a channel besides its place. */
function detail(entry: Readonly<Record<string, unknown>>): string {
  const said = ['slice', 'unit', 'order', 'frame', 'meaning', 'scale']
    .filter((key) => entry[key] !== undefined)
    .map((key) => (key === 'slice' ? `[${(entry.slice as unknown[]).join(', ')}]` : String(entry[key])));
  return said.length === 0 ? '' : ` (${said.join(', ')})`;
}

function isNamed(selector: Readonly<Record<string, unknown>> | undefined, name: string): boolean {
  return selector !== undefined && Object.values(selector).includes(name);
}

function rangeOf({ data }: RawField): string {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let missing = 0;
  for (const value of data) {
    if (Number.isNaN(value)) missing++;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const text = (value: number) => String(Number(value.toPrecision(4)));
  if (missing === data.length) return 'no numbers';
  return `${text(low)} .. ${text(high)}${missing > 0 ? `, ${missing} missing` : ''}`;
}
