// TokenSpec: what one token holds and what it predicts. Recorded in every checkpoint and bundle.
//
// A time step t has an observation o_t and an action. Pairing says which action stands beside o_t in the history:
//   previous (default)  (o_t, executed a_{t-1}) predicts (o_{t+1}, a_t): no latency; HT-1, arXiv 2303.03381
//   same                (o_t, executed a_t) predicts (o_{t+1}, a_{t+1}): arXiv 2402.19469 read literally, one step late
// Layout concat makes one token a step, separate two (observation first). Alignment `aligned`: each modality predicts
// its own next value; `nonaligned` (separate, same): o_t predicts a_t, and a_t predicts o_{t+1}.

import { z } from 'zod';
import { DataError } from '../base/errors.js';
import { CHANNELS, type ChannelName, channelWidth } from '../motion/episode.js';
import type { RobotModel } from '../robot/robot-model.js';

const OBSERVABLE = [
  'baseAngularVelocity',
  'projectedGravity',
  'command',
  'jointPosition',
  'jointVelocity',
  'baseLinearVelocity',
  'footContact',
  'torque',
] as const satisfies readonly ChannelName[];

export const tokenConfigSchema = z.strictObject({
  /** Observation channels in token order. Base linear velocity is privileged: real sensors do not give it. */
  observation: z
    .array(z.enum(OBSERVABLE))
    .min(1)
    .default(['baseAngularVelocity', 'projectedGravity', 'command', 'jointPosition', 'jointVelocity']),
  layout: z.enum(['concat', 'separate']).default('concat'),
  pairing: z.enum(['previous', 'same']).default('previous'),
  alignment: z.enum(['aligned', 'nonaligned']).default('aligned'),
  targets: z.enum(['state+action', 'action']).default('state+action'),
  /** Time steps of history that the model sees. */
  context: z.int().min(1).max(1024).default(16),
});

export type TokenConfig = z.output<typeof tokenConfigSchema>;

export interface TokenChannel {
  readonly name: ChannelName;
  readonly width: number;
  /** First entry of the channel in the row [observation, action]. */
  readonly offset: number;
}

export interface TokenSpec extends TokenConfig {
  readonly rate_hz: number;
  readonly channels: readonly TokenChannel[];
  /** m: width of the observation. */
  readonly observationWidth: number;
  /** n: width of the action. */
  readonly actionWidth: number;
}

/**
 * Lays a token out for a robot.
 * @throws DataError for combinations that have no meaning
 */
export function createTokenSpec(config: TokenConfig, robot: RobotModel, rate_hz: number): TokenSpec {
  if (config.alignment === 'nonaligned' && (config.layout !== 'separate' || config.pairing !== 'same')) {
    throw new DataError({
      where: 'tokens.alignment',
      what: 'nonaligned prediction',
      expected: 'layout separate and pairing same, where the action token follows its own observation token',
      found: `layout ${config.layout}, pairing ${config.pairing}`,
      fix: 'Set tokens.layout=separate and tokens.pairing=same, or tokens.alignment=aligned',
    });
  }
  const repeated = config.observation.find((name, at) => config.observation.indexOf(name) !== at);
  if (repeated !== undefined) {
    throw new DataError({ where: 'tokens.observation', what: 'channel named twice', found: repeated });
  }
  let offset = 0;
  const channels = config.observation.map((name) => {
    const channel = { name, width: channelWidth(name, robot.jointNames.length, robot.feet.length), offset };
    offset += channel.width;
    return channel;
  });
  return { ...config, rate_hz, channels, observationWidth: offset, actionWidth: robot.jointNames.length };
}

/** Width of the row [observation, action]: m + n. */
export function rowWidth(spec: TokenSpec): number {
  return spec.observationWidth + spec.actionWidth;
}

/** Tokens that the transformer sees for one window. */
export function sequenceLength(spec: TokenSpec): number {
  return spec.layout === 'concat' ? spec.context : 2 * spec.context;
}

/** One name for each entry of the row, for tables and exported metadata: `jointPosition.left_knee_joint`. */
export function entryNames(spec: TokenSpec, robot: { readonly jointNames: readonly string[] }): string[] {
  const axes: Partial<Record<ChannelName, readonly string[]>> = {
    command: ['vx', 'vy', 'wz'],
    baseAngularVelocity: ['x', 'y', 'z'],
    baseLinearVelocity: ['x', 'y', 'z'],
    projectedGravity: ['x', 'y', 'z'],
  };
  const names = spec.channels.flatMap(({ name, width }) =>
    Array.from({ length: width }, (_, at) => {
      const part = CHANNELS[name].width === 'joints' ? robot.jointNames[at] : (axes[name]?.[at] ?? String(at));
      return `${name}.${part}`;
    }),
  );
  return [...names, ...robot.jointNames.map((joint) => `action.${joint}`)];
}
