// Time of one control step: one action of the base preset for one robot, full window, one thread.
//
// Ours is Controller.act() as recording and evaluation call it, history included: the graph made from the weights, and
// the exported policy.onnx. PyTorch (bench/peers/control_step.py) has the same weights and window, and its action is
// compared first; it predicts at all positions, as its users write it, where ours computes the newest alone after the last
// attention. All take turns in one run, so that whatever else the machine does falls on each of them.
// Goal: median under 0.5 ms, p99 under 1 ms.
//
// Run: node dist/bench/main.js control, or node dist/bench/control.js [--out control.json] [--python python3].

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
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

export const CONTROL_BENCH_DEFAULTS = { rounds: 30, steps: 100, python: 'python3' } as const;

export interface ControlBenchOptions {
  /** Turns of each contender, and control steps in a turn. */
  readonly rounds?: number;
  readonly steps?: number;
  /** Python with PyTorch; without it PyTorch is left out. */
  readonly python?: string;
}

export interface ControlTimes {
  readonly contender: string;
  readonly median_ms: number;
  readonly p99_ms: number;
  readonly steps: number;
}

export interface ControlBenchResult {
  readonly preset: string;
  readonly robot: string;
  readonly parameterCount: number;
  readonly context: number;
  readonly times: readonly ControlTimes[];
  /** Largest difference between our action and PyTorch's (rad), or why there is none. */
  readonly peer: { readonly torch: string; readonly difference_rad: number } | { readonly absent: string };
}

interface Contender {
  readonly name: string;
  /** Times of so many steps (ms). */
  run(steps: number): Promise<readonly number[]>;
}

export async function benchControl(options: ControlBenchOptions = {}): Promise<ControlBenchResult> {
  const { rounds, steps, python } = { ...CONTROL_BENCH_DEFAULTS, ...options };
  const folder = await mkdtemp(join(tmpdir(), 'nextgait-control-'));
  const bundle = await basePolicy();
  const { tokens } = bundle;
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
      run: (count) => timeController(controller, script, count),
    }));
    const actions = await playScript(controllers[0], script);
    let found: ControlBenchResult['peer'];
    try {
      peer = await PythonPeer.start(python, folder);
      const theirs = await peer.setWindow(windowOf(bundle, script, actions));
      const ours = actions[actions.length - 1];
      const difference_rad = Math.max(...theirs.map((value, joint) => Math.abs(value - ours[joint])));
      found = { torch: peer.version, difference_rad };
      for (const mode of ['eager', 'compile'] as const) {
        const python = peer;
        contenders.push({ name: `PyTorch ${peer.version}, ${mode}`, run: (count) => python.time(mode, count) });
      }
    } catch (error) {
      found = { absent: (error as Error).message };
    }
    const times = await takeTurns(contenders, rounds, steps);
    for (const controller of controllers) await controller.dispose();
    return {
      preset: 'base',
      robot: bundle.robot.name,
      parameterCount: parameterCount(parameterSpecs(bundle.model, tokens)),
      context: tokens.context,
      times,
      peer: found,
    };
  } finally {
    peer?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A table for people. */
export function describeControlBench({ times, peer, ...about }: ControlBenchResult): string {
  const { preset, robot, context } = about;
  const lines = [
    `one control step, ${preset} (${(about.parameterCount / 1e6).toFixed(2)}M parameters, context ${context}) on ${robot}, one thread`,
    ...times.map(
      ({ contender, median_ms, p99_ms, steps }) =>
        `${contender.padEnd(30)} median ${median_ms.toFixed(3)} ms  p99 ${p99_ms.toFixed(3)} ms  (${steps} steps)`,
    ),
    'absent' in peer
      ? `PyTorch: not here (${peer.absent})`
      : `action against PyTorch's: ${peer.difference_rad.toExponential(1)} rad at most`,
    'goal: median under 0.5 ms, p99 under 1 ms',
  ];
  return lines.join('\n');
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

async function timeController(controller: Controller, script: Script, count: number): Promise<number[]> {
  await playScript(controller, script);
  const actions = new Float64Array(controller.robot.jointNames.length);
  const times_ms: number[] = [];
  for (let step = 0; step < count; step++) {
    const state = [script.states[step % script.states.length]];
    const started = performance.now();
    await controller.act([0], state, script.commands, actions);
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

async function takeTurns(contenders: readonly Contender[], rounds: number, steps: number): Promise<ControlTimes[]> {
  for (const contender of contenders) await contender.run(200);
  const times_ms = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, contender] of contenders.entries()) times_ms[at].push(...(await contender.run(steps)));
  }
  return contenders.map(({ name }, at) => {
    const sorted = times_ms[at].sort((a, b) => a - b);
    const quantile = (share: number) => sorted[Math.floor(share * (sorted.length - 1))];
    return { contender: name, median_ms: quantile(0.5), p99_ms: quantile(0.99), steps: sorted.length };
  });
}

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

  async time(mode: 'eager' | 'compile', steps: number): Promise<number[]> {
    return (await this.#ask<{ ms: number[] }>({ mode, steps })).ms;
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

/** The bench's command line: `--rounds`, `--steps`, `--python`, and `--out` for the result as JSON. */
export async function runControlBench(words: readonly string[]): Promise<void> {
  const { rounds, steps, python } = CONTROL_BENCH_DEFAULTS;
  const { values } = parseArgs({
    args: [...words],
    options: {
      rounds: { type: 'string', default: String(rounds) },
      steps: { type: 'string', default: String(steps) },
      python: { type: 'string', default: python },
      out: { type: 'string' },
    },
  });
  const result = await benchControl({
    rounds: Number(values.rounds),
    steps: Number(values.steps),
    python: values.python,
  });
  process.stdout.write(`${describeControlBench(result)}\n`);
  if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runControlBench(process.argv.slice(2));
