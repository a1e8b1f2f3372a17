// A two-joint robot and synthetic episodes, for tests that need no physics.

import { Random } from '../src/base/random.js';
import type { Channel, ChannelName, Episode } from '../src/motion/episode.js';
import { identityOf, type RobotModel } from '../src/robot/robot-model.js';

export const TINY_ROBOT: RobotModel = {
  name: 'tiny',
  hash: 'tiny-0',
  jointNames: ['left_joint', 'right_joint'],
  jointIndices: [1, 2],
  lower_rad: [-1, -1],
  upper_rad: [1, Number.POSITIVE_INFINITY],
  velocityLimit_radps: [10, 10],
  torqueLimit_Nm: [50, 50],
  defaultPosition_rad: [0.1, -0.2],
  stiffness_Nmprad: [100, 100],
  damping_Nmsprad: [2, 2],
  armature_kgm2: [0.01, 0.01],
  pdMode: 'implicit',
  control: { rate_hz: 50, physicsTimestep_s: 0.002 },
  bodies: [],
  joints: [],
  positionSize: 9,
  velocitySize: 8,
  defaultConfiguration: [0, 0, 0.5, 1, 0, 0, 0, 0.1, -0.2],
  baseBody: 0,
  standingHeight_m: 0.5,
  totalMass_kg: 10,
  feet: [0, 1],
  keypoints: {},
};

export interface SyntheticOptions {
  readonly frameCount?: number;
  readonly source?: string;
  readonly actions?: boolean;
  readonly command?: boolean;
  /** Noise between executed action and label (rad). */
  readonly noise?: number;
}

/** Two joints that swing at a frequency set by the command; the action leads the joints by a fixed phase. */
export function syntheticEpisode(seed: number, options: SyntheticOptions = {}): Episode {
  const { frameCount = 120, source = 'synthetic', actions = true, command = true, noise = 0.05 } = options;
  const random = new Random(seed).split('episode');
  const speed = random.uniform(0.2, 1);
  const phase = random.uniform(0, 6);
  const column = (width: number, value: (frame: number, entry: number) => number): Channel => ({
    width,
    data: Float32Array.from({ length: frameCount * width }, (_, at) => value(Math.floor(at / width), at % width)),
  });
  const angle = (frame: number) => phase + 0.2 * speed * frame;
  const side = (entry: number) => (entry === 0 ? 1 : -1);
  const action = column(2, (frame, entry) => 0.5 * side(entry) * Math.sin(angle(frame) + 0.4));
  const channels: Partial<Record<ChannelName, Channel>> = {
    baseAngularVelocity: column(3, (frame, entry) => 0.3 * Math.sin(angle(frame) + entry)),
    projectedGravity: column(3, (_, entry) => (entry === 2 ? -1 : 0)),
    jointPosition: column(2, (frame, entry) => 0.4 * side(entry) * Math.sin(angle(frame))),
    jointVelocity: column(2, (frame, entry) => 4 * speed * side(entry) * Math.cos(angle(frame))),
  };
  if (command) channels.command = column(3, (_, entry) => (entry === 0 ? speed : 0));
  if (actions) {
    channels.action = action;
    channels.executedAction = { width: 2, data: action.data.map((value) => value + noise * random.normal()) };
  }
  return {
    id: `${source}/${seed}`,
    robot: identityOf(TINY_ROBOT),
    rate_hz: 50,
    frameCount,
    kind: 'rollout',
    source,
    channels,
    derived: [],
    startsAtReset: true,
    provenance: { input: 'synthetic', tool: 'test', options: { seed } },
    findings: [],
  };
}
