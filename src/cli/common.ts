// What every verb shares: the common flags, the streams, the interrupt, and the way errors become exit codes.
//
// Results for machines go to stdout (`--json`), text for people to stderr. Exit codes: 0 fine, 1 the user's data or
// flags, 2 our fault. Ctrl-C asks for an orderly end (the signal), a second one ends at once.

import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { isUserError } from '../base/errors.js';
import { type Logger, SILENT, streamLogger } from '../base/logger.js';

export interface CommonOptions {
  readonly robot?: string;
  readonly out?: string;
  readonly append: boolean;
  readonly overwrite: boolean;
  readonly seed: number;
  readonly workers: number;
  readonly config: string;
  readonly set: readonly string[];
  readonly json: boolean;
  readonly quiet: boolean;
}

export type CommonFlag = 'robot' | 'out' | 'seed' | 'workers' | 'config' | 'set';

/** What a verb says of its own in the help of common flags. */
export interface FlagTexts {
  /** Where it writes without --out; the flag is needed where this is absent. */
  readonly out?: string;
  /** What --append does; false where the verb does not add to what is there, and has no such flag. */
  readonly append?: string | false;
  /** A setting of its config, for instance `episodes=20`. */
  readonly setting?: string;
  /** The robot without --robot. */
  readonly robot?: string;
  /** Names that --config takes besides files, and the one without the flag (`default` where absent). */
  readonly configs?: string;
  readonly config?: string;
}

const FLAGS: Record<CommonFlag, (texts: FlagTexts) => Option[]> = {
  robot: ({ robot }) => [
    new Option(
      '--robot <name|config.yaml>',
      `robot: a name in configs/robots or a config file (${robot === undefined ? 'required' : `default: ${robot}`})`,
    ),
  ],
  out: ({ out, append = 'add to what the folder holds' }) => [
    new Option(
      '--out <folder>',
      `folder to write; refused if it holds something else (${out === undefined ? 'required' : `default: ${out}`})`,
    ),
    ...(append === false ? [] : [new Option('--append', append).default(false)]),
    new Option('--overwrite', 'replace what the folder holds').default(false).conflicts('append'),
  ],
  seed: () => [new Option('--seed <integer>', 'seed of everything random').argParser(parseSeed).default(1)],
  workers: () => [
    new Option('--workers <count>', 'worker threads')
      .argParser(parseCount)
      .default(availableParallelism(), 'one for each processor'),
  ],
  config: ({ configs, config = 'default' }) => [
    new Option('--config <name|file.yaml>', `settings: a name in ${configs} or a file; flags go over it`).default(
      config,
    ),
  ],
  set: ({ setting }) => [
    new Option(
      '--set <key=value>',
      `change one setting${setting === undefined ? '' : `, for instance ${setting}`}; may be repeated`,
    )
      .argParser((value: string, before: string[]) => [...before, value])
      .default([], 'none'),
  ],
};

/** Adds the named common flags, and `--json` and `--quiet`, to a verb. */
export function withCommonFlags(command: Command, flags: readonly CommonFlag[], texts: FlagTexts = {}): Command {
  for (const flag of flags) for (const option of FLAGS[flag](texts)) command.addOption(option);
  command.option('--json', 'one JSON result on stdout', false);
  command.option('--quiet', 'no text but errors', false);
  return command;
}

/** Help text: one example at the end of a verb's help. */
export function withExample(command: Command, example: string): Command {
  return command.addHelpText('after', `\nExample:\n  $ ${example}`);
}

export interface VerbContext {
  /** Text for people, on stderr; silent under --quiet. */
  readonly log: Logger;
  /** True where progress may be drawn: stderr is a terminal and --quiet is not given. */
  readonly interactive: boolean;
  /** Aborted by Ctrl-C: finish the current episode or step, save, say how to go on. */
  readonly signal: AbortSignal;
}

/**
 * Wraps a verb's action: gives it its context, prints its JSON result, sets the exit code.
 * `run` returns the verb's result; `exitCode` in it is used where present.
 */
export function verbAction<Arguments extends unknown[], Options extends { json: boolean; quiet: boolean }>(
  run: (context: VerbContext, options: Options, ...positional: Arguments) => Promise<VerbResult>,
): (...all: unknown[]) => Promise<void> {
  return async (...all) => {
    const command = all[all.length - 1] as Command;
    const options = command.opts() as Options;
    const interrupt = new AbortController();
    // A verb within quickstart stops at the same Ctrl-C, which is then answered once.
    const isNested = process.listenerCount('SIGINT') > 0;
    const onInterrupt = () => {
      if (interrupt.signal.aborted) process.exit(130);
      if (!isNested) process.stderr.write('\ninterrupted: finishing the current step; Ctrl-C again ends at once\n');
      interrupt.abort();
    };
    process.on('SIGINT', onInterrupt);
    try {
      const result = await run(
        {
          log: options.quiet ? SILENT : streamLogger((text) => process.stderr.write(text)),
          interactive: process.stderr.isTTY === true && !options.quiet,
          signal: interrupt.signal,
        },
        options,
        ...(all.slice(0, -2) as Arguments),
      );
      if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
      process.exitCode = result.exitCode ?? 0;
    } catch (error) {
      // A Ctrl-C that came before the work itself: what prepares it ends with the signal's own error.
      const isStopped = interrupt.signal.aborted && error === interrupt.signal.reason;
      if (isStopped) process.stderr.write('stopped before there was anything to save\n');
      if (isStopped && options.json) process.stdout.write('{"finished":false}\n');
      process.exitCode = isStopped ? 0 : reportError(error);
    } finally {
      process.off('SIGINT', onInterrupt);
    }
  };
}

export interface VerbResult {
  readonly exitCode?: 0 | 1 | 2;
  readonly [key: string]: unknown;
}

/** Prints an error for people and returns the exit code. */
export function reportError(error: unknown): 1 | 2 {
  if (isUserError(error)) {
    process.stderr.write(`error: ${error.message}\n`);
    return 1;
  }
  process.stderr.write('internal error (not your data or flags; please report it with this text):\n');
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 2;
}

export function parseSeed(text: string): number {
  return parseInteger(text, 0);
}

export function parseCount(text: string): number {
  return parseInteger(text, 1);
}

function parseInteger(text: string, least: number): number {
  const value = parseNumber(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new InvalidArgumentError(`expected an integer of ${least} or more, found "${text}".`);
}

export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) {
    throw new InvalidArgumentError(`expected a number, found "${text}".`);
  }
  return value;
}
