// Every BVH and SMPL file of the development data, parsed or refused: the table of docs/ingest-formats.md is what they print.
//
// Where the table differs, the failure shows the rows that it should have.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadRetargetConfig } from '../../ingest/human.js';
import { createHumanReader, type HumanReader } from '../../ingest/human-reader.js';
import { readBvh } from '../../ingest/readers/bvh-parser.js';
import { readVideoMotions } from '../../ingest/readers/video-motion.js';
import { ingestInputs } from '../../ingest/run-ingest.js';
import { packagePath } from '../../src/base/files.js';
import { DatasetWriter } from '../../src/dataset/dataset-writer.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { temporaryFolder } from '../dataset/helpers.js';

const DATA = join(import.meta.dirname, '../../../shared/data');
const LONGEST_CELL = 140;
const HEAD = '| file | parser | `nextgait ingest` on the G1 |\n|---|---|---|';

const filesOf = (folder: string, endings: RegExp) =>
  existsSync(join(DATA, folder))
    ? readdirSync(join(DATA, folder))
        .filter((name) => endings.test(name))
        .sort()
        .map((name) => `${folder}/${name}`)
    : [];
const BVH = [...filesOf('bvh', /\.bvh$/), ...filesOf('bvh/edge', /\.bvh$/)];
const SMPL = filesOf('smpl', /\.(npz|pkl|pt)$/);

/** One line, without the folder, no longer than a cell. */
function cell(text: string): string {
  const plain = text.replaceAll(/[^ ]*\/(bvh|edge|smpl)\//g, '').replaceAll('|', '/');
  const [line] = plain.replace(/ \(bandai, [^)]*\)| Fill in this template.*/g, '').split('\n');
  return line.length <= LONGEST_CELL ? line : `${line.slice(0, LONGEST_CELL)}...`;
}

async function attempt(path: string, run: () => Promise<string>): Promise<string> {
  try {
    return cell(await run());
  } catch (error) {
    return `refused: ${cell((error as Error).message.replaceAll(`${path}: `, ''))}`;
  }
}

describe.skipIf(BVH.length + SMPL.length === 0)('development motions', () => {
  let robot: RobotModel;
  beforeAll(async () => {
    robot = (await loadRobot('g1')).robot;
  });

  /** What ingest says of the file: its last line. */
  async function ingest(path: string, human: HumanReader): Promise<string> {
    const { config, where } = await loadRetargetConfig(robot, undefined);
    const options = { rate_hz: 50, source: human.kind, hindsight: false };
    const reader = createHumanReader({ ...human, robot, config, where, options });
    const writer = await DatasetWriter.open(temporaryFolder(), { robot, rate_hz: 50 });
    const lines: string[] = [];
    const log = { info: (line: string) => lines.push(line), warn: (line: string) => lines.push(line) };
    const read = async (input: string) => [...(await reader(input)).episodes];
    await ingestInputs({ inputs: [path], read, writer, log });
    return cell(lines[0].replace(`${path}: `, ''));
  }

  async function bvhRow(name: string): Promise<string> {
    const path = join(DATA, name);
    const parsed = await attempt(path, async () => {
      const { frameCount, joints, channelCount, frameTime_s } = await readBvh(path);
      return `${frameCount} frames, ${joints.length} joints, ${channelCount} channels, ${(1 / frameTime_s).toFixed(1)} Hz`;
    });
    const told = await ingest(path, { kind: 'bvh', reader: {} });
    return `| \`${name}\` | ${parsed} | ${told === parsed ? 'the same' : told} |`;
  }

  async function videoRow(name: string): Promise<string> {
    const path = join(DATA, name);
    // Of the files that do not have a rate.
    const isAsked = /wham|gvhmr|phalp/.test(name);
    const reader = isAsked ? { rate_hz: 30 } : {};
    const parsed = await attempt(path, async () => {
      const { producer, motions } = await readVideoMotions(path, reader);
      const frames = motions.reduce((sum, { frameCount }) => sum + frameCount, 0);
      return `${producer}: ${motions.length} motion${motions.length === 1 ? '' : 's'}, ${frames} frames, ${motions[0].rate_hz} Hz`;
    });
    const call = isAsked ? ', `--fps 30`' : '';
    return `| \`${name}\`${call} | ${parsed} | ${await ingest(path, { kind: 'video', reader })} |`;
  }

  it('are told in the docs as they are read', async () => {
    const rows: string[] = [];
    for (const name of BVH) rows.push(await bvhRow(name));
    for (const name of SMPL) rows.push(await videoRow(name));
    expect(readFileSync(packagePath('docs', 'ingest-formats.md'), 'utf8')).toContain([HEAD, ...rows, ''].join('\n'));
  });
});
