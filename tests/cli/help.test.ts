// The help of every verb: what it takes, in which units, what holds without a flag, and one example that it accepts.

import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createProgram, VERBS } from '../../src/cli/program.js';
import { runCli } from './run-cli.js';

const here = { cwd: tmpdir() };

const whole = () => createProgram(VERBS.map(({ name }) => name));

/** Every command that does something: `train`, `ingest rollout`. */
const verbs = (await whole()).commands.flatMap((command) =>
  command.commands.length === 0
    ? [command.name()]
    : command.commands.map((child) => `${command.name()} ${child.name()}`),
);

/** The help's options, each in one line whatever the width of the terminal. */
function optionsIn(help: string): string[] {
  const [, options] = help.split(/^Options:\n/m);
  return options
    .split(/\n\n/)[0]
    .split(/\n(?=\s+-)/)
    .map((option) => option.trim().replace(/\s+/g, ' '));
}

describe.concurrent.each(verbs)('nextgait %s', (words) => {
  const verb = words.split(' ');

  it('says what each flag is, in which unit, its default, and gives one example', async () => {
    const { code, stdout, stderr } = await runCli([...verb, '--help'], here);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    const options = optionsIn(stdout);
    expect(options).toContainEqual(expect.stringMatching(/^--json /));
    expect(options).toContainEqual(expect.stringMatching(/^--quiet /));
    for (const option of options) {
      expect(option, 'is described').toMatch(/^-[^ ]+(, --[^ ]+)?( [<[].*?[>\]])? \w/);
      expect(option).not.toMatch(/undefined|default: \[\]/);
      // A number has a unit where it is a quantity, and says what holds without it.
      if (/<seconds>/.test(option)) expect(option).toMatch(/ in s\b.*\(default: /);
      if (/<hz>/.test(option)) expect(option).toMatch(/ in Hz\b.*(\(default: |instead of the file's)/);
      if (/<(count|integer|share)>/.test(option)) expect(option).toMatch(/\(default: /);
    }
    const examples = stdout.split(/^Example:\n/m);
    expect(examples).toHaveLength(2);
    expect(examples[1].trim()).toMatch(new RegExp(`^\\$ nextgait ${words}\\b[^\\n]*$`));
  });

  it('its example has only flags that it knows', async () => {
    const command = verb.reduce(
      (parent, name) => parent.commands.find((child) => child.name() === name)!,
      await whole(),
    );
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    const example = help.split('$ nextgait ')[1].trim().split(' ').slice(verb.length);
    const { unknown } = command.parseOptions(example);
    expect(unknown).toEqual([]);
  });
});

it('nextgait ingest --help gives an example too', async () => {
  const { stdout } = await runCli(['ingest', '--help'], here);
  expect(stdout).toMatch(/^Example:\n {2}\$ nextgait ingest bvh \S/m);
});

it('nextgait --help lists every verb; no verb at all shows it too, as a mistake', async () => {
  const [help, none] = await Promise.all([runCli(['--help'], here), runCli([], here)]);
  expect(help.code).toBe(0);
  for (const verb of verbs) expect(help.stdout).toMatch(new RegExp(`^  ${verb.split(' ')[0]}\\b`, 'm'));
  expect(none.code).toBe(1);
  expect(none.stdout).toBe('');
  expect(none.stderr).toBe(help.stdout);
});

it('nextgait --version is that of the package', async () => {
  const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
  expect((await runCli(['--version'], here)).stdout.trim()).toBe(manifest.version);
});
