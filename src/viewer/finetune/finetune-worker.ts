// The worker of the page "Fine-tune": trains until it is done or told to stop, and lets the page hold it between steps.

import { decodeBundle } from '../../policy/bundle.js';
import { createMessageYield } from '../message-yield.js';
import type { Problem } from '../page.js';
import { problemOf } from '../shell/problem.js';
import { createFinetuneSession } from './finetune-session.js';
import type { FromTrainer, StartTraining, ToTrainer } from './protocol.js';
import { trainingEngine } from './training-engine.js';
import { shardOfBlob } from './training-shards.js';

interface WorkerScope {
  postMessage(message: FromTrainer, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToTrainer>) => void) | null;
}

const scope = self as unknown as WorkerScope;
listen(scope);

function listen(page: WorkerScope): void {
  const stop = new AbortController();
  const yieldToMessages = createMessageYield();
  let held: Promise<void> | undefined;
  let release = () => {};
  const hold = (isHeld: boolean) => {
    release();
    held = undefined;
    if (!isHeld) return;
    held = new Promise((resolve) => {
      release = resolve;
    });
  };
  page.onmessage = ({ data }) => {
    if (data.type === 'hold') return hold(data.held);
    if (data.type === 'stop') {
      stop.abort();
      return hold(false);
    }
    const beforeStep = async () => {
      await yieldToMessages();
      while (held !== undefined) await held;
    };
    run(page, data, { signal: stop.signal, beforeStep }).catch((error: unknown) => {
      page.postMessage({ type: 'problem', problem: trainingProblem(error) });
    });
  };
}

async function run(
  page: WorkerScope,
  { config, engine, shards, start }: StartTraining,
  control: { readonly signal: AbortSignal; readonly beforeStep: () => Promise<void> },
): Promise<void> {
  const runtime = await trainingEngine(engine);
  const note = (text: string) => page.postMessage({ type: 'note', text });
  const session = await createFinetuneSession(
    {
      config,
      shards: shards.map(({ blob, name }) => shardOfBlob(blob, name)),
      ...(start === undefined ? {} : { start: decodeBundle(start.description, start.weights, start.where) }),
    },
    { runtime, log: { info: () => {}, warn: note }, now_s: () => performance.now() / 1000 },
  );
  const { parameterCount, report } = session;
  page.postMessage({ type: 'prepared', prepared: { engine: runtime.description, parameterCount, report } });
  const { step, finished } = await session.run({
    ...control,
    onMetrics: (line) => page.postMessage({ type: 'metrics', line }),
    onPolicy: (done, files) => page.postMessage({ type: 'policy', step: done, files }, buffersOf(files)),
  });
  page.postMessage({ type: 'ended', step, finished });
}

function buffersOf(files: Readonly<Record<string, Uint8Array>>): Transferable[] {
  return Object.values(files).map(({ buffer }) => buffer as ArrayBuffer);
}

function trainingProblem(error: unknown): Problem {
  const problem = problemOf(error);
  if (problem.detail !== undefined && /wasm|webgpu|out of memory|allocation/i.test(problem.detail)) {
    return {
      what: 'The training could not be run in this browser',
      fix: 'Choose fewer shards or smaller batches, or the other engine; close other pages. If this copy of the viewer lies on a web host, check that its .wasm files were copied too. nextgait train has none of these limits.',
      detail: problem.detail,
    };
  }
  return error instanceof Error && error.name === 'DataError'
    ? { what: 'This training cannot go on', fix: error.message }
    : problem;
}
