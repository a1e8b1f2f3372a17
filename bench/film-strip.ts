// A film strip of a retargeted motion: the person above, the robot below, as lines, seen from the side and ahead. Or of
// a controller that walks the robot in physics.
//
// For the eye only: nothing is measured here. Both are drawn about the robot's own path, the person at the robot's scale.
//
// Run: node dist/bench/film-strip.js MOTION --robot g1 --out strip.png [--frames 10] [--fps 30] [--seconds 6]
//   or node dist/bench/film-strip.js --controller model-based --command 0.4,0,0 --robot g1 --out walk.png [--from 3]

import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import { Command, InvalidArgumentError } from 'commander';
import { loadRetargetConfig, retargeterOf } from '../ingest/human.js';
import { readBvhMotion } from '../ingest/readers/bvh-motion.js';
import { readVideoMotions } from '../ingest/readers/video-motion.js';
import { DataError } from '../src/base/errors.js';
import { Random } from '../src/base/random.js';
import { parseCount, parseNumber, reportError } from '../src/cli/common.js';
import type { HumanKeypoint, HumanMotion } from '../src/motion/human-motion.js';
import { retargetMotion } from '../src/retarget/retarget.js';
import { resampleHuman } from '../src/retarget/retarget-resample.js';
import { createPose, forwardKinematics, kinematicTree, pointPosition } from '../src/robot/kinematics.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { constantCommand } from '../src/sim/command-schedule.js';
import { UNDISTURBED } from '../src/sim/disturbance.js';
import { Environment } from '../src/sim/environment.js';
import { loadController } from '../src/sim/load-controller.js';
import { loadRobot } from '../src/sim/load-robot.js';
import { rollOut } from '../src/sim/rollout.js';

const CELL = { width: 200, height: 260 } as const;
const PIXELS_PER_M = 150;
/** Direction to the camera: from the right front, a little above. */
const VIEW = { yaw: -0.9, pitch: 0.18 } as const;

type Point = readonly [number, number, number];
type Colour = readonly [number, number, number];
type Segment = readonly [from: Point, to: Point, colour: Colour];

const LEFT: Colour = [200, 70, 60];
const RIGHT: Colour = [50, 90, 190];
const MIDDLE: Colour = [60, 60, 60];

const HUMAN_BONES: readonly (readonly [HumanKeypoint, HumanKeypoint, Colour])[] = [
  ['pelvis', 'torso', MIDDLE],
  ['torso', 'head', MIDDLE],
  ['left_shoulder', 'right_shoulder', MIDDLE],
  ['left_hip', 'right_hip', MIDDLE],
  ...(['left', 'right'] as const).flatMap((side) => {
    const colour = side === 'left' ? LEFT : RIGHT;
    const chain = ['hip', 'knee', 'foot', 'toe'] as const;
    const arm = ['shoulder', 'elbow', 'hand'] as const;
    const pairs = (names: readonly string[]) =>
      names.slice(1).map((name, at) => [`${side}_${names[at]}`, `${side}_${name}`, colour] as const);
    return [...pairs(chain), ...pairs(arm)] as (readonly [HumanKeypoint, HumanKeypoint, Colour])[];
  }),
];

function humanSegments(human: HumanMotion, frame: number, scale: number): Segment[] {
  const at = (name: HumanKeypoint): Point | undefined => {
    const column = human.keypoints.indexOf(name);
    if (column < 0) return undefined;
    const from = 3 * (frame * human.keypoints.length + column);
    return [0, 1, 2].map((k) => scale * human.positions_m[from + k]) as unknown as Point;
  };
  return HUMAN_BONES.flatMap(([a, b, colour]) => {
    const [from, to] = [at(a), at(b)];
    return from === undefined || to === undefined ? [] : [[from, to, colour] as const];
  });
}

interface SoleCorners {
  readonly body: number;
  readonly corners_m: readonly ArrayLike<number>[];
}

/** @param configuration qpos of one frame */
function robotSegments(robot: RobotModel, soles: readonly SoleCorners[], configuration: ArrayLike<number>): Segment[] {
  const { bodies } = robot;
  const tree = kinematicTree(robot);
  const pose = createPose(tree);
  forwardKinematics(tree, configuration, 0, pose);
  const origin = (body: number) => [0, 1, 2].map((k) => pose.position_m[3 * body + k]) as unknown as Point;
  const colourOf = (name: string) => (/left|_l\b|^al/i.test(name) ? LEFT : /right|^ar/i.test(name) ? RIGHT : MIDDLE);
  const segments: Segment[] = bodies.flatMap(({ name, parent }, body) =>
    parent < 0 ? [] : [[origin(parent), origin(body), colourOf(name)] as const],
  );
  const corner = new Float64Array(3);
  const place = (body: number, offset: ArrayLike<number>): Point => {
    pointPosition(corner, 0, pose, body, offset, 0);
    return [corner[0], corner[1], corner[2]];
  };
  for (const { body, corners_m } of soles) {
    const corners = [0, 1, 3, 2].map((at) => place(body, corners_m[at]));
    corners.forEach((from, at) => {
      segments.push([from, corners[(at + 1) % 4], colourOf(bodies[body].name)]);
    });
    segments.push([origin(body), corners[0], colourOf(bodies[body].name)]);
  }
  for (const name of ['head', 'left_hand', 'right_hand']) {
    const keypoint = robot.keypoints[name];
    if (keypoint === undefined) continue;
    segments.push([origin(keypoint.body), place(keypoint.body, keypoint.offset_m), colourOf(name)]);
  }
  return segments;
}

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array; // [row, column, 3]
}

/** Draws into the cell whose top left corner is (x, y), looking at `centre` with the floor at the cell's foot. */
function drawCell(picture: Picture, x: number, y: number, segments: readonly Segment[], centre: Point): void {
  const [cosine, sine] = [Math.cos(VIEW.yaw), Math.sin(VIEW.yaw)];
  const project = (point: Point): readonly [number, number] => {
    const [u, v] = [point[0] - centre[0], point[1] - centre[1]];
    const across = -sine * u + cosine * v;
    const ahead = cosine * u + sine * v;
    const height = point[2] * Math.cos(VIEW.pitch) - ahead * Math.sin(VIEW.pitch);
    return [x + CELL.width / 2 + PIXELS_PER_M * across, y + CELL.height - 40 - PIXELS_PER_M * height];
  };
  for (const along of [-0.4, 0, 0.4]) {
    drawLine(
      picture,
      project([centre[0] + along, centre[1] - 0.4, 0]),
      project([centre[0] + along, centre[1] + 0.4, 0]),
      [215, 215, 215],
      0,
    );
    drawLine(
      picture,
      project([centre[0] - 0.4, centre[1] + along, 0]),
      project([centre[0] + 0.4, centre[1] + along, 0]),
      [215, 215, 215],
      0,
    );
  }
  for (const [from, to, colour] of segments) drawLine(picture, project(from), project(to), colour, 1);
}

function drawLine(
  { width, height, pixels }: Picture,
  from: readonly [number, number],
  to: readonly [number, number],
  colour: Colour,
  radius: number,
): void {
  const steps = Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])) + 1;
  for (let step = 0; step <= steps; step++) {
    const column = Math.round(from[0] + ((to[0] - from[0]) * step) / steps);
    const row = Math.round(from[1] + ((to[1] - from[1]) * step) / steps);
    for (let i = row - radius; i <= row + radius; i++) {
      for (let j = column - radius; j <= column + radius; j++) {
        if (i >= 0 && i < height && j >= 0 && j < width) pixels.set(colour, 3 * (i * width + j));
      }
    }
  }
}

/** PNG, 8 bits a channel, no filter (ISO/IEC 15948). */
function encodePng({ width, height, pixels }: Picture): Uint8Array {
  const rows = Buffer.alloc(height * (1 + 3 * width));
  for (let row = 0; row < height; row++)
    rows.set(pixels.subarray(3 * row * width, 3 * (row + 1) * width), row * (1 + 3 * width) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  out.set(body, 4);
  out.writeUInt32BE(checksum(body), body.length + 4);
  return out;
}

/** CRC-32, polynomial 0xedb88320. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** A foot's rectangle from its heel to its toe. */
function solesByKeypoints({ feet, keypoints }: RobotModel): SoleCorners[] {
  return feet.map((body, foot) => {
    const side = foot === 0 ? 'left' : 'right';
    const corners = ['heel', 'toe'].flatMap((end) => {
      const [x, y, z] = keypoints[`${side}_${end}`].offset_m;
      return [
        [x, y - 0.03, z],
        [x, y + 0.03, z],
      ];
    });
    return { body, corners_m: corners };
  });
}

/** Configurations of a controller's walk, at `count` times evenly spread from `from_s` to `to_s`. */
async function walkFrames(
  robotName: string,
  controllerName: string,
  command: readonly number[],
  [from_s, to_s]: readonly [number, number],
  count: number,
): Promise<{ readonly robot: RobotModel; readonly configurations: readonly Float64Array[] }> {
  const loaded = await loadRobot(robotName);
  const controller = await loadController(controllerName, { robot: loaded.robot });
  const environment = await Environment.create(loaded, { sensors: controller.sensors });
  const [vx = 0, vy = 0, wz = 0] = command;
  const configurations: Float64Array[] = [];
  await rollOut({
    environments: [environment],
    controller,
    trials: [
      {
        duration_s: to_s + 0.1,
        commands: constantCommand(vx, vy, wz),
        disturbance: UNDISTURBED,
        random: new Random(1),
      },
    ],
    onStep: ({ state }) => {
      const due_s = from_s + (configurations.length * (to_s - from_s)) / Math.max(1, count - 1);
      if (configurations.length < count && state.time_s >= due_s - 1e-9)
        configurations.push(environment.configuration());
    },
  });
  environment.dispose();
  await controller.dispose();
  return { robot: loaded.robot, configurations };
}

function blank(count: number, rows: number): Picture {
  const [width, height] = [count * CELL.width, rows * CELL.height];
  return { width, height, pixels: new Uint8Array(3 * width * height).fill(255) };
}

interface Flags {
  readonly controller?: string;
  readonly command: readonly number[];
  readonly from: number;
  readonly robot: string;
  readonly out: string;
  readonly frames: number;
  readonly fps?: number;
  readonly seconds: number;
}

function filmStrip(): Command {
  return new Command('film-strip')
    .description('a retargeted motion, or a walk in physics, as a row of pictures')
    .argument('[motion]', 'BVH file, or human motion of a video')
    .option('--controller <name|path>', 'walk the robot with this controller instead')
    .option('--command <vx,vy,wz>', 'velocities to walk with (m/s, m/s, rad/s)', parseCommand, [0.4, 0, 0])
    .option('--from <seconds>', 'first picture of the walk', parseNumber, 3)
    .option('--robot <name|config.yaml>', 'robot', 'g1')
    .option('--out <file>', 'PNG file to write', 'strip.png')
    .option('--frames <count>', 'pictures', parseCount, 10)
    .option('--fps <hz>', "rate of the motion, instead of the file's", parseNumber)
    .option('--seconds <seconds>', 'from the first picture to the last', parseNumber, 6)
    .allowExcessArguments(false)
    .action(draw);
}

function parseCommand(text: string): number[] {
  const values = text.split(',').map(parseNumber);
  if (values.length <= 3) return values;
  throw new InvalidArgumentError(`expected vx,vy,wz, found "${text}".`);
}

async function draw(path: string | undefined, flags: Flags): Promise<void> {
  const { frames: count, seconds } = flags;
  if (flags.controller !== undefined) {
    const times = [flags.from, flags.from + seconds] as const;
    const { robot, configurations } = await walkFrames(flags.robot, flags.controller, flags.command, times, count);
    const picture = blank(count, 1);
    const base = robot.joints.find(({ type }) => type === 'free')!.qposAddress;
    configurations.forEach((configuration, cell) => {
      const segments = robotSegments(robot, solesByKeypoints(robot), configuration);
      drawCell(picture, cell * CELL.width, 0, segments, [configuration[base], configuration[base + 1], 0]);
    });
    await writeFile(flags.out, encodePng(picture));
    return;
  }
  if (path === undefined) {
    throw new DataError({
      where: 'film-strip',
      what: 'nothing to draw',
      fix: 'Name a motion file, or a --controller',
    });
  }
  const reader = flags.fps === undefined ? {} : { rate_hz: flags.fps };
  const motion = path.endsWith('.bvh')
    ? await readBvhMotion(path, reader)
    : (await readVideoMotions(path, reader)).motions[0];
  const { robot } = await loadRobot(flags.robot);
  const { config, where } = await loadRetargetConfig(robot, undefined);
  const rate_hz = 50;
  const human = resampleHuman(motion, rate_hz);
  const result = retargetMotion(retargeterOf(robot, config, where), motion, {
    rate_hz,
    source: 'strip',
    number: 0,
    hindsight: false,
  });
  const last = Math.min(human.frameCount, Math.round(seconds * rate_hz)) - 1;
  const picture = blank(count, 2);
  const { rest, baseAddress } = result.clip.problem.model;
  for (let cell = 0; cell < count; cell++) {
    const frame = Math.round((cell * last) / Math.max(1, count - 1));
    const configuration = result.trajectory.configurations.subarray(frame * rest.length, (frame + 1) * rest.length);
    const [x, y] = configuration.subarray(baseAddress);
    drawCell(picture, cell * CELL.width, 0, humanSegments(human, frame, result.scale), [x, y, 0]);
    const segments = robotSegments(robot, result.clip.soles, configuration);
    drawCell(picture, cell * CELL.width, CELL.height, segments, [x, y, 0]);
  }
  await writeFile(flags.out, encodePng(picture));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await filmStrip()
    .parseAsync()
    .catch((error: unknown) => {
      process.exitCode = reportError(error);
    });
}
