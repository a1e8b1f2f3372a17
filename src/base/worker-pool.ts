// A pool of worker threads that each do one job at a time, and the worker's side of it.
//
// A worker is a compiled script (dist/) that sets itself up once from plain data (its own physics, its own sessions)
// and then answers jobs. Results come back in the order of the jobs, whichever worker did them, so that what is
// written does not depend on the number of workers.

import { parentPort, Worker, workerData } from 'node:worker_threads';
import { DataError, type DataErrorDetail, FindingsError } from './errors.js';
import { packagePath } from './files.js';

export interface WorkerPool<Job, Result> {
  /** Workers. */
  readonly size: number;
  /** Does a job on the next free worker. @throws what the job threw; user errors keep their kind */
  run(job: Job): Promise<Result>;
  /** Lets the workers finish their jobs and end. */
  dispose(): Promise<void>;
}

/** What a worker does: made once for each thread. */
export interface JobServer<Job, Result> {
  run(job: Job): Promise<{ readonly result: Result; readonly transfer: readonly ArrayBuffer[] }>;
  dispose(): Promise<void>;
}

interface Request {
  readonly number: number;
  readonly job?: unknown;
}
type Reply = { readonly number: number } & ({ readonly result: unknown } | { readonly failure: Failure });
type Failure =
  | { readonly findings: readonly DataErrorDetail[] }
  | { readonly message: string; readonly stack?: string };

/** Number of the message that answers the setup, or asks for the end. */
const SETUP = -1;
const END = -2;

/**
 * Starts `size` workers and waits until each is set up.
 * @param script the compiled worker, as packagePath() takes it: `dist/src/sim/record-worker.js`
 * @param data what every worker is set up from; copied to each
 * @param jobsAhead jobs that a worker may have at a time: it takes the next one without a word from this thread
 * @throws what the setup threw
 */
export async function startWorkerPool<Data, Job, Result>(
  script: string,
  data: Data,
  size: number,
  jobsAhead = 1,
): Promise<WorkerPool<Job, Result>> {
  const path = packagePath(script);
  const members = Array.from({ length: size }, () => new Member(new Worker(path, { workerData: data })));
  try {
    await Promise.all(members.map((member) => member.ready));
  } catch (error) {
    await Promise.all(members.map((member) => member.end()));
    throw error;
  }
  const free = Array.from({ length: jobsAhead }, () => members).flat();
  const waiting: ((member: Member) => void)[] = [];
  return {
    size,
    async run(job) {
      const member = free.shift() ?? (await new Promise<Member>((resolve) => waiting.push(resolve)));
      try {
        return (await member.run(job)) as Result;
      } finally {
        const next = waiting.shift();
        if (next === undefined) free.push(member);
        else next(member);
      }
    },
    async dispose() {
      await Promise.all(members.map((member) => member.end()));
    },
  };
}

/**
 * Does jobs side by side and yields their results in the jobs' order.
 * @param ahead how many jobs may be under way or waiting for their turn
 * @param signal once aborted, no further job is begun; those that are under way are yielded
 */
export async function* inOrder<Job, Result>(
  jobs: Iterable<Job>,
  run: (job: Job) => Promise<Result>,
  ahead: number,
  signal?: AbortSignal,
): AsyncGenerator<Result> {
  const underWay: Promise<Result>[] = [];
  for (const job of jobs) {
    if (signal?.aborted) break;
    const result = run(job);
    // The failure is seen where the result is awaited, which may be later than the event loop tolerates.
    result.catch(() => {});
    underWay.push(result);
    if (underWay.length >= ahead) yield await underWay.shift()!;
  }
  while (underWay.length > 0) yield await underWay.shift()!;
}

/** The worker's side: sets up from the pool's data, then answers jobs until it is told to end. */
export async function serveJobs<Data, Job, Result>(
  setUp: (data: Data) => Promise<JobServer<Job, Result>>,
): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('serveJobs() runs in a worker thread');
  const reply = (message: Reply, transfer: readonly ArrayBuffer[] = []) => port.postMessage(message, transfer);
  let server: JobServer<Job, Result>;
  try {
    server = await setUp(workerData as Data);
  } catch (error) {
    reply({ number: SETUP, failure: failureOf(error) });
    port.close();
    return;
  }
  port.on('message', async ({ number, job }: Request) => {
    try {
      if (number === END) {
        await server.dispose();
        port.close();
        return;
      }
      const { result, transfer } = await server.run(job as Job);
      reply({ number, result }, transfer);
    } catch (error) {
      reply({ number, failure: failureOf(error) });
    }
  });
  reply({ number: SETUP, result: undefined });
}

/** One worker thread and the job it is at. */
class Member {
  readonly ready: Promise<unknown>;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #pending = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #count = 0;
  #failure: Error | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.ready = this.#expect(SETUP);
    worker.on('message', (message: Reply) => this.#settle(message));
    worker.on('error', (error) => this.#failAll(error as Error));
    this.#ended = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#failAll(new Error('a worker thread ended in the middle of its job'));
        resolve();
      });
    });
  }

  run(job: unknown): Promise<unknown> {
    const number = this.#count++;
    const result = this.#expect(number);
    this.#worker.postMessage({ number, job } satisfies Request);
    return result;
  }

  async end(): Promise<void> {
    await this.ready.catch(() => {});
    this.#worker.postMessage({ number: END } satisfies Request);
    await this.#ended;
  }

  #expect(number: number): Promise<unknown> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => this.#pending.set(number, { resolve, reject }));
  }

  #settle(message: Reply): void {
    const pending = this.#pending.get(message.number);
    this.#pending.delete(message.number);
    if ('result' in message) pending?.resolve(message.result);
    else pending?.reject(errorOf(message.failure));
  }

  #failAll(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof FindingsError) return { findings: error.findings };
  if (error instanceof DataError) return { findings: [error.detail] };
  if (error instanceof Error) return { message: error.message, stack: error.stack };
  return { message: String(error) };
}

function errorOf(failure: Failure): Error {
  if ('findings' in failure) {
    return failure.findings.length === 1 ? new DataError(failure.findings[0]) : new FindingsError(failure.findings);
  }
  const error = new Error(failure.message);
  if (failure.stack !== undefined) error.stack = failure.stack;
  return error;
}
