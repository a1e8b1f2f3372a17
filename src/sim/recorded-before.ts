// Whether the episodes that a recording is to go on from are its own: of the same settings, commands and controller.
//
// An episode is known by source, seed and number. One of that name which was recorded otherwise would be passed over as
// done already.

import { isDeepStrictEqual } from 'node:util';
import { DataError, listNames } from '../base/errors.js';
import { episodeName, type RecordPlan, recordingOptions } from './record.js';
import type { EpisodeSink } from './record-run.js';

/** @throws DataError naming what was recorded otherwise */
export function requireSameRecording(plan: RecordPlan, sink: EpisodeSink): void {
  for (let number = 0; number < plan.settings.episodes; number++) {
    const { id } = episodeName(plan, number);
    if (sink.has?.(id) !== true) continue;
    const old = sink.provenanceOf?.(id);
    if (old === undefined) return;
    const now = { controller: plan.controller, ...recordingOptions(plan) };
    const { input, sha256, options } = old;
    const before = { controller: { name: input, sha256 }, ...options };
    const different = differences(before, JSON.parse(JSON.stringify(now)), FREE);
    if (different.length === 0) return;
    throw new DataError({
      where: `episode ${id}`,
      what: 'it is there already, recorded with other settings',
      expected: listNames(different.map(({ key, before }) => `${key} ${JSON.stringify(before)}`)),
      found: listNames(different.map(({ key, after }) => `${key} ${JSON.stringify(after)}`)),
      fix: 'Add to it under another --seed or --source, or repeat the settings that it was begun with',
    });
  }
}

/** What belongs to one episode, or may change from one call to the next. */
const FREE = new Set(['number', 'drawn', 'settings.episodes']);

export interface Difference {
  /** Names joined by points. */
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * What `before` says and `after` says otherwise; a setting that an older version did not have is no difference.
 * @param free keys that may differ
 */
export function differences(
  before: object,
  after: Readonly<Record<string, unknown>>,
  free: ReadonlySet<string> = new Set(),
  prefix = '',
): Difference[] {
  return Object.entries(before).flatMap(([name, value]): Difference[] => {
    const key = prefix + name;
    const other = after[name];
    if (value === undefined || free.has(key) || isDeepStrictEqual(value, other)) return [];
    if (isTree(value) && isTree(other)) return differences(value, other, free, `${key}.`);
    return [{ key, before: value, after: other }];
  });
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
