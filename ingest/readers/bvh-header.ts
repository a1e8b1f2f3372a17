// The part of a BVH file before its numbers: the joint hierarchy, and the two lines that open MOTION.
//
// Strict: braces, OFFSET and CHANNELS must be complete and every mistake has its line. Lenient only where files in the
// wild differ without being wrong: letter case, indentation, braces on the line of the name, names with spaces and
// namespaces, channels in any order and number, several roots, leaves with or without an End Site.
// Limits: End Sites have no name in BVH and are called `<parent>/end` here.

import { DataError } from '../../src/base/errors.js';

export const BVH_CHANNELS = ['Xposition', 'Yposition', 'Zposition', 'Xrotation', 'Yrotation', 'Zrotation'] as const;
export type BvhChannel = (typeof BVH_CHANNELS)[number];

/** One joint or End Site. Parents come before children; -1 is the world. */
export interface BvhJoint {
  readonly name: string;
  readonly parent: number;
  /** In the file's own length unit. */
  readonly offset: readonly [number, number, number];
  /** In the file's order: rotations multiply in this order, R = R1 R2 R3. */
  readonly channels: readonly BvhChannel[];
  /** Column of the joint's first channel in a row of numbers. */
  readonly firstChannel: number;
  readonly isEndSite: boolean;
  readonly line: number;
}

export interface BvhHeader {
  readonly joints: readonly BvhJoint[];
  /** Numbers in a row. */
  readonly channelCount: number;
  /** What the line `Frames:` says. */
  readonly frameCount: number;
  readonly frameTime_s: number;
  /** Line numbers of `Frames:` and of the first line of numbers. */
  readonly framesLine: number;
  readonly firstRowLine: number;
}

interface Word {
  readonly text: string;
  readonly line: number;
}

/** Words, braces and line remainders of a text, with their line numbers. */
interface Cursor {
  next(): Word | undefined;
  peek(): Word | undefined;
  /** What is left of the current line up to a brace, trimmed. */
  restOfLine(): string;
  readonly line: number;
}

function cursorOver(text: string): Cursor {
  let at = 0;
  let line = 1;
  const isSpace = (c: number) => c <= 32 || c === 0xfeff;
  const skip = () => {
    while (at < text.length && isSpace(text.charCodeAt(at))) {
      const c = text.charCodeAt(at);
      if (c === 10 || (c === 13 && text.charCodeAt(at + 1) !== 10)) line++;
      at++;
    }
  };
  const next = (): Word | undefined => {
    skip();
    if (at >= text.length) return undefined;
    const start = at;
    if (text[at] === '{' || text[at] === '}') at++;
    else while (at < text.length && !isSpace(text.charCodeAt(at)) && text[at] !== '{' && text[at] !== '}') at++;
    return { text: text.slice(start, at), line };
  };
  return {
    next,
    peek() {
      const before = [at, line];
      const word = next();
      [at, line] = before;
      return word;
    },
    restOfLine() {
      const start = at;
      while (at < text.length && !'\r\n{}'.includes(text[at])) at++;
      return text.slice(start, at).trim();
    },
    get line() {
      return line;
    },
  };
}

/**
 * Reads everything up to and including the line `Frame Time:`. `text` may end there or earlier.
 * @param file name for messages
 * @throws DataError with file:line for anything missing, misspelt or cut off
 */
export function parseBvhHeader(text: string, file: string): BvhHeader {
  const cursor = cursorOver(text);
  const fail = (line: number, what: string, expected: string, found: string | undefined, fix?: string): never => {
    throw new DataError({
      where: `${file}:${line}`,
      what,
      expected,
      found: found === undefined ? 'the end of the file' : JSON.stringify(found),
      fix,
    });
  };
  const expectWord = (wanted: string, what: string, fix?: string): Word => {
    const word = cursor.next();
    if (word === undefined || word.text.toUpperCase() !== wanted) {
      return fail(word?.line ?? cursor.line, what, wanted, word?.text, fix);
    }
    return word;
  };
  const readNumber = (what: string): number => {
    const word = cursor.next();
    const value = word === undefined ? Number.NaN : decimal(word.text);
    if (!Number.isFinite(value)) fail(word?.line ?? cursor.line, what, 'a finite number', word?.text);
    return value;
  };

  expectWord('HIERARCHY', 'first word', 'This is not a BVH file');
  const joints: BvhJoint[] = [];
  let channelCount = 0;
  const first = cursor.peek();
  if (first?.text.toUpperCase() !== 'ROOT') fail(first?.line ?? cursor.line, 'hierarchy', 'ROOT', first?.text);

  /** OFFSET and CHANNELS, after the opening brace. */
  const readBody = (name: string, parent: number, isEndSite: boolean, line: number): void => {
    expectWord('{', `${isEndSite ? 'End Site' : name}: opening brace`);
    expectWord('OFFSET', `${name}: first entry`);
    const offset = [0, 1, 2].map((k) => readNumber(`${name}: OFFSET ${'XYZ'[k]}`)) as [number, number, number];
    const declares = cursor.peek()?.text.toUpperCase() === 'CHANNELS';
    const channels = declares || !isEndSite ? readChannels(name, isEndSite) : [];
    joints.push({ name, parent, offset, channels, firstChannel: channelCount, isEndSite, line });
    channelCount += channels.length;
  };
  const readChannels = (name: string, isEndSite: boolean): BvhChannel[] => {
    expectWord('CHANNELS', `${name}: entry after OFFSET`);
    const word = cursor.next();
    const count = word !== undefined && /^\d+$/.test(word.text) ? Number(word.text) : Number.NaN;
    const most = isEndSite ? 0 : 6;
    if (!(count <= most)) {
      fail(word?.line ?? cursor.line, `${name}: CHANNELS count`, isEndSite ? '0' : 'from 0 to 6', word?.text);
    }
    const channels: BvhChannel[] = [];
    for (let k = 0; k < count; k++) {
      const channelWord = cursor.next();
      const channel = BVH_CHANNELS.find((known) => known.toLowerCase() === channelWord?.text.toLowerCase());
      if (channel === undefined) {
        fail(
          channelWord?.line ?? cursor.line,
          `${name}: channel ${k + 1} of ${count}`,
          BVH_CHANNELS.join(', '),
          channelWord?.text,
        );
      } else if (channels.includes(channel)) {
        fail(channelWord!.line, `${name}: channel ${k + 1} of ${count}`, 'each channel once', channelWord!.text);
      } else channels.push(channel);
    }
    return channels;
  };

  const open: number[] = [];
  for (;;) {
    const word = cursor.next();
    const keyword = word?.text.toUpperCase();
    const inside = open.length > 0;
    const parent = inside ? open[open.length - 1] : -1;
    if (keyword === '}' && inside) {
      open.pop();
    } else if ((keyword === 'JOINT' && inside && !joints[parent].isEndSite) || (keyword === 'ROOT' && !inside)) {
      const line = cursor.line;
      const name = cursor.restOfLine();
      if (name === '') fail(line, `${keyword} name`, 'a name on the same line', cursor.peek()?.text);
      open.push(joints.length);
      readBody(name, parent, false, line);
    } else if ((keyword === 'END' || keyword === 'ENDSITE') && inside && !joints[parent].isEndSite) {
      const line = cursor.line;
      cursor.restOfLine();
      open.push(joints.length);
      readBody(`${joints[parent].name}/end`, parent, true, line);
    } else if (keyword === 'MOTION' && !inside) {
      break;
    } else if (inside) {
      const wanted = joints[parent].isEndSite ? '}' : 'JOINT, End Site or }';
      const fix = word === undefined ? `The hierarchy is cut off: ${open.length} braces are still open` : undefined;
      fail(word?.line ?? cursor.line, `inside ${joints[parent].name}`, wanted, word?.text, fix);
    } else {
      const fix = word === undefined ? 'The file has a skeleton and no motion' : undefined;
      fail(word?.line ?? cursor.line, 'after the hierarchy', 'MOTION', word?.text, fix);
    }
  }
  if (channelCount === 0) fail(joints[0].line, 'channels', 'at least one joint with channels', 'none');

  expectWord('FRAMES:', 'MOTION');
  const framesLine = cursor.line;
  const frameCount = readNumber('Frames');
  if (!Number.isInteger(frameCount) || frameCount < 1) {
    fail(framesLine, 'Frames', 'a whole number of at least 1', String(frameCount));
  }
  expectWord('FRAME', 'MOTION');
  expectWord('TIME:', 'MOTION');
  const frameTimeLine = cursor.line;
  const frameTime_s = readNumber('Frame Time (s)');
  if (!(frameTime_s > 0)) {
    fail(
      frameTimeLine,
      'Frame Time (s)',
      'a number above 0',
      String(frameTime_s),
      'Write the time between frames, for example 0.0333333',
    );
  }
  const trailing = cursor.restOfLine();
  if (trailing !== '') fail(frameTimeLine, 'Frame Time', 'one number on its line', trailing);
  return { joints, channelCount, frameCount, frameTime_s, framesLine, firstRowLine: frameTimeLine + 1 };
}

/** A decimal number as BVH writes it, or NaN: hexadecimal, Infinity and the empty word are not numbers here. */
export function decimal(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
}
