// How fast one core records: physics alone, the policy alone, and both in the rollout loop, as recording runs them.
//
// The peer is MuJoCo's own Python package: the same compiled model, with the controls of the same walk, so that native
// code without a controller stands beside ours in WebAssembly. All take turns in one run. Networks and models that are
// not bundled are found through NEXTGAIT_POLICIES and NEXTGAIT_ROBOTS; without them the bundled policy walks.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../src/base/random.js';
import type { Controller } from '../src/policy/controller.js';
import { buildModel } from '../src/sim/build-model.js';
import { constantCommand } from '../src/sim/command-schedule.js';
import { UNDISTURBED } from '../src/sim/disturbance.js';
import { Environment } from '../src/sim/environment.js';
import { findController, loadController } from '../src/sim/load-controller.js';
import { type LoadedRobot, loadRobot } from '../src/sim/load-robot.js';
import { Engine } from '../src/sim/mujoco.js';
import { rollOut } from '../src/sim/rollout.js';
import { type Peer, startPeer } from './peer.js';
import { type BenchResult, type BenchRow, commandOf, interleave, machineNote, spreadOf, timed } from './result.js';

export interface RecordBenchOptions {
  readonly rounds: number;
  readonly policy?: string;
  readonly robot: string;
  /** Simulated time of a round. */
  readonly seconds: number;
  readonly python: string;
}

const PUBLIC_POLICY = 'g1-unitree-rl-lab';
const BUNDLED_POLICY = 'g1-walk';

export async function recordBench(options: RecordBenchOptions): Promise<BenchResult> {
  const { rounds, seconds } = options;
  const loaded = await loadRobot(options.robot);
  const policy = options.policy ?? (await defaultPolicy());
  const controller = await loadController(policy, { robot: loaded.robot });
  const environment = await Environment.create(loaded, { sensors: controller.sensors });
  const acts_ms: number[] = [];
  const timedController = withTimes(controller, acts_ms);
  const notes: string[] = [];
  let actions = await walk(environment, controller, seconds); // warm-up
  const rate_hz = controller.rate_hz;
  const policy_ms: number[] = [];
  const processor: number[] = [];
  const contenders = [
    {
      name: 'the whole loop',
      run: async () => {
        acts_ms.length = 0;
        const before = process.cpuUsage();
        const ms = await timed(async () => {
          actions = await walk(environment, timedController, seconds);
        });
        const { user, system } = process.cpuUsage(before);
        processor.push((1e6 * actions.length) / rate_hz / (user + system));
        policy_ms.push(spreadOf(acts_ms).median);
        return (1000 * actions.length) / rate_hz / ms;
      },
    },
    {
      name: 'nextgait, MuJoCo in WebAssembly',
      run: async () => {
        environment.reset();
        const ms = await timed(() => {
          for (const action of actions) environment.step(action);
        });
        return ms / actions.length;
      },
    },
  ];
  const native = await nativePhysics(loaded, environment, actions, options.python, notes);
  if (native !== undefined) contenders.push({ name: native.name, run: native.run });
  const [loop, ...physics] = await interleave(contenders, rounds);
  native?.close();
  environment.dispose();
  await controller.dispose();
  const rows: BenchRow[] = physics.map((row, at) => ({ ...row, ...(at > 0 ? { peer: true } : {}) }));
  return {
    bench: 'record',
    about: `Recording ${policy} on ${options.robot} on one core: ${seconds} s of walking at 0.5 m/s a round, ${rate_hz} Hz.`,
    command: commandOf('record', { policy, robot: options.robot, seconds, rounds }),
    machine: await machineNote(),
    tables: [
      { title: 'the whole loop', unit: 'times real time', better: 'more', rows: [loop] },
      {
        title: 'by processor time, all threads',
        unit: 'times real time',
        better: 'more',
        rows: [{ name: 'the whole loop', rounds: processor }],
      },
      { title: 'physics of a control step', unit: 'ms', better: 'less', rows },
      {
        title: 'one action of the policy, median',
        unit: 'ms',
        better: 'less',
        rows: [{ name: policy, rounds: policy_ms }],
      },
    ],
    notes,
  };
}

/** The public policy where its network is there, the bundled one elsewhere. */
async function defaultPolicy(): Promise<string> {
  return findController(PUBLIC_POLICY).then(
    () => PUBLIC_POLICY,
    () => BUNDLED_POLICY,
  );
}

/** Walks, and returns the actions that were executed. */
async function walk(environment: Environment, controller: Controller, duration_s: number): Promise<Float64Array[]> {
  const actions: Float64Array[] = [];
  const trial = { duration_s, commands: constantCommand(0.5, 0, 0), disturbance: UNDISTURBED, random: new Random(1) };
  await rollOut({
    environments: [environment],
    controller,
    trials: [trial],
    onStep: ({ executedAction }) => void actions.push(executedAction.slice()),
  });
  return actions;
}

/** The same controller; the time of each act() is put into `times_ms`. */
function withTimes(controller: Controller, times_ms: number[]): Controller {
  const { name, robot, rate_hz, slotCount, sensors } = controller;
  return {
    ...{ name, robot, rate_hz, slotCount, sensors },
    reset: (slot) => controller.reset(slot),
    act: async (...call) => {
      times_ms.push(await timed(() => controller.act(...call)));
    },
    executed: (slots, actions) => controller.executed(slots, actions),
    dispose: () => controller.dispose(),
  };
}

interface NativePhysics {
  readonly name: string;
  /** Milliseconds of a control step. */
  run(): Promise<number>;
  close(): void;
}

/** MuJoCo's Python package with our compiled model and the walk's controls; undefined where it is not installed. */
async function nativePhysics(
  { source, config, robot }: LoadedRobot,
  environment: Environment,
  actions: readonly Float64Array[],
  python: string,
  notes: string[],
): Promise<NativePhysics | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'nextgait-physics-'));
  const path = join(folder, 'model.mjb');
  const engine = await Engine.load();
  const { model } = buildModel(engine, source, config, robot);
  const order = robot.jointNames.map((joint) => model.actuator(joint)?.id as number | undefined);
  engine.module.mj_saveModel(model, '/model.mjb', null);
  await writeFile(path, engine.module.FS.readFile('/model.mjb') as Uint8Array);
  model.delete();
  let peer: Peer | undefined;
  try {
    peer = await startPeer('physics_step.py', [path], python);
  } finally {
    await rm(folder, { recursive: true });
  }
  if (peer === undefined) {
    notes.push(`${python} cannot import mujoco, or its version cannot read our compiled model: physics of ours alone.`);
    return undefined;
  }
  environment.reset();
  const controls = actions.map((action) => {
    const control = new Array<number>(action.length).fill(0);
    order.forEach((actuator, joint) => {
      control[actuator ?? joint] = robot.defaultPosition_rad[joint] + action[joint];
    });
    return control;
  });
  const script = { qpos: [...environment.configuration()], controls, substeps: environment.substepCount };
  await peer.ask(JSON.stringify(script));
  const { version } = JSON.parse(peer.greeting) as { readonly version: string };
  const own = peer;
  return {
    name: `MuJoCo ${version} in Python, native`,
    run: async () => JSON.parse(await own.ask('time')) as number,
    close: () => own.close(),
  };
}
