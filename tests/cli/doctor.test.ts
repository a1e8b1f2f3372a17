// nextgait doctor: robots whose model is not here are told apart from those that can be loaded.

import { afterEach, expect, it, vi } from 'vitest';
import { doctorCommand } from '../../src/cli/doctor.js';
import { hasModel, loadRobot, robotNames } from '../../src/sim/load-robot.js';

afterEach(() => {
  process.exitCode = undefined;
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it('names the robots whose model is absent, and how to give it', async () => {
  vi.stubEnv('NEXTGAIT_ROBOTS', '');
  let text = '';
  let json = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    json += String(part);
    return true;
  });
  await doctorCommand().parseAsync(['--json'], { from: 'user' });
  vi.restoreAllMocks();
  const { robots, robotsWithoutModel } = JSON.parse(json) as Record<string, string[]>;
  expect(robots).toEqual(await robotNames());
  expect(robotsWithoutModel).not.toContain('g1');
  expect(await hasModel('g1')).toBe(true);
  expect(text).toMatch(/^robots +.*\bg1\b/m);
  for (const name of robotsWithoutModel) {
    await expect(loadRobot(name)).rejects.toThrow(/model file that is not there/);
    expect(text).toMatch(new RegExp(`^ {2}absent .*\\b${name}\\b.*NEXTGAIT_ROBOTS`, 'm'));
  }
}, 60_000);
