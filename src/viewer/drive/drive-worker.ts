// The worker of the page "Drive": runs the session against the clock and answers the page.
//
// One thread: physics, policy and clock. Static hosts give no cross-origin isolation, without which there are no shared
// threads; a control step needs none. Messages of the page wait until the step under way is done.

import * as ort from 'onnxruntime-web/wasm';
import { isUserError } from '../../base/errors.js';
import { decodeBundle } from '../../policy/bundle.js';
import { sha256 } from '../../robot/sha256.js';
import { type OrtModule, onnxRuntime } from '../../runtime/onnx.js';
import { buildModel } from '../../sim/build-model.js';
import { Engine } from '../../sim/mujoco.js';
import { unpackRobot } from '../../sim/robot-pack.js';
import { createMessageYield } from '../message-yield.js';
import type { Problem } from '../page.js';
import { geometryOfModel } from '../scene/model-geometry.js';
import { type Axes, commandOfAxes, rampAxes, STILL } from './command-input.js';
import { createDriveClock } from './drive-clock.js';
import { createDriveSession, type DriveFrame, type DriveSession } from './drive-session.js';
import type { FromWorker, ToWorker } from './protocol.js';

const STATUS_MS = 250;

interface WorkerScope {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}

type Opening = Extract<ToWorker, { type: 'open' }>;

const scope = self as unknown as WorkerScope;
start(scope);

/** Waits for the files, then runs until the page ends the worker. */
function start(page: WorkerScope): void {
  const waiting: ToWorker[] = [];
  let wake = () => {};
  page.onmessage = ({ data }) => {
    waiting.push(data);
    wake();
  };
  /** Lets messages in, and comes back at a message or after a time. */
  const pause = (wait_ms: number) =>
    new Promise<void>((resolve) => {
      if (waiting.length > 0) return resolve();
      const timer = Number.isFinite(wait_ms) ? setTimeout(resolve, wait_ms) : undefined;
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  void run(page, waiting, pause).catch((error: unknown) => {
    page.postMessage({ type: 'problem', problem: problemOf(error) });
  });
}

async function run(page: WorkerScope, waiting: ToWorker[], pause: (wait_ms: number) => Promise<void>): Promise<void> {
  while (waiting[0]?.type !== 'open') {
    waiting.shift();
    await pause(Number.POSITIVE_INFINITY);
  }
  const session = await open(page, waiting.shift() as Opening);
  const clock = createDriveClock(session.rate_hz);
  const yieldToMessages = createMessageYield();
  const meter = createStepMeter();
  let wanted: Axes = STILL;
  let axes: Axes = STILL;
  let lastStatus_ms = performance.now();

  const step = async () => {
    axes = rampAxes(axes, wanted, 1 / session.rate_hz);
    const frame = await session.step(commandOfAxes(axes, session.commandRange));
    meter.add(frame);
    page.postMessage({ type: 'frame', frame });
  };
  const answer = async (message: ToWorker) => {
    switch (message.type) {
      case 'axes':
        wanted = message.axes;
        return;
      case 'run':
        if (message.running && !clock.running) clock.start(performance.now());
        if (!message.running) clock.stop();
        return;
      case 'step':
        if (!clock.running) await step();
        return;
      case 'reset':
        axes = STILL;
        page.postMessage({ type: 'frame', frame: session.reset() });
        return;
      case 'push':
        session.push(message.push);
        return;
      case 'terrain':
        axes = STILL;
        page.postMessage({ type: 'frame', frame: await session.setTerrain(message.kind) });
        page.postMessage({ type: 'terrain', kind: message.kind });
        if (clock.running) clock.start(performance.now());
        return;
      case 'payload':
        session.setPayload(message.payload_kg);
        return;
      case 'record':
        if (message.recording) session.recorder.start();
        else finishRecording(page, session);
        return;
      case 'open':
        throw new Error('a worker drives one policy');
    }
  };

  for (;;) {
    for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) await answer(message);
    const now_ms = performance.now();
    if (clock.take(now_ms)) {
      await step();
      await yieldToMessages();
    } else {
      await pause(clock.wait_ms(now_ms));
    }
    if (clock.running && now_ms - lastStatus_ms >= STATUS_MS) {
      lastStatus_ms = now_ms;
      page.postMessage({ type: 'status', status: { ...clock.report(now_ms), ...meter.take() } });
    }
  }
}

async function open(page: WorkerScope, { description, weights, robot, where }: Opening): Promise<DriveSession> {
  const start_ms = performance.now();
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const bundle = decodeBundle(description, weights, where);
  const loaded = unpackRobot(robot, `${where}/robot.zip`);
  const weightsSha256 = sha256(weights);
  const runtime = await onnxRuntime({ ort: ort as unknown as OrtModule });
  const engine = await Engine.load();
  const now_ms = () => performance.now();
  const session = await createDriveSession({ bundle, loaded, runtime, engine, weightsSha256, now_ms });
  const { model } = buildModel(engine, loaded.source, loaded.config, loaded.robot);
  const { geometry, meshBytes } = geometryOfModel(model, loaded.robot);
  model.delete();
  const open_ms = performance.now() - start_ms;
  // Engines are slow on their first run: it is done before anybody watches.
  await session.step([0, 0, 0]);
  const firstStep_ms = performance.now() - start_ms;
  const frame = session.reset();
  page.postMessage({
    type: 'opened',
    opened: {
      policy: bundle.name,
      robot: loaded.robot,
      geometry,
      meshBytes,
      commandRange: session.commandRange,
      rangeIsKnown: session.rangeIsKnown,
      foretells: session.foretells,
      rate_hz: session.rate_hz,
      parameterCount: Object.values(bundle.parameters).reduce((sum, { length }) => sum + length, 0),
      open_ms,
      firstStep_ms,
    },
    frame,
  });
  return session;
}

function finishRecording(page: WorkerScope, session: DriveSession): void {
  const { frames } = session.recorder;
  const name = `driven-${new Date().toISOString().slice(0, 19).replaceAll(':', '').replace('T', '-')}`;
  const shard = session.recorder.finish(name);
  const transfer = shard === undefined ? [] : [shard.buffer as ArrayBuffer];
  page.postMessage({ type: 'recorded', shard, name, frames }, transfer);
}

function createStepMeter() {
  let policy_ms = 0;
  let physics_ms = 0;
  let count = 0;
  return {
    add(frame: DriveFrame) {
      policy_ms += frame.policy_ms;
      physics_ms += frame.physics_ms;
      count++;
    },
    take() {
      const means = { policy_ms: policy_ms / Math.max(1, count), physics_ms: physics_ms / Math.max(1, count) };
      policy_ms = 0;
      physics_ms = 0;
      count = 0;
      return means;
    },
  };
}

function problemOf(error: unknown): Problem {
  if (isUserError(error)) return { what: 'The policy cannot be driven', fix: error.message };
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (error instanceof WebAssembly.CompileError || error instanceof WebAssembly.RuntimeError || /wasm/i.test(detail)) {
    return {
      what: 'The physics or the policy could not be run in this browser',
      fix: 'Use a current Firefox, Chrome, Edge or Safari with WebAssembly, and reload. If this copy of the viewer lies on a web host, check that its .wasm files were copied too.',
      detail,
    };
  }
  return {
    what: 'Driving stopped on an error of its own',
    fix: 'Reload the page. If it comes again, please report it with the text below.',
    detail,
  };
}
