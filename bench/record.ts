// How fast one core records: physics alone, the policy alone, and both in the rollout loop, as recording runs them.
//
// Run: node dist/bench/record.js [policy] [robot] [seconds]. Networks and models that are not bundled are found through
// NEXTGAIT_POLICIES and NEXTGAIT_ROBOTS. Times are the best of several rounds: the least disturbed by other programs.

import { fileURLToPath } from 'node:url';
import { Random } from '../src/base/random.js';
import { constantCommand } from '../src/sim/command-schedule.js';
import { UNDISTURBED } from '../src/sim/disturbance.js';
import { Environment } from '../src/sim/environment.js';
import { loadController } from '../src/sim/load-controller.js';
import { loadRobot } from '../src/sim/load-robot.js';
import { rollOut } from '../src/sim/rollout.js';

export interface RecordBenchResult {
  readonly policy: string;
  readonly robot: string;
  /** Simulated over elapsed time: the whole loop, on one core where nothing else wants it. */
  readonly realTimeFactor: number;
  /** Simulated over processor time, all threads of the process together: what a busy machine does not change much. */
  readonly realTimeFactorOfProcessor: number;
  /** Milliseconds of a control step: the whole, and its parts. */
  readonly step_ms: number;
  readonly physics_ms: number;
  readonly act_ms: { readonly median: number; readonly p99: number };
}

const ROUNDS = 5;

/** @param seconds simulated time of each round */
export async function benchRecord(policy: string, robotName: string, seconds = 10): Promise<RecordBenchResult> {
  const loaded = await loadRobot(robotName);
  const { robot } = loaded;
  const controller = await loadController(policy, { robot });
  const environment = await Environment.create(loaded, { sensors: controller.sensors });
  const act = controller.act.bind(controller);
  const actTimes_ms: number[] = [];
  const timed = {
    ...controllerView(controller),
    act: async (...call: Parameters<typeof act>) => {
      const started = performance.now();
      await act(...call);
      actTimes_ms.push(performance.now() - started);
    },
  };
  let loop_ms = Infinity;
  let processor_ms = Infinity;
  let physics_ms = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    // The actions of a walk, played back to time physics in the same contacts.
    const actions: Float64Array[] = [];
    const trial = {
      duration_s: seconds,
      commands: constantCommand(0.5, 0, 0),
      disturbance: UNDISTURBED,
      random: new Random(1),
    };
    const started = performance.now();
    const usage = process.cpuUsage();
    await rollOut({
      environments: [environment],
      controller: timed,
      trials: [trial],
      onStep: ({ executedAction }) => void actions.push(executedAction.slice()),
    });
    loop_ms = Math.min(loop_ms, (performance.now() - started) / actions.length);
    const { user, system } = process.cpuUsage(usage);
    processor_ms = Math.min(processor_ms, (user + system) / 1000 / actions.length);
    environment.reset();
    const replay = performance.now();
    for (const action of actions) environment.step(action);
    physics_ms = Math.min(physics_ms, (performance.now() - replay) / actions.length);
  }
  environment.dispose();
  await controller.dispose();
  actTimes_ms.sort((a, b) => a - b);
  const quantile = (share: number) => actTimes_ms[Math.floor(share * (actTimes_ms.length - 1))];
  return {
    policy,
    robot: robotName,
    realTimeFactor: 1000 / robot.control.rate_hz / loop_ms,
    realTimeFactorOfProcessor: 1000 / robot.control.rate_hz / processor_ms,
    step_ms: loop_ms,
    physics_ms,
    act_ms: { median: quantile(0.5), p99: quantile(0.99) },
  };
}

/** The controller's own members, methods of its class included. */
function controllerView(controller: Awaited<ReturnType<typeof loadController>>) {
  const { name, robot, rate_hz, slotCount, sensors } = controller;
  return {
    name,
    robot,
    rate_hz,
    slotCount,
    sensors,
    reset: controller.reset.bind(controller),
    executed: controller.executed.bind(controller),
    dispose: controller.dispose.bind(controller),
  };
}

export function describeRecordBench(result: RecordBenchResult): string {
  const { policy, robot, realTimeFactor, realTimeFactorOfProcessor, step_ms, physics_ms, act_ms } = result;
  return (
    `${policy} on ${robot}, one core: ${realTimeFactor.toFixed(1)}x real time ` +
    `(${realTimeFactorOfProcessor.toFixed(1)}x by processor time); control step ${step_ms.toFixed(3)} ms ` +
    `(physics ${physics_ms.toFixed(3)} ms, policy median ${act_ms.median.toFixed(3)} ms, p99 ${act_ms.p99.toFixed(3)} ms)`
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [policy = 'g1-unitree-rl-lab', robot = 'g1', seconds = '10'] = process.argv.slice(2);
  const result = await benchRecord(policy, robot, Number(seconds));
  process.stdout.write(`${describeRecordBench(result)}\n${JSON.stringify(result)}\n`);
}
