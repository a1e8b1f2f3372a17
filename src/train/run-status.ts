// status.json of a run folder: whether its training goes on, ended, was stopped or failed, and when it last gave a sign.
//
// Metrics alone do not say why they end. A training that is killed leaves `going` behind: who reads it judges by the
// time of `updated`.

import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TOOL } from '../base/version.js';

export const STATUS_FILE = 'status.json';

export interface RunStatus {
  readonly state: 'going' | 'finished' | 'stopped' | 'failed';
  /** Steps done, and steps in all. */
  readonly step: number;
  readonly steps: number;
  /** ISO 8601: when this start or resumption began, and the last sign of life. */
  readonly started: string;
  readonly updated: string;
  /** Why it failed. */
  readonly message?: string;
  readonly tool: string;
}

export interface StatusWriter {
  /** A sign of life; written no oftener than every few seconds. */
  alive(step: number): void;
  end(state: Exclude<RunStatus['state'], 'going'>, message?: string): void;
}

const LEAST_INTERVAL_S = 2;

/** Starts a run's status as `going`. */
export function openStatus(run: string, step: number, steps: number, now_s: () => number): StatusWriter {
  const started = isoTime(now_s());
  let last = step;
  let written_s = Number.NEGATIVE_INFINITY;
  const write = (state: RunStatus['state'], message?: string) => {
    written_s = now_s();
    const status: RunStatus = { state, step: last, steps, started, updated: isoTime(written_s), message, tool: TOOL };
    // Renamed into its place: a reader meets the old status or the new one, never half of it.
    const temporary = join(run, `.${STATUS_FILE}.${process.pid}.tmp`);
    writeFileSync(temporary, `${JSON.stringify(status)}\n`);
    renameSync(temporary, join(run, STATUS_FILE));
  };
  write('going');
  return {
    alive(done) {
      last = done;
      if (now_s() - written_s >= LEAST_INTERVAL_S) write('going');
    },
    end: write,
  };
}

function isoTime(time_s: number): string {
  return new Date(1000 * time_s).toISOString();
}
