// The swing foot: where it lands, as the fall demands, and the way it takes there.

import { clamp } from './footsteps.js';
import { fromSupport, inFrame, wrap } from './ground-frame.js';
import { followTarget } from './quintic.js';
import { adjustStep } from './step-adjustment.js';
import type { Walker, WalkerInput, WalkerSettings } from './walker-state.js';

/** Speed at which the sole meets the ground (m/s). */
const LANDING_SPEED = 0.2;
const LANDING_DEPTH_M = 0.006;
/** The foot is over its place so long before it lands (s). */
const SETTLE_S = 0.04;
/** The landing may come this much nearer to the other foot than a planned one (m). */
const NEARER_M = 0.05;

/** Moves the landing by what the ankle cannot make good. */
export function adjustLanding(
  walker: Walker,
  settings: WalkerSettings,
  input: WalkerInput,
  nominal: readonly number[],
  offset: readonly number[],
): void {
  const { landing, support, time_s } = walker;
  const { step, timing, omega, stride } = settings;
  if (time_s > 0.002 && walker.singleSupport_s - time_s < step.freeze_s) return;
  const side = walker.stance === 0 ? -1 : 1;
  const across = [side * (stride.leastWidth_m - NEARER_M), side * stride.greatestWidth_m];
  const planned_s = Math.max(timing.singleSupport_s - time_s, step.freeze_s);
  const problem = {
    omega,
    dcm_m: input.dcm_m,
    zmp_m: ankleZmp(walker, settings, input, nominal, offset, planned_s),
    foot_m: nominal,
    offset_m: offset,
    remaining_s: planned_s,
    shortest_s: Math.max(step.shortest * timing.singleSupport_s - time_s, step.freeze_s),
    longest_s: step.longest * timing.singleSupport_s - time_s,
    heading_rad: support.heading_rad,
    origin_m: [support.x, support.y],
    reach_m: [-stride.stride_m, stride.stride_m, Math.min(...across), Math.max(...across)],
    weights: step,
  };
  if (!adjustStep(walker.solver, problem, landing)) {
    landing.foot_m.set(nominal);
    landing.remaining_s = planned_s;
  }
  walker.singleSupport_s = time_s + landing.remaining_s;
}

/** The zero-moment point within the sole that brings ξ nearest to where it should be when the foot lands. */
function ankleZmp(
  { support }: Walker,
  { omega, halfLength_m, halfWidth_m }: WalkerSettings,
  { dcm_m }: WalkerInput,
  nominal: readonly number[],
  offset: readonly number[],
  remaining_s: number,
): [number, number] {
  const growth = Math.exp(omega * remaining_s);
  const ideal = [0, 1].map((axis) => (dcm_m[axis] * growth - nominal[axis] - offset[axis]) / (growth - 1));
  const [along, across] = inFrame(ideal[0] - support.x, ideal[1] - support.y, support.heading_rad);
  return fromSupport(support, clamp(along, -halfLength_m, halfLength_m), clamp(across, -halfWidth_m, halfWidth_m));
}

/** Carries the swing foot's reference on by one tick. */
export function moveSwing(walker: Walker, settings: WalkerSettings, tick_s: number): void {
  const { swing, landing, singleSupport_s, time_s } = walker;
  const left_s = singleSupport_s - time_s;
  const [x, y, z, heading] = swing;
  if (left_s <= tick_s) {
    // Late: straight down until it touches.
    for (const axis of [x, y, heading]) axis.velocity = 0;
    for (const axis of swing) axis.acceleration = 0;
    z.velocity = -LANDING_SPEED;
    z.position -= LANDING_SPEED * tick_s;
    return;
  }
  const across_s = Math.max(left_s - SETTLE_S, 2.5 * tick_s);
  followTarget(x, { position: landing.foot_m[0], velocity: 0, acceleration: 0 }, across_s, tick_s);
  followTarget(y, { position: landing.foot_m[1], velocity: 0, acceleration: 0 }, across_s, tick_s);
  const turned = heading.position + wrap(walker.landingHeading_rad - heading.position);
  followTarget(heading, { position: turned, velocity: 0, acceleration: 0 }, across_s, tick_s);
  const ground = walker.ground_m + settings.groundHeight_m;
  const untilApex_s = 0.5 * singleSupport_s - time_s;
  const top = { position: ground + settings.stepHeight_m, velocity: 0, acceleration: 0 };
  // A little under the ground, so that what the foot lags behind does not make the step late.
  const down = { position: ground - LANDING_DEPTH_M, velocity: -LANDING_SPEED, acceleration: 0 };
  if (untilApex_s > 2 * tick_s) followTarget(z, top, untilApex_s, tick_s);
  else followTarget(z, down, left_s, tick_s);
}
