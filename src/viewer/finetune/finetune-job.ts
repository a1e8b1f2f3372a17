// A training that runs in a worker, as the page sees it. It outlives the page: one drives the policy meanwhile, comes
// back, and finds it further on.

import type { MetricsLine } from '../../train/metrics.js';
import type { Problem } from '../page.js';
import { type Curves, createCurves } from '../training/curves.js';
import type { FromTrainer, PreparedTraining, StartTraining, ToTrainer } from './protocol.js';

export type JobState = 'preparing' | 'training' | 'held' | 'finished' | 'stopped' | 'failed';

/** The policy after so many steps: files of its bundle by name. */
export interface TrainedPolicy {
  readonly step: number;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

export interface FinetuneJob {
  readonly name: string;
  readonly steps: number;
  readonly state: JobState;
  readonly curves: Curves;
  readonly prepared?: PreparedTraining;
  readonly policy?: TrainedPolicy;
  readonly problem?: Problem;
  /** What the training had to say of the data. */
  readonly notes: readonly string[];
  hold(held: boolean): void;
  /** Ends it after the step under way; its policy stays. */
  stop(): void;
  /** Calls back after each change; returns how to stop that. */
  listen(listener: () => void): () => void;
  dispose(): void;
}

/** @param worker a fresh finetune-worker */
export function startFinetuneJob(worker: Worker, start: StartTraining): FinetuneJob {
  const curves = createCurves();
  const listeners = new Set<() => void>();
  const notes: string[] = [];
  let state: JobState = 'preparing';
  /** Told to stop: only the step under way is still done. */
  let isStopping = false;
  let prepared: PreparedTraining | undefined;
  let policy: TrainedPolicy | undefined;
  let problem: Problem | undefined;
  const send = (message: ToTrainer) => worker.postMessage(message);
  const isOver = () => state === 'finished' || state === 'stopped' || state === 'failed';
  const fail = (found: Problem) => {
    problem = found;
    state = 'failed';
    worker.terminate();
  };
  const receive = (message: FromTrainer) => {
    switch (message.type) {
      case 'prepared':
        prepared = message.prepared;
        if (state === 'preparing') state = 'training';
        return;
      case 'metrics':
        curves.add([message.line satisfies MetricsLine]);
        return;
      case 'policy':
        policy = { step: message.step, files: message.files };
        return;
      case 'note':
        notes.push(message.text);
        return;
      case 'ended':
        state = message.finished ? 'finished' : 'stopped';
        worker.terminate();
        return;
      case 'problem':
        fail(message.problem);
        return;
    }
  };
  const tell = () => {
    for (const listener of listeners) listener();
  };
  worker.onmessage = ({ data }: MessageEvent<FromTrainer>) => {
    receive(data);
    tell();
  };
  worker.onerror = (event) => {
    event.preventDefault();
    fail({
      what: 'The part of the app that trains could not be loaded, or it broke off',
      fix: 'Reload the page. If this copy of the viewer lies on a web host, check that all of its files were copied.',
      detail: event.message ?? 'the worker did not start',
    });
    tell();
  };
  // Whichever page is shown, a reload would end the training.
  const onLeave = (event: Event) => {
    if (!isOver()) event.preventDefault();
  };
  window.addEventListener('beforeunload', onLeave);
  send(start);
  return {
    name: start.config.name,
    steps: start.config.train.steps,
    curves,
    notes,
    get state() {
      return state;
    },
    get prepared() {
      return prepared;
    },
    get policy() {
      return policy;
    },
    get problem() {
      return problem;
    },
    hold(held) {
      if (isOver() || isStopping || state === 'preparing') return;
      state = held ? 'held' : 'training';
      send({ type: 'hold', held });
      tell();
    },
    stop() {
      if (state === 'preparing') {
        state = 'stopped';
        worker.terminate();
        tell();
      } else if (!isOver()) {
        isStopping = true;
        send({ type: 'stop' });
      }
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispose() {
      listeners.clear();
      window.removeEventListener('beforeunload', onLeave);
      worker.terminate();
    },
  };
}
