// Retargeting beside GMR, on GMR's own targets and with one scoring script for both.
//
// The peer folder holds, for each clip, what GMR was led by and what it made of it (gmr_*.npz: target_pos, target_quat_wxyz,
// robot_links, qpos, fps), GMR's model of the robot and metrics.py, which scores a motion against those targets. Ours is
// solved for the same targets, within the joint ranges of GMR's model, written as npz and scored by the same script.
// Soles are held at the height that the targets have, because the script's floor is GMR's.
// Time is that of contacts, problem and solution, in processor time of one thread, best of several turns: other work on
// the machine does not count, and GMR's figure is the median of its own runs. Where the clip's BVH lies beside, the whole
// way from keypoints to a judged Episode is timed too.
//
// Run: npm run bench -- retarget --peer FOLDER.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { readBvhMotion } from '../ingest/readers/bvh-motion.js';
import { NpzFile } from '../ingest/readers/npz.js';
import { loadConfig } from '../src/base/config-file.js';
import { packagePath } from '../src/base/files.js';
import {
  CONTACT_DEFAULTS,
  cornerPaths,
  findContacts,
  solePoints,
  writeContactTargets,
} from '../src/retarget/contact.js';
import type { Problem, Targets } from '../src/retarget/problem.js';
import { retargetMotion } from '../src/retarget/retarget.js';
import { planRetarget, type RetargetConfig, retargetSchema } from '../src/retarget/retarget-config.js';
import { createRetargeter, type Retargeter } from '../src/retarget/retarget-problem.js';
import { solveTrajectory, type Trajectory } from '../src/retarget/solver.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { loadRobot } from '../src/sim/load-robot.js';
import { type BenchResult, type BenchTable, type FactTable, machineNote } from './result.js';
import { writeNpz } from './write-npz.js';

/** Tolerances (m, rad) by what a link's name contains: feet and hands lead, the rest gives. */
const TOLERANCES: readonly (readonly [part: string, position_m: number | undefined, orientation_rad: number])[] = [
  ['ankle', 0.01, 0.2],
  ['knee', 0.05, 0.4],
  ['wrist', 0.02, 0.2],
  ['elbow', 0.04, 0.2],
  ['pelvis', 0.03, 0.12],
  ['torso', undefined, 0.1],
  ['', undefined, 0.4],
];

/** Joint ranges of GMR's G1 that are narrower than the robot's own (rad). */
const GMR_RANGES: RetargetConfig['ranges_rad'] = {
  '*_hip_pitch_joint': [-1.57, 1.57],
  '*_hip_yaw_joint': [-1.57, 1.57],
  left_hip_roll_joint: [-0.5236, 1.57],
  right_hip_roll_joint: [-1.57, 0.5236],
  waist_yaw_joint: [-1.57, 1.57],
  '*_shoulder_pitch_joint': [-3.0892, 1.149],
  left_shoulder_roll_joint: [-0.6, 2.2515],
  right_shoulder_roll_joint: [-2.2515, 0.6],
  left_shoulder_yaw_joint: [-1.4, 2],
  right_shoulder_yaw_joint: [-2, 1.4],
  '*_elbow_joint': [-1.0472, 1.7],
};

interface PeerClip {
  readonly name: string;
  readonly rate_hz: number;
  readonly frameCount: number;
  readonly links: readonly string[];
  readonly position_m: Float64Array; // [frame, link, 3]
  readonly quaternion: Float64Array; // [frame, link, 4]
}

async function readClip(path: string): Promise<PeerClip> {
  const file = await NpzFile.open(path);
  try {
    const [links, position, quaternion, fps] = await Promise.all(
      ['robot_links', 'target_pos', 'target_quat_wxyz', 'fps'].map((name) => file.read(name)),
    );
    return {
      name: basename(path, '.npz'),
      rate_hz: fps.numbers![0],
      frameCount: position.shape[0],
      links: links.text!,
      position_m: position.numbers!,
      quaternion: quaternion.numbers!,
    };
  } finally {
    await file.close();
  }
}

/** The peer's targets as our problem. */
function peerProblem(retargeter: Retargeter, clip: PeerClip): Problem {
  const { model, soles, ground, smoothness } = retargeter;
  const { frameCount, rate_hz, links } = clip;
  const bodies = links.map((link) => bodyOf(model.robot, link));
  const tolerances = links.map((link) => TOLERANCES.find(([part]) => link.includes(part))!);
  const own = links.map((name, at) => ({ name, body: bodies[at], offset_m: [0, 0, 0] }));
  const points = [...own, ...solePoints(soles)];
  const targets: Targets = {
    rate_hz,
    frameCount,
    points,
    pointTarget_m: new Float64Array(frameCount * points.length * 3),
    pointWeight: new Float64Array(frameCount * points.length),
    frames: own,
    frameTarget: clip.quaternion,
    frameWeight: new Float64Array(frameCount * own.length),
  };
  for (let frame = 0; frame < frameCount; frame++) {
    for (const [at, [, position_m, orientation_rad]] of tolerances.entries()) {
      const to = frame * points.length + at;
      const from = frame * own.length + at;
      targets.pointTarget_m.set(clip.position_m.subarray(3 * from, 3 * from + 3), 3 * to);
      targets.pointWeight[to] = position_m === undefined ? 0 : position_m ** -2;
      targets.frameWeight[from] = orientation_rad ** -2;
    }
  }
  const corners = soles.map((sole) => {
    const column = bodies.indexOf(sole.body);
    return cornerPaths(
      { position_m: take(clip.position_m, clip, column, 3), quaternion: take(clip.quaternion, clip, column, 4) },
      sole,
      frameCount,
    );
  });
  const options = { ...CONTACT_DEFAULTS, height: 'kept' } as const;
  const contacts = findContacts(corners, frameCount, rate_hz, 0, options);
  writeContactTargets(targets, own.length, contacts, corners, 0, options);
  return { model, targets, ground, smoothness };
}

function bodyOf(robot: RobotModel, name: string): number {
  const body = robot.bodies.findIndex((one) => one.name === name);
  if (body < 0) throw new Error(`the robot has no body ${name}`);
  return body;
}

function take(values: Float64Array, { frameCount, links }: PeerClip, column: number, width: number): Float64Array {
  const out = new Float64Array(frameCount * width);
  for (let frame = 0; frame < frameCount; frame++) {
    const at = (frame * links.length + column) * width;
    out.set(values.subarray(at, at + width), frame * width);
  }
  return out;
}

interface Timed {
  readonly trajectory: Trajectory;
  /** Frames a second of each turn. */
  readonly rates: readonly number[];
}

function solveTimed(retargeter: Retargeter, clip: PeerClip, turns: number): Timed {
  const { plan, band } = retargeter;
  const solve = () => solveTrajectory(peerProblem(retargeter, clip), plan.config.solver, band);
  const trajectory = solve(); // warm-up
  return { trajectory, rates: rates(turns, clip.frameCount, solve) };
}

/** Frames a second from a person's keypoints to an Episode with its report; undefined where there is no BVH. */
async function wholeWay(retargeter: Retargeter, path: string, turns: number): Promise<number[] | undefined> {
  if (!existsSync(path)) return undefined;
  const human = await readBvhMotion(path);
  const options = { rate_hz: human.rate_hz, source: 'bench', number: 0, hindsight: true };
  const { frameCount } = retargetMotion(retargeter, human, options).episode;
  return rates(turns, frameCount, () => retargetMotion(retargeter, human, options));
}

/** Frames over processor time, turn by turn. */
function rates(turns: number, frameCount: number, run: () => unknown): number[] {
  return Array.from({ length: turns }, () => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (1e6 * frameCount) / (user + system);
  });
}

interface Metrics {
  readonly keypoint_err_mm: Record<string, { mean: number; p95: number }>;
  readonly orient_err_deg: Record<string, { mean: number }>;
  readonly foot_skating_mps: { mean: number; human_scaled_foot_speed_same_frames: number };
  readonly foot_height_err_vs_target_mm: { abs_mean: number };
  readonly ground_mm: { penetration_max: number };
  readonly joint_limits: { violations_gt_1urad: number; frames_with_any_joint_within_1mrad_of_limit: number };
  readonly smoothness: { joint_acc_rms: number; joint_jerk_rms: number; joint_vel_max: number };
  readonly gmr_fps_median?: number;
}

async function score(python: string, peer: string, ref: string, candidate?: string): Promise<Metrics> {
  const script = join(peer, 'metrics.py');
  const files = [join(peer, `${ref}.npz`), ...(candidate === undefined ? [] : [candidate])];
  const { stdout } = await promisify(execFile)(python, [script, ...files]);
  return JSON.parse(stdout) as Metrics;
}

const ROWS: readonly (readonly [label: string, value: (metrics: Metrics) => number | undefined, digits: number])[] = [
  ['feet, mean error (mm)', (m) => m.keypoint_err_mm.feet.mean, 1],
  ['knees (mm)', (m) => m.keypoint_err_mm.knees.mean, 1],
  ['hands (mm)', (m) => m.keypoint_err_mm.hands.mean, 1],
  ['elbows (mm)', (m) => m.keypoint_err_mm.elbows.mean, 1],
  ['pelvis (mm)', (m) => m.keypoint_err_mm.pelvis.mean, 1],
  ['feet, turned by (deg)', (m) => m.orient_err_deg.feet.mean, 1],
  ['pelvis (deg)', (m) => m.orient_err_deg.pelvis.mean, 1],
  ['torso (deg)', (m) => m.orient_err_deg.torso.mean, 1],
  ['hands (deg)', (m) => m.orient_err_deg.hands.mean, 1],
  ['skating (m/s)', (m) => m.foot_skating_mps.mean, 3],
  ["the person's own foot (m/s)", (m) => m.foot_skating_mps.human_scaled_foot_speed_same_frames, 3],
  ['foot height error (mm)', (m) => m.foot_height_err_vs_target_mm.abs_mean, 1],
  ['penetration, most (mm)', (m) => m.ground_mm.penetration_max, 1],
  ['frames with a joint on its limit (%)', (m) => 100 * m.joint_limits.frames_with_any_joint_within_1mrad_of_limit, 1],
  ['joint limits exceeded', (m) => m.joint_limits.violations_gt_1urad, 0],
  ['joint acceleration, rms (rad/s²)', (m) => m.smoothness.joint_acc_rms, 1],
  ['joint jerk, rms (rad/s³)', (m) => m.smoothness.joint_jerk_rms, 0],
];

export interface RetargetBenchOptions {
  readonly rounds: number;
  readonly peer: string;
  /** Folder for our motions, as npz. */
  readonly motions: string;
  readonly python: string;
}

export async function retargetBench({ rounds, peer, motions, python }: RetargetBenchOptions): Promise<BenchResult> {
  const path = packagePath('configs', 'retarget', 'g1.yaml');
  const config = { ...(await loadConfig(retargetSchema, path)), ranges_rad: GMR_RANGES };
  const retargeter = createRetargeter(planRetarget((await loadRobot('g1')).robot, config, path));
  await mkdir(motions, { recursive: true });
  const names = (await readdir(peer)).filter((name) => /^gmr_.*\.npz$/.test(name)).sort();
  const tables: BenchTable[] = [];
  const facts: FactTable[] = [];
  for (const file of names) {
    const clip = await readClip(join(peer, file));
    const { trajectory, rates } = solveTimed(retargeter, clip, rounds);
    const candidate = join(motions, `nextgait_${file}`);
    const { configurations, frameCount } = trajectory;
    const shape = [frameCount, configurations.length / frameCount];
    await writeFile(candidate, writeNpz({ qpos: { shape, data: configurations } }));
    const theirs = await score(python, peer, clip.name);
    const ours = await score(python, peer, clip.name, candidate);
    const whole = wholeWay(retargeter, join(peer, `${clip.name.replace(/^gmr_/, '')}.bvh`), rounds);
    tables.push({
      title: `${clip.name}, ${clip.frameCount} frames`,
      unit: 'frames/s of one core',
      better: 'more',
      rows: [
        { name: 'nextgait, contacts and solution', rounds: rates },
        ...(theirs.gmr_fps_median === undefined
          ? []
          : [{ name: 'GMR, the median of its own runs', peer: true, rounds: rates.map(() => theirs.gmr_fps_median!) }]),
        ...((await whole) === undefined
          ? []
          : [{ name: 'nextgait, keypoints to judged Episode', rounds: (await whole)! }]),
      ],
    });
    facts.push({
      title: `${clip.name}, quality on GMR's own targets`,
      header: ['', 'nextgait', 'GMR'],
      rows: ROWS.map(([label, value, digits]) => [
        label,
        ...[ours, theirs].map((metrics) => value(metrics)?.toFixed(digits) ?? '-'),
      ]),
    });
  }
  return {
    bench: 'retarget',
    about: "Human motion onto the G1: GMR's own targets within the joint ranges of GMR's model, scored by one script.",
    command: `npm run bench -- retarget --peer FOLDER --rounds ${rounds}`,
    machine: await machineNote(),
    tables,
    facts,
    notes: ["Ours is timed in processor time; GMR's figure was measured with GMR installed and is not interleaved."],
  };
}
