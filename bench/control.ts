// Time of one control step: one action of the base preset for one robot, full window, one thread; and of many robots at
// once, as actions a second.
//
// Ours is Controller.act() as recording and evaluation call it, history included: the graph made from the weights, and
// the exported policy.onnx. PyTorch (bench/peers/control_step.py) has the same weights and window, and its action is
// compared first; it predicts at all positions, as its users write it, where ours computes the newest alone after the last
// attention. All take turns in one run, so that whatever else the machine does falls on each of them.
// Goal: median under 0.15 ms, p99 under 0.4 ms; batched twice PyTorch's actions a second.
//
// Run: npm run bench -- control.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { loadConfig } from '../src/base/config-file.js';
import { packagePath } from '../src/base/files.js';
import { Random } from '../src/base/random.js';
import { exportPolicy } from '../src/export/export-policy.js';
import { initialParameters, parameterCount, parameterSpecs } from '../src/model/parameters.js';
import type { PolicyBundle } from '../src/policy/bundle.js';
import type { Controller, RobotState } from '../src/policy/controller.js';
import { createObservationWriter } from '../src/policy/observation.js';
import { loadPolicyController } from '../src/sim/load-policy.js';
import { loadRobot } from '../src/sim/load-robot.js';
import { createTokenSpec, rowWidth } from '../src/tokens/token-spec.js';
import { trainConfigSchema } from '../src/train/train-config.js';
import {
  type BenchResult,
  type BenchRow,
  type BenchTable,
  commandOf,
  interleave,
  machineNote,
  spreadOf,
} from './result.js';

export interface ControlBenchOptions {
  readonly rounds: number;
  /** Control steps of each contender in a round. */
  readonly steps: number;
  /** Robots of the batched step. */
  readonly robots: number;
  /** Python with PyTorch; without it PyTorch is left out. */
  readonly python: string;
}

/** Robots of a PyTorch call that stays in the processor's cache, as ours does: a user may split the robots too. */
const FEW = 16;

interface Contender {
  readonly name: string;
  /** Times of so many steps (ms). */
  run(steps: number): Promise<readonly number[]>;
}

export async function controlBench({ rounds, steps, robots, python }: ControlBenchOptions): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'nextgait-control-'));
  const bundle = await basePolicy();
  const { tokens, model } = bundle;
  let peer: PythonPeer | undefined;
  try {
    await exportPolicy(bundle, folder);
    const script = scriptOf(bundle, tokens.context);
    const controllers = await Promise.all(
      (['weights', 'onnx'] as const).map(async (from) => loadPolicyController(folder, { from })),
    );
    const names = ['nextgait, graph from weights', 'nextgait, policy.onnx'];
    const contenders: Contender[] = controllers.map((controller, at) => ({
      name: names[at],
      run: (count) => timeController(controller, script, count, 1),
    }));
    const together = await loadPolicyController(folder, { from: 'weights', slotCount: robots });
    const batched: Contender[] = [
      { name: 'nextgait, graph from weights', run: (count) => timeController(together, script, count, robots) },
    ];
    const actions = await playScript(controllers[0], script);
    const notes: string[] = [];
    try {
      peer = await PythonPeer.start(python, folder);
      const theirs = await peer.setWindow(windowOf(bundle, script, actions));
      const ours = actions[actions.length - 1];
      const difference_rad = Math.max(...theirs.map((value, joint) => Math.abs(value - ours[joint])));
      notes.push(`Our action is PyTorch's within ${difference_rad.toExponential(1)} rad.`);
      for (const mode of ['eager', 'compile'] as const) {
        const python = peer;
        const name = `PyTorch ${peer.version}, ${mode}`;
        contenders.push({ name, run: (count) => python.time(mode, count, 1) });
        batched.push({ name, run: (count) => python.time(mode, count, robots) });
        if (robots > FEW && robots % FEW === 0) batched.push(inParts(python, name, mode, robots / FEW));
      }
    } catch (error) {
      notes.push(`PyTorch is not here: ${(error as Error).message}`);
    }
    const tables = [
      ...(await takeTurns(contenders, rounds, steps)),
      await takeTurnsTogether(batched, rounds, Math.max(3, Math.round(steps / 20)), robots),
    ];
    for (const controller of [...controllers, together]) await controller.dispose();
    const millions = (parameterCount(parameterSpecs(model, tokens)) / 1e6).toFixed(2);
    return {
      bench: robots === 256 ? 'control' : `control-${robots}`,
      about:
        `One control step of one robot, and of ${robots} at once: ${millions}M parameters, full window of ${tokens.context}, one thread, ` +
        `history included; ${steps} steps a round.`,
      command: commandOf('control', { rounds, steps, robots, python: python === 'python3' ? undefined : python }),
      machine: await machineNote(),
      tables,
      notes,
    };
  } finally {
    peer?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The base preset on the bundled robot, with initial weights: time does not depend on their values. */
async function basePolicy(): Promise<PolicyBundle> {
  const config = await loadConfig(trainConfigSchema, packagePath('configs', 'train', 'base.yaml'));
  const { robot } = await loadRobot('g1');
  const tokens = createTokenSpec(config.tokens, robot, robot.control.rate_hz);
  const width = rowWidth(tokens);
  return {
    name: 'control-bench',
    model: config.model,
    tokens,
    normaliser: { mean: new Array(width).fill(0.125), deviation: new Array(width).fill(0.5) },
    robot,
    parameters: initialParameters(parameterSpecs(config.model, tokens), new Random(1)),
    provenance: { made: 'for timing, untrained' },
  };
}

interface Script {
  readonly states: readonly RobotState[];
  readonly commands: Float64Array;
}

function scriptOf({ robot }: PolicyBundle, count: number): Script {
  const random = new Random(2);
  const values = (width: number) => Float64Array.from({ length: width }, () => Math.fround(random.normal()));
  const joints = robot.jointNames.length;
  const state = (): RobotState => ({
    time_s: 0,
    basePosition_m: values(3),
    baseQuaternion: Float64Array.of(1, 0, 0, 0),
    baseAngularVelocity_radps: values(3),
    baseLinearVelocity_mps: values(3),
    projectedGravity: values(3),
    jointPosition_rad: values(joints),
    jointVelocity_radps: values(joints),
    torque_Nm: values(joints),
    footContact: values(robot.feet.length),
    sensors: {},
  });
  return { states: Array.from({ length: count }, state), commands: Float64Array.of(0.5, 0, 0.25) };
}

/** Fills the window once; returns every action. */
async function playScript(controller: Controller, { states, commands }: Script): Promise<Float64Array[]> {
  controller.reset(0);
  const actions: Float64Array[] = [];
  for (const state of states) {
    const action = new Float64Array(controller.robot.jointNames.length);
    await controller.act([0], [state], commands, action);
    actions.push(action);
  }
  return actions;
}

/** Steps of so many robots, which all live through the script. */
async function timeController(
  controller: Controller,
  script: Script,
  count: number,
  robots: number,
): Promise<number[]> {
  const slots = Array.from({ length: robots }, (_, slot) => slot);
  const commands = Float64Array.from({ length: 3 * robots }, (_, at) => script.commands[at % 3]);
  const actions = new Float64Array(robots * controller.robot.jointNames.length);
  for (const slot of slots) controller.reset(slot);
  for (const state of script.states) await controller.act(slots, new Array(robots).fill(state), commands, actions);
  const times_ms: number[] = [];
  for (let step = 0; step < count; step++) {
    const states = new Array<RobotState>(robots).fill(script.states[step % script.states.length]);
    const started = performance.now();
    await controller.act(slots, states, commands, actions);
    times_ms.push(performance.now() - started);
  }
  return times_ms;
}

interface Window {
  readonly observation: readonly number[];
  readonly previous_action: readonly number[];
  readonly newest: number;
}

/** The window that the controller had at the last step of the script. */
function windowOf({ tokens, robot }: PolicyBundle, script: Script, actions: readonly Float64Array[]): Window {
  const { context, observationWidth: m, actionWidth: n } = tokens;
  const write = createObservationWriter(tokens, robot);
  const observation = new Float32Array(context * m);
  const previous = new Float32Array(context * n);
  script.states.forEach((state, step) => {
    write(state, script.commands, 0, observation, step * m);
    if (step > 0) previous.set(actions[step - 1], step * n);
  });
  return { observation: Array.from(observation), previous_action: Array.from(previous), newest: context - 1 };
}

/** PyTorch with the robots in so many calls. */
function inParts(python: PythonPeer, name: string, mode: PythonMode, parts: number): Contender {
  return {
    name: `${name}, ${FEW} robots a call`,
    async run(steps) {
      const times_ms = await python.time(mode, steps * parts, FEW);
      const sum = (of: readonly number[]) => of.reduce((total, time_ms) => total + time_ms, 0);
      return Array.from({ length: steps }, (_, step) => sum(times_ms.slice(step * parts, (step + 1) * parts)));
    },
  };
}

/** Median and 99th percentile of the steps of each round. */
async function takeTurns(contenders: readonly Contender[], rounds: number, steps: number): Promise<BenchTable[]> {
  for (const contender of contenders) await contender.run(200);
  const isPeer = (name: string) => !name.startsWith('nextgait');
  const p99 = contenders.map((): number[] => []);
  const medians = await interleave(
    contenders.map(({ name, run }, at) => ({
      name,
      peer: isPeer(name),
      run: async () => {
        const sorted = [...(await run(steps))].sort((a, b) => a - b);
        p99[at].push(sorted[Math.floor(0.99 * (sorted.length - 1))]);
        return sorted[sorted.length >> 1];
      },
    })),
    rounds,
  );
  const table = (title: string, rows: readonly BenchRow[]): BenchTable => ({ title, unit: 'ms', better: 'less', rows });
  return [
    table('median of a round', medians),
    table(
      '99th percentile of a round',
      medians.map((row, at) => ({ ...row, rounds: p99[at] })),
    ),
  ];
}

/** Actions a second of the median step of each round. */
async function takeTurnsTogether(
  contenders: readonly Contender[],
  rounds: number,
  steps: number,
  robots: number,
): Promise<BenchTable> {
  for (const contender of contenders) await contender.run(3);
  const turns = contenders.map(({ name, run }, at) => ({
    name,
    peer: at > 0,
    run: async () => (1000 * robots) / spreadOf(await run(steps)).median,
  }));
  const rows = await interleave(turns, rounds);
  return { title: `${robots} robots at once`, unit: 'actions a second', better: 'more', rows };
}

type PythonMode = 'eager' | 'compile';

/** The Python process: one JSON line in, one out. */
class PythonPeer {
  readonly version: string;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(process: ChildProcessWithoutNullStreams, lines: AsyncIterator<string>, version: string) {
    this.#process = process;
    this.#lines = lines;
    this.version = version;
  }

  /** @throws with the last line that Python wrote where it does not start */
  static async start(python: string, bundle: string): Promise<PythonPeer> {
    const process = spawn(python, [packagePath('bench', 'peers', 'control_step.py'), bundle]);
    const errors: string[] = [];
    process.stderr.on('data', (text) => errors.push(String(text)));
    const failed = new Promise<never>((_, reject) => process.once('error', reject));
    const lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
    const first = await Promise.race([lines.next(), failed]);
    if (first.done === true) throw new Error(errors.join('').trim().split('\n').at(-1) ?? 'no answer');
    return new PythonPeer(process, lines, (JSON.parse(first.value) as { torch: string }).torch);
  }

  async setWindow(window: Window): Promise<number[]> {
    return (await this.#ask<{ action: number[] }>(window)).action;
  }

  async time(mode: PythonMode, steps: number, robots: number): Promise<number[]> {
    return (await this.#ask<{ ms: number[] }>({ mode, steps, robots })).ms;
  }

  stop(): void {
    this.#process.stdin.end();
    this.#process.kill();
  }

  async #ask<Answer>(request: object): Promise<Answer> {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const answer = await this.#lines.next();
    if (answer.done === true) throw new Error('the Python peer ended');
    return JSON.parse(answer.value) as Answer;
  }
}
