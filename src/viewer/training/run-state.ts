// How a run stands: going, finished, stopped, failed, or silent (killed, or its machine is off), in words for people.

import type { RunStatus } from '../../train/run-status.js';

export type RunState = 'going' | 'finished' | 'stopped' | 'failed' | 'silent' | 'unknown';

export interface RunFacts {
  /** What the training wrote of itself; absent in folders that older versions wrote. */
  readonly status?: RunStatus;
  /** The newest line's step, 0 where there is none; and the configured number of steps. */
  readonly step: number;
  readonly steps: number;
  /** Steps between lines of metrics, and their rate where it is known. */
  readonly metricsEvery: number;
  readonly stepsPerSecond?: number;
  /** Seconds since the page saw the metrics grow, or since it opened; and whether it ever saw them grow. */
  readonly quiet_s: number;
  readonly sawGrowth: boolean;
  readonly now: Date;
}

export interface RunDescription {
  readonly state: RunState;
  /** One word or two for a badge. */
  readonly label: string;
  /** A sentence, and what to do where there is something to do. */
  readonly text: string;
}

/** Silence that is not yet worth a word (s): validation and checkpoints take their time. */
const PATIENCE_S = 60;
const PATIENCE_LINES = 5;

/** @param run the run's folder as the user would name it, for the line that resumes it */
export function describeRun(facts: RunFacts, run: string): RunDescription {
  const { status, steps, metricsEvery, stepsPerSecond } = facts;
  const step = Math.max(facts.step, status?.step ?? 0);
  const patience_s = Math.max(PATIENCE_S, stepsPerSecond ? (PATIENCE_LINES * metricsEvery) / stepsPerSecond : 0);
  const resume = `Go on with: nextgait train --resume ${run}`;
  if (status?.state === 'failed') {
    return {
      state: 'failed',
      label: 'failed',
      text: `Failed after step ${step}: ${status.message ?? 'no reason given'}`,
    };
  }
  if (status?.state === 'finished' || step >= steps) {
    return { state: 'finished', label: 'finished', text: `All ${steps} steps are done.` };
  }
  const at = `step ${step} of ${steps}`;
  if (status?.state === 'stopped')
    return { state: 'stopped', label: 'stopped', text: `Stopped and saved at ${at}. ${resume}` };
  const silence_s = status === undefined ? facts.quiet_s : (facts.now.getTime() - Date.parse(status.updated)) / 1000;
  const isAlive = silence_s < patience_s;
  if (status !== undefined) {
    if (isAlive) return { state: 'going', label: 'going', text: goingText(facts, step) };
    const since = `No sign of life for ${durationText(silence_s)}`;
    return { state: 'silent', label: 'silent', text: `${since}, at ${at}: killed, or its machine is off. ${resume}` };
  }
  if (facts.sawGrowth && isAlive) return { state: 'going', label: 'going', text: goingText(facts, step) };
  if (facts.sawGrowth) {
    const text = `No new line for ${durationText(silence_s)}, at ${at}: it was stopped or it failed. ${resume}`;
    return { state: 'silent', label: 'silent', text };
  }
  return {
    state: 'unknown',
    label: 'not finished',
    text: `At ${at}; no new line since this page was opened. ${resume}`,
  };
}

function goingText({ steps, stepsPerSecond }: RunFacts, step: number): string {
  const left = stepsPerSecond ? `; about ${durationText((steps - step) / stepsPerSecond)} left` : '';
  return `Step ${step} of ${steps}${left}.`;
}

/** `45 s`, `12 min`, `3 h 05 min`, `2 days 4 h`. */
export function durationText(duration_s: number): string {
  const seconds = Math.max(0, Math.round(duration_s));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${Math.floor(hours / 24)} days ${hours % 24} h`;
}
