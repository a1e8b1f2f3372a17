// What a user says about human motion files, checked before any of them is read: one error with all that is wrong.

import { existsSync } from 'node:fs';
import { parseConfig } from '../src/base/config.js';
import { type DataErrorDetail, FindingsError, isUserError } from '../src/base/errors.js';
import { chooseRigs } from '../src/retarget/rig-files.js';
import type { HumanReader } from './human-reader.js';
import { bvhMotionSchema } from './readers/bvh-motion.js';
import { readRest } from './readers/rest-joints.js';
import { videoMotionSchema } from './readers/video-motion.js';

/** The flag that sets any option of a reader. */
export const READER_FLAG = '--reader';

/**
 * @param inputs files and folders as they were given
 * @param flags of the reader's options that have one of their own; the others are settings of --reader
 * @throws FindingsError with every input that is not there and every option that is wrong
 */
export async function checkHumanFlags(
  inputs: readonly string[],
  human: HumanReader,
  flags: ReadonlyMap<string, string>,
): Promise<void> {
  const findings: DataErrorDetail[] = inputs
    .filter((path) => !existsSync(path))
    .map((where) => ({ where, what: 'input is not there' }));
  const collect = async (check: () => unknown, name = (where: string) => where) => {
    try {
      await check();
    } catch (error) {
      if (!isUserError(error)) throw error;
      const details = 'findings' in error ? error.findings : [error.detail];
      findings.push(...details.map((detail) => ({ ...detail, where: name(detail.where) })));
    }
  };
  const { kind, reader } = human;
  const schema = kind === 'bvh' ? bvhMotionSchema : videoMotionSchema;
  await collect(
    () => parseConfig(schema, reader, READER_FLAG),
    (where) => flags.get(where.replace(`${READER_FLAG}: `, '')) ?? where,
  );
  if (reader.rig !== undefined) await collect(() => chooseRigs(reader.rig), flagged('--rig'));
  if (human.kind === 'video') {
    const { rest, camera } = human.reader;
    if (rest !== undefined) await collect(() => readRest(rest), flagged('--rest'));
    if (camera !== undefined && !existsSync(camera)) findings.push({ where: camera, what: 'camera file is not there' });
  }
  if (findings.length > 0) throw new FindingsError(findings);
}

function flagged(flag: string): (where: string) => string {
  return (where) => `${flag} ${where}`;
}
