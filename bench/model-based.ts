// How the model-based controller walks: achieved velocities, falls and speed, for one command at a time and under kicks.
//
// Trials start at rest with varied joint angles; velocities are means from the third second on, in the heading frame's
// axes of the base. Kicked trials have two kicks in any direction, at seeded times between 3 and 8 s.
//
// Run: node dist/bench/model-based.js [--robot g1] [--controller model-based] [--trials 100] [--conditions forward,kicks]
//   [--slots 8] [--out model-based.json]

import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { nearest } from '../src/base/nearest.js';
import { Random } from '../src/base/random.js';
import { parseCount, reportError } from '../src/cli/common.js';
import type { Controller } from '../src/policy/controller.js';
import { constantCommand } from '../src/sim/command-schedule.js';
import { horizontal, type Kick } from '../src/sim/disturbance.js';
import { Environment } from '../src/sim/environment.js';
import { loadController } from '../src/sim/load-controller.js';
import { loadRobot } from '../src/sim/load-robot.js';
import { Engine } from '../src/sim/mujoco.js';
import { rollOut, type Trial } from '../src/sim/rollout.js';

const DURATION_S = 10;
const SETTLE_S = 2;
const JOINT_NOISE_RAD = 0.05;

interface Condition {
  readonly group: string;
  readonly command: readonly [number, number, number];
  readonly kick_mps: number;
}

export interface ConditionResult extends Condition {
  readonly trials: number;
  readonly falls: number;
  /** Means over the trials that did not fall: forward and left (m/s), turning (rad/s); null where all fell. */
  readonly achieved: readonly [number, number, number] | null;
}

const still = (group: string, commands: readonly (readonly [number, number, number])[]): Condition[] =>
  commands.map((command) => ({ group, command, kick_mps: 0 }));

const CONDITIONS: readonly Condition[] = [
  ...still(
    'forward',
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6].map((vx) => [vx, 0, 0] as const),
  ),
  ...still('backward', [
    [-0.2, 0, 0],
    [-0.4, 0, 0],
  ]),
  ...still('sideways', [
    [0, 0.1, 0],
    [0, 0.2, 0],
    [0, -0.2, 0],
  ]),
  ...still('turning', [
    [0, 0, 0.3],
    [0, 0, -0.5],
    [0.4, 0, 0.4],
    [0.3, 0.1, -0.3],
  ]),
  ...[0.2, 0.35, 0.5].map((kick_mps) => ({ group: 'kicks', command: [0.3, 0, 0] as const, kick_mps })),
];

async function measure(
  condition: Condition,
  environments: readonly Environment[],
  controller: Controller,
  trials: number,
): Promise<ConditionResult> {
  const sums = environments.map(() => new Float64Array(4));
  const total = new Float64Array(3);
  let falls = 0;
  let counted = 0;
  await rollOut({
    environments,
    controller,
    trials: Array.from({ length: trials }, (_, number) => trialOf(condition, number)),
    onStep: ({ slot, state, frame }) => {
      const sum = sums[slot];
      if (frame === 0) sum.fill(0);
      if (state.time_s < SETTLE_S) return;
      sum[0] += state.baseLinearVelocity_mps[0];
      sum[1] += state.baseLinearVelocity_mps[1];
      sum[2] += state.baseAngularVelocity_radps[2];
      sum[3]++;
    },
    onEnd: ({ slot, fell }) => {
      if (fell) {
        falls++;
        return;
      }
      counted++;
      for (let axis = 0; axis < 3; axis++) total[axis] += sums[slot][axis] / sums[slot][3];
    },
  });
  const achieved = counted === 0 ? null : ([...total.map((sum) => sum / counted)] as [number, number, number]);
  return { ...condition, trials, falls, achieved };
}

function trialOf({ command, kick_mps }: Condition, number: number): Trial {
  const random = new Random(1).split('model-based', number);
  const kick = (time_s: number): Kick => ({ time_s, velocityChange_mps: horizontal(kick_mps, random) });
  return {
    duration_s: DURATION_S,
    commands: constantCommand(...command),
    disturbance: { kicks: kick_mps > 0 ? [kick(random.uniform(3, 5)), kick(random.uniform(6, 8))] : [] },
    random,
    start: { jointNoise_rad: JOINT_NOISE_RAD },
  };
}

interface Flags {
  readonly robot: string;
  readonly controller: string;
  readonly trials: number;
  readonly slots: number;
  readonly conditions: readonly string[];
  readonly out?: string;
}

const GROUPS = [...new Set(CONDITIONS.map(({ group }) => group))];

function parseGroups(text: string): string[] {
  const groups = text.split(',').map((group) => group.trim());
  const unknown = groups.find((group) => !GROUPS.includes(group));
  if (unknown === undefined) return groups;
  const near = nearest(unknown, GROUPS);
  const fix = near === undefined ? '' : ` Did you mean "${near}"?`;
  throw new InvalidArgumentError(`expected a list of ${GROUPS.join(', ')}, found "${unknown}".${fix}`);
}

function modelBasedBench(): Command {
  return new Command('model-based')
    .description('velocities that the model-based controller achieves, falls and speed')
    .option('--robot <name|config.yaml>', 'robot', 'g1')
    .option('--controller <name|config.yaml>', 'controller', 'model-based')
    .option('--trials <count>', 'trials of each condition', parseCount, 100)
    .option('--slots <count>', 'robots simulated side by side', parseCount, 8)
    .option('--conditions <list>', `any of ${GROUPS.join(', ')}`, parseGroups, GROUPS)
    .option('--out <file>', 'JSON record of the measurement')
    .allowExcessArguments(false)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { slots, trials, conditions } = flags;
  const loaded = await loadRobot(flags.robot);
  const controller = await loadController(flags.controller, { robot: loaded.robot, slots });
  const engine = await Engine.load();
  const environments: Environment[] = [];
  for (let slot = 0; slot < slots; slot++) environments.push(await Environment.create(loaded, { engine }));
  const results: ConditionResult[] = [];
  const started = process.cpuUsage();
  let simulated_s = 0;
  for (const condition of CONDITIONS.filter(({ group }) => conditions.includes(group))) {
    const result = await measure(condition, environments, controller, trials);
    results.push(result);
    simulated_s += result.trials * DURATION_S;
    const { user, system } = process.cpuUsage(started);
    const [vx, vy, wz] = condition.command;
    const achieved = result.achieved?.map((value) => value.toFixed(3).padStart(7)).join('') ?? '      -';
    const kicked = condition.kick_mps > 0 ? `, kicks of ${condition.kick_mps} m/s` : '';
    console.log(
      `${condition.group.padEnd(9)} vx ${vx} vy ${vy} wz ${wz}${kicked}: achieved${achieved}, ` +
        `falls ${result.falls} of ${result.trials}, ${(simulated_s / ((user + system) / 1e6)).toFixed(1)}x real time so far`,
    );
  }
  for (const environment of environments) environment.dispose();
  await controller.dispose();
  if (flags.out !== undefined) await writeFile(flags.out, `${JSON.stringify({ ...flags, results }, null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await modelBasedBench()
    .parseAsync()
    .catch((error: unknown) => {
      process.exitCode = reportError(error);
    });
}
