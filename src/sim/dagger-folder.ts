// The folder of relabelling rounds: begun with one plan, which dagger.json holds, and gone on with by the same plan only.
//
// Nothing is written, and nothing of what --overwrite replaces deleted, before the first episode is there.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, listNames } from '../base/errors.js';
import { parseJson, writeFileAtomic } from '../base/files.js';
import { claimOutput, liesWithin, requireOutside } from '../base/output-folder.js';
import { requireUnlocked } from '../train/run-lock.js';
import type { DaggerOptions } from './dagger.js';
import type { ControllerSource } from './load-controller.js';
import { type Difference, differences } from './recorded-before.js';

/** Marks a folder of rounds, and holds what it was begun with. */
export const DAGGER_FILE = 'dagger.json';

export interface DaggerFolder {
  /** True once the folder holds rounds of this plan. */
  readonly begun: boolean;
  /** Makes it ready for the first episode; does nothing where it is begun. */
  begin(): Promise<void>;
}

/** @throws DataError where the folder may not be written, holds what is read, or was begun with anything else */
export async function claimDaggerFolder(
  options: DaggerOptions,
  teacher: Pick<ControllerSource, 'name' | 'sha256'>,
): Promise<DaggerFolder> {
  const { out, run, rounds, mix, settings, config, anew, seed, append, overwrite } = options;
  const plan = {
    run,
    teacher: { name: teacher.name, sha256: teacher.sha256 },
    ...{ rounds, mix, anew, seed, settings, config },
  };
  const file = join(out, DAGGER_FILE);
  await requireUnlocked(out);
  await requireOutside(out, [run, options.teacher.reference, ...config.data.folders]);
  if (await liesWithin(out, run)) {
    const fix = 'Give another folder';
    throw new DataError({ where: `--out ${out}`, what: "folder lies within the student's", found: run, fix });
  }
  const output = await claimOutput(out, { append, overwrite, marker: DAGGER_FILE, what: 'a relabelling' });
  if (output.existing) requireSamePlan(out, parseJson(await readFile(file, 'utf8'), file), plan);
  let begun = output.existing;
  return {
    get begun() {
      return begun;
    },
    async begin() {
      if (begun) return;
      await requireUnlocked(out);
      await output.clear();
      await writeFileAtomic(file, `${JSON.stringify(plan, null, 1)}\n`);
      begun = true;
    },
  };
}

function requireSamePlan(out: string, before: Readonly<Record<string, unknown>>, plan: object): void {
  const after = JSON.parse(JSON.stringify(plan)) as Record<string, unknown>;
  const added = differences(after, before).filter((one) => one.after === undefined);
  const different = [
    ...differences(before, after),
    ...added.map(({ key, before: value }): Difference => ({ key, before: undefined, after: value })),
  ];
  if (different.length === 0) return;
  // As the flags name them: --set of the rollouts, --set-train of the training.
  const named = (key: string, value: unknown) =>
    `${key.replace(/^(config|settings)\./, '')} ${value === undefined ? 'absent' : JSON.stringify(value)}`;
  throw new DataError({
    where: `--out ${out} --append`,
    what: 'the folder was begun with other settings',
    expected: listNames(different.map(({ key, before: value }) => named(key, value))),
    found: listNames(different.map(({ key, after: value }) => named(key, value))),
    fix: 'Repeat the command that began it with --append; for more rounds give its folder as the run, and a new --out',
  });
}
