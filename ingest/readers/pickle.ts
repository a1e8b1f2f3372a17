// A pickle reader that builds data and can execute nothing.
//
// A pickle is a program for a stack machine whose instructions may call any Python function by name. Here a name is
// looked up in a table of classes that make plain data (dictionaries, numpy arrays, torch tensors); any other name, and
// any unknown instruction, is refused by name. Protocols 0 to 5, memo, framing, persistent ids. Nothing is allocated
// from a length that the file does not back with bytes.
// Python → here: dict → Map, list and tuple → array, set → Set, int → number (bigint beyond 2^53), str → string,
// bytes → Uint8Array, None → null. Source of the instruction set: Python's documented module pickletools.

import type { DataError } from '../../src/base/errors.js';
import { createPickleBytes, rawUnicode } from './pickle-bytes.js';

/** Something that a pickle may name: called by REDUCE, instantiated by NEWOBJ. Returns plain data, or a Stateful. */
export interface PickleClass {
  readonly name: string;
  call?(args: readonly unknown[], reader: PickleReader): unknown;
  create?(args: readonly unknown[], reader: PickleReader): unknown;
}

/** A value that BUILD gives its state; what it returns takes its place on the stack. */
export interface Stateful {
  setState(state: unknown, reader: PickleReader): unknown;
}

/** What a class may see of the reader. */
export interface PickleReader {
  /** The next bytes of the file itself, past the end of the current frame (joblib keeps arrays there). */
  takeOutsideFrame(count: number, what: string): Uint8Array;
  /** Another pickle at this place, with a memo of its own. */
  readNested(): unknown;
  refuse(what: string, expected: string | undefined, found: string, fix?: string): DataError;
}

export interface PickleOptions {
  /** Python name (`module.name`) to class. */
  readonly classes: ReadonlyMap<string, PickleClass>;
  /** What a persistent id stands for; without it they are refused. */
  readonly persistent?: (id: unknown, reader: PickleReader) => unknown;
  /** Most instructions, so that a small file cannot ask for unbounded work. */
  readonly maximumInstructions?: number;
}

export interface PickleResult {
  readonly value: unknown;
  /** First byte after the pickle. */
  readonly end: number;
}

const MARK = Symbol('mark');
const DEEPEST_NESTING = 16;
const MOST_INSTRUCTIONS = 50_000_000;
const PYTHON_2_NAMES: Readonly<Record<string, string>> = { __builtin__: 'builtins', copy_reg: 'copyreg' };

/**
 * Reads the pickle at bytes[start].
 * @param file name for messages
 * @throws DataError naming the class or instruction that is refused, or the byte at which the file breaks off
 */
export function readPickle(bytes: Uint8Array, file: string, options: PickleOptions, start = 0): PickleResult {
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength); // parts of a Buffer would be Buffers
  const source = createPickleBytes(plain, file, start);
  const { take, number, textLine, refuse } = source;
  const budget = { left: options.maximumInstructions ?? MOST_INSTRUCTIONS };
  const lookUp = (module: string, name: string): PickleClass => {
    const known = PYTHON_2_NAMES[module] ?? module.replace(/^numpy\._core\b/, 'numpy.core');
    const found = options.classes.get(`${known}.${name}`);
    if (found === undefined) {
      const fix = 'This reader builds data only and runs nothing; save the arrays with numpy.savez instead';
      throw refuse('class or function in a pickle', 'arrays, tensors and containers', `${module}.${name}`, fix);
    }
    return found;
  };
  const callClass = (target: unknown, args: unknown, kind: 'call' | 'create'): unknown => {
    const named = target as Partial<PickleClass> | null;
    const run = options.classes.get(named?.name ?? '') === target ? named?.[kind] : undefined;
    if (run === undefined || !Array.isArray(args)) {
      throw refuse(`pickle wants to ${kind}`, 'a class that makes data', named?.name ?? describeKind(target));
    }
    return run(args, reader);
  };
  const reader: PickleReader = {
    takeOutsideFrame: take,
    readNested: () => run(),
    refuse,
  };

  let depth = 0;
  /** One pickle, from its first instruction to STOP. */
  function run(): unknown {
    if (++depth > DEEPEST_NESTING) throw refuse('pickles in pickles', `at most ${DEEPEST_NESTING} deep`, 'more');
    const stack: unknown[] = [];
    const memo = new Map<number, unknown>();
    const pop = (): unknown => {
      if (stack.length === 0 || stack[stack.length - 1] === MARK)
        throw refuse('pickle', 'a value on the stack', 'none');
      return stack.pop();
    };
    const popToMark = (): unknown[] => {
      const mark = stack.lastIndexOf(MARK);
      if (mark < 0) throw refuse('pickle', 'a mark on the stack', 'none');
      const values = stack.splice(mark + 1);
      stack.pop();
      return values;
    };
    const top = (): unknown => {
      const value = pop();
      stack.push(value);
      return value;
    };
    const recall = (index: number) => {
      if (!memo.has(index)) throw refuse('pickle', 'a remembered value', `none under ${index}`);
      stack.push(memo.get(index));
    };
    const append = (target: unknown, values: readonly unknown[]) => {
      if (target instanceof Set) for (const value of values) target.add(value);
      else if (Array.isArray(target)) for (const value of values) target.push(value);
      else throw refuse('pickle', 'a list to append to', describeKind(target));
    };
    const setItems = (target: unknown, values: readonly unknown[]) => {
      if (!(target instanceof Map) || values.length % 2 === 1)
        throw refuse('pickle', 'a dictionary', describeKind(target));
      for (let k = 0; k < values.length; k += 2) target.set(values[k], values[k + 1]);
    };
    const build = (target: unknown, state: unknown): unknown => {
      if (isStateful(target)) return target.setState(state, reader);
      if (target instanceof Map) return target; // attributes of a dictionary subclass carry no data of ours
      throw refuse('pickle', 'an object that has state', describeKind(target));
    };

    for (;;) {
      if (--budget.left < 0) throw refuse('pickle', 'fewer instructions', 'more than allowed');
      const opcodeAt = source.at;
      const opcode = number(1, 'pickle instruction');
      switch (opcode) {
        case 0x80: {
          const protocol = number(1, 'protocol');
          if (protocol > 5) throw refuse('pickle protocol', '0 to 5', `${protocol}`);
          break;
        }
        case 0x95: {
          // FRAME: a hint for buffered reading; only its length is checked
          const length = number(8, 'frame length');
          if (length > source.left) take(length, 'frame');
          break;
        }
        case 0x2e: // STOP .
          depth--;
          return pop();
        case 0x28:
          stack.push(MARK);
          break; // MARK (
        case 0x30:
          if (stack.pop() === undefined) throw refuse('pickle', 'a value to drop', 'none');
          break; // POP 0
        case 0x31:
          popToMark();
          break; // POP_MARK 1
        case 0x32:
          stack.push(top());
          break; // DUP 2
        case 0x4e:
          stack.push(null);
          break; // NONE N
        case 0x88:
          stack.push(true);
          break;
        case 0x89:
          stack.push(false);
          break;
        case 0x49: {
          // INT I; 00 and 01 are the booleans of protocol 1
          const text = textLine('integer');
          stack.push(text === '00' ? false : text === '01' ? true : source.decimalInteger(text));
          break;
        }
        case 0x4c:
          stack.push(source.decimalInteger(textLine('integer')));
          break; // LONG L
        case 0x4a:
          stack.push(number(4, 'integer') | 0);
          break; // BININT J
        case 0x4b:
          stack.push(number(1, 'integer'));
          break; // BININT1 K
        case 0x4d:
          stack.push(number(2, 'integer'));
          break; // BININT2 M
        case 0x8a:
          stack.push(source.littleEndianInteger(take(number(1, 'integer'), 'integer')));
          break; // LONG1
        case 0x8b:
          stack.push(source.littleEndianInteger(take(number(4, 'integer'), 'integer')));
          break; // LONG4
        case 0x46:
          stack.push(source.decimalFloat(textLine('number')));
          break; // FLOAT F
        case 0x47:
          stack.push(source.float64('number'));
          break; // BINFLOAT G
        case 0x53:
          stack.push(source.unquote(textLine('text')));
          break; // STRING S
        case 0x54:
          stack.push(source.latin1(take(number(4, 'text'), 'text')));
          break; // BINSTRING T
        case 0x55:
          stack.push(source.latin1(take(number(1, 'text'), 'text')));
          break; // SHORT_BINSTRING U
        case 0x56:
          stack.push(rawUnicode(textLine('text')));
          break; // UNICODE V
        case 0x58:
          stack.push(source.utf8(take(number(4, 'text'), 'text')));
          break; // BINUNICODE X
        case 0x8c:
          stack.push(source.utf8(take(number(1, 'text'), 'text')));
          break;
        case 0x8d:
          stack.push(source.utf8(take(number(8, 'text'), 'text')));
          break;
        case 0x42:
          stack.push(take(number(4, 'bytes'), 'bytes'));
          break; // BINBYTES B
        case 0x43:
          stack.push(take(number(1, 'bytes'), 'bytes'));
          break; // SHORT_BINBYTES C
        case 0x8e:
          stack.push(take(number(8, 'bytes'), 'bytes'));
          break;
        case 0x96:
          stack.push(take(number(8, 'bytes'), 'bytes'));
          break; // BYTEARRAY8
        case 0x5d:
          stack.push([]);
          break; // EMPTY_LIST ]
        case 0x29:
          stack.push([]);
          break; // EMPTY_TUPLE )
        case 0x7d:
          stack.push(new Map());
          break; // EMPTY_DICT }
        case 0x8f:
          stack.push(new Set());
          break;
        case 0x6c:
        case 0x74:
          stack.push(popToMark());
          break; // LIST l, TUPLE t
        case 0x85:
          stack.push([pop()]);
          break;
        case 0x86:
          stack.push([pop(), pop()].reverse());
          break;
        case 0x87:
          stack.push([pop(), pop(), pop()].reverse());
          break;
        case 0x64: {
          // DICT d
          const values = popToMark();
          const dictionary = new Map();
          setItems(dictionary, values);
          stack.push(dictionary);
          break;
        }
        case 0x91:
          stack.push(new Set(popToMark()));
          break; // FROZENSET
        case 0x61: {
          const value = pop();
          append(top(), [value]);
          break;
        } // APPEND a
        case 0x65: {
          const values = popToMark();
          append(top(), values);
          break;
        } // APPENDS e
        case 0x90: {
          const values = popToMark();
          append(top(), values);
          break;
        } // ADDITEMS
        case 0x73: {
          const value = pop();
          const key = pop();
          setItems(top(), [key, value]);
          break;
        } // SETITEM s
        case 0x75: {
          const values = popToMark();
          setItems(top(), values);
          break;
        } // SETITEMS u
        case 0x67:
          recall(Number(textLine('memo')));
          break; // GET g
        case 0x68:
          recall(number(1, 'memo'));
          break; // BINGET h
        case 0x6a:
          recall(number(4, 'memo'));
          break; // LONG_BINGET j
        case 0x70:
          memo.set(Number(textLine('memo')), top());
          break; // PUT p
        case 0x71:
          memo.set(number(1, 'memo'), top());
          break; // BINPUT q
        case 0x72:
          memo.set(number(4, 'memo'), top());
          break; // LONG_BINPUT r
        case 0x94:
          memo.set(memo.size, top());
          break; // MEMOIZE
        case 0x63: {
          const module = textLine('name');
          stack.push(lookUp(module, textLine('name')));
          break;
        } // GLOBAL c
        case 0x93: {
          const name = pop();
          stack.push(lookUp(String(pop()), String(name)));
          break;
        } // STACK_GLOBAL
        case 0x52: {
          const args = pop();
          stack.push(callClass(pop(), args, 'call'));
          break;
        } // REDUCE R
        case 0x81: {
          const args = pop();
          stack.push(callClass(pop(), args, 'create'));
          break;
        } // NEWOBJ
        case 0x92: {
          // NEWOBJ_EX
          const keywords = pop();
          const args = pop();
          if (!(keywords instanceof Map) || keywords.size > 0) throw refuse('pickle', 'no keyword arguments', 'some');
          stack.push(callClass(pop(), args, 'create'));
          break;
        }
        case 0x6f: {
          const [target, ...args] = popToMark();
          stack.push(callClass(target, args, 'create'));
          break;
        } // OBJ o
        case 0x69: {
          // INST i
          const module = textLine('name');
          const target = lookUp(module, textLine('name'));
          stack.push(callClass(target, popToMark(), 'create'));
          break;
        }
        case 0x62: {
          const state = pop();
          stack.push(build(pop(), state));
          break;
        } // BUILD b
        case 0x50:
        case 0x51: {
          // PERSID P, BINPERSID Q
          const id = opcode === 0x50 ? textLine('persistent id') : pop();
          if (options.persistent === undefined)
            throw refuse('pickle', 'no persistent ids', 'one', 'The data lies elsewhere');
          stack.push(options.persistent(id, reader));
          break;
        }
        default: {
          source.at = opcodeAt;
          const name = UNSUPPORTED[opcode] ?? `0x${opcode.toString(16).padStart(2, '0')}`;
          throw refuse('pickle instruction', 'one that builds data', name, 'The file is damaged, or no plain data');
        }
      }
    }
  }
  const value = run();
  return { value, end: source.at };
}

const UNSUPPORTED: Readonly<Record<number, string>> = {
  130: 'EXT1',
  131: 'EXT2',
  132: 'EXT4',
  151: 'NEXT_BUFFER',
  152: 'READONLY_BUFFER',
};

function isStateful(value: unknown): value is Stateful {
  return typeof (value as Partial<Stateful> | null)?.setState === 'function';
}

function describeKind(value: unknown): string {
  if (value === null) return 'None';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Map) return 'a dictionary';
  return typeof value;
}
