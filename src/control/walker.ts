// One robot's walk: which foot stands, which swings and where to, and what the centre of mass should do meanwhile.
//
// Phases: stand (both feet, at rest), shift (weight goes to the first foot), double (weight goes to the foot that has
// landed) and single (the other foot swings). In each the divergent component of motion has a path with a
// zero-moment point inside the feet; the error is fed back to the zero-moment point, and what that cannot hold moves the
// landing in place and time. A foot has landed when it touches, not when it was planned to.

import { dcmBeforeRamp, offsetAtLanding, type StepTiming } from './dcm.js';
import { clamp, type Footprint, planFootsteps, type Side, type StrideLimits } from './footsteps.js';
import type { ModelBasedConfig } from './model-based-config.js';
import type { QuadraticProgram } from './quadratic-program.js';
import { type AxisState, followTarget } from './quintic.js';
import { adjustStep, createStepSolver, type StepSolution } from './step-adjustment.js';

const PREVIEW_STEPS = 5;
/** A touch earlier than this share of the swing is a scuff. */
const EARLIEST_TOUCH = 0.5;
/** Speed at which the sole meets the ground (m/s). */
const LANDING_SPEED = 0.2;
const LANDING_DEPTH_M = 0.006;
/** The foot is over its place so long before it lands (s). */
const SETTLE_S = 0.04;

/** The landing may come this much nearer to the other foot than a planned one (m). */
const NEARER_M = 0.05;
/** Part of a stride's velocity error that goes into the steps to come, and the most that it may add up to (m/s). */
const CORRECTION_GAIN = 0.3;
const GREATEST_CORRECTION_MPS = 0.12;

export type Phase = 'stand' | 'shift' | 'double' | 'single';

export interface WalkerSettings {
  readonly timing: StepTiming;
  readonly stepHeight_m: number;
  readonly groundHeight_m: number;
  readonly shift_s: number;
  readonly acceleration: number;
  readonly omega: number;
  readonly dcmGain: number;
  readonly step: ModelBasedConfig['step'];
  readonly stride: StrideLimits;
  /** Half length and half width of what the zero-moment point may use of a sole (m). */
  readonly halfLength_m: number;
  readonly halfWidth_m: number;
}

/** What the walker sees at a tick. Feet are left, right. */
export interface WalkerInput {
  /** Divergent component of motion (m). */
  readonly dcm_m: ArrayLike<number>; // [2]
  readonly feet: readonly {
    readonly position_m: ArrayLike<number>;
    readonly heading_rad: number;
  }[];
  readonly contact: ArrayLike<number>; // [foot]
  readonly heading_rad: number;
  readonly command: ArrayLike<number>; // [3]
}

export interface Walker {
  phase: Phase;
  /** Time in the phase (s). */
  time_s: number;
  /** Index of the foot stood on: 0 left, 1 right. */
  stance: number;
  support: Footprint;
  /** Time on one foot of the step under way, as adjusted (s). */
  singleSupport_s: number;
  readonly command: Float64Array; // [3] as smoothed
  heading_rad: number;
  /** Zero-moment point wanted (m). */
  readonly zmp_m: Float64Array; // [2]
  readonly zmpAtStart_m: Float64Array; // [2]
  readonly dcmAtStart_m: Float64Array; // [2]
  /** Reference of the swing foot: x, y, z, heading. */
  readonly swing: readonly [AxisState, AxisState, AxisState, AxisState];
  readonly landing: StepSolution;
  landingHeading_rad: number;
  readonly solver: QuadraticProgram;
  /** Height of the sole that is stood on (m). */
  ground_m: number;
  /** Time since the reset (s). */
  clock_s: number;
  /** Where and when each foot landed last, and the command then. */
  readonly landed: (Landed | undefined)[];
  /** Added to the command (m/s, forward and left), so that strides come out as long as they should. */
  readonly correction_mps: Float64Array; // [2]
}

interface Landed {
  readonly place: Footprint;
  readonly clock_s: number;
  readonly command: readonly number[];
}

export function createWalker(): Walker {
  const axis = (): AxisState => ({ position: 0, velocity: 0, acceleration: 0 });
  return {
    phase: 'stand',
    time_s: 0,
    stance: 0,
    support: { x: 0, y: 0, heading_rad: 0 },
    singleSupport_s: 0,
    command: new Float64Array(3),
    heading_rad: 0,
    zmp_m: new Float64Array(2),
    zmpAtStart_m: new Float64Array(2),
    dcmAtStart_m: new Float64Array(2),
    swing: [axis(), axis(), axis(), axis()],
    landing: { foot_m: new Float64Array(2), offset_m: new Float64Array(2), remaining_s: 0 },
    landingHeading_rad: 0,
    solver: createStepSolver(),
    ground_m: 0,
    clock_s: 0,
    landed: [undefined, undefined],
    correction_mps: new Float64Array(2),
  };
}

/** Puts the walker at rest on both feet. */
export function resetWalker(walker: Walker, input: WalkerInput): void {
  walker.command.fill(0);
  walker.correction_mps.fill(0);
  walker.landed.fill(undefined);
  walker.clock_s = 0;
  walker.heading_rad = input.heading_rad;
  walker.ground_m = Math.min(input.feet[0].position_m[2], input.feet[1].position_m[2]);
  enter(walker, 'stand', input);
}

/** Carries the walk on by `tick_s`: afterwards phase, zmp_m, swing and heading_rad say what is wanted now. */
export function advanceWalker(walker: Walker, settings: WalkerSettings, input: WalkerInput, tick_s: number): void {
  smoothCommand(walker, settings, input, tick_s);
  walker.time_s += tick_s;
  walker.clock_s += tick_s;
  changePhase(walker, settings, input);
  if (walker.phase === 'stand') standStill(walker, settings, input);
  else stepOn(walker, settings, input, tick_s);
}

function smoothCommand(walker: Walker, { acceleration }: WalkerSettings, input: WalkerInput, tick_s: number): void {
  for (let axis = 0; axis < 3; axis++) {
    const change = acceleration * tick_s;
    walker.command[axis] += clamp(input.command[axis] - walker.command[axis], -change, change);
  }
  walker.heading_rad += walker.command[2] * tick_s;
  // After a blow that turned the robot, it goes on from where it now faces.
  const error = wrap(walker.heading_rad - input.heading_rad);
  walker.heading_rad = input.heading_rad + clamp(error, -0.4, 0.4);
}

function changePhase(walker: Walker, settings: WalkerSettings, input: WalkerInput): void {
  const { phase, time_s } = walker;
  const { timing } = settings;
  if (phase === 'stand') {
    if (mustStep(walker, settings, input)) {
      walker.stance = firstStance(walker, input);
      walker.support = footprint(input, walker.stance);
      enter(walker, 'shift', input);
    }
  } else if (phase === 'shift') {
    if (time_s >= settings.shift_s) beginSwing(walker, settings, input);
  } else if (phase === 'double') {
    if (time_s >= timing.doubleSupport_s) beginSwing(walker, settings, input);
  } else {
    const swing = 1 - walker.stance;
    const touched = input.contact[swing] > 0 && time_s > EARLIEST_TOUCH * walker.singleSupport_s;
    if (!touched) return;
    walker.stance = swing;
    walker.support = footprint(input, swing);
    walker.ground_m = input.feet[swing].position_m[2];
    correctStride(walker);
    const stops = mayStop(walker, settings, input);
    enter(walker, stops ? 'stand' : 'double', input);
    if (!stops) return;
    walker.correction_mps.fill(0);
    walker.landed.fill(undefined);
  }
}

/** Compares the stride of the foot that has just landed with the command, and makes up for the difference. */
function correctStride(walker: Walker): void {
  const { stance, support, clock_s, landed, command, correction_mps } = walker;
  const before = landed[stance];
  landed[stance] = { place: support, clock_s, command: [...command] };
  if (before === undefined) return;
  const duration_s = clock_s - before.clock_s;
  const achieved = inFrame(
    (support.x - before.place.x) / duration_s,
    (support.y - before.place.y) / duration_s,
    walker.heading_rad - (command[2] * duration_s) / 2,
  );
  for (let axis = 0; axis < 2; axis++) {
    const wanted = (before.command[axis] + command[axis]) / 2;
    // A blow is no fault of the steps: it counts little.
    const error = clamp(wanted - achieved[axis], -0.1, 0.1);
    const sum = correction_mps[axis] + CORRECTION_GAIN * error;
    correction_mps[axis] = clamp(sum, -GREATEST_CORRECTION_MPS, GREATEST_CORRECTION_MPS);
  }
}

function enter(walker: Walker, phase: Phase, input: WalkerInput): void {
  walker.phase = phase;
  walker.time_s = 0;
  walker.zmpAtStart_m.set(walker.zmp_m);
  walker.dcmAtStart_m[0] = input.dcm_m[0];
  walker.dcmAtStart_m[1] = input.dcm_m[1];
}

function beginSwing(walker: Walker, settings: WalkerSettings, input: WalkerInput): void {
  enter(walker, 'single', input);
  walker.singleSupport_s = settings.timing.singleSupport_s;
  const foot = input.feet[1 - walker.stance];
  const start = [foot.position_m[0], foot.position_m[1], foot.position_m[2], foot.heading_rad];
  walker.swing.forEach((axis, at) => {
    axis.position = start[at];
    axis.velocity = 0;
    axis.acceleration = 0;
  });
}

/** Standing ends with a command, where the fall cannot be held, and where the feet do not stand side by side. */
function mustStep(walker: Walker, settings: WalkerSettings, input: WalkerInput): boolean {
  if (commanded(input)) return true;
  const [along, across] = inFrame(
    input.dcm_m[0] - (input.feet[0].position_m[0] + input.feet[1].position_m[0]) / 2,
    input.dcm_m[1] - (input.feet[0].position_m[1] + input.feet[1].position_m[1]) / 2,
    walker.heading_rad,
  );
  return Math.abs(along) > 0.75 * settings.halfLength_m || Math.abs(across) > 0.35 * settings.stride.width_m;
}

function commanded({ command }: WalkerInput): boolean {
  return Math.abs(command[0]) > 0.01 || Math.abs(command[1]) > 0.01 || Math.abs(command[2]) > 0.01;
}

/** The foot on the side to which the robot does not fall, or does not go. */
function firstStance(walker: Walker, input: WalkerInput): number {
  const [, across] = inFrame(
    input.dcm_m[0] - (input.feet[0].position_m[0] + input.feet[1].position_m[0]) / 2,
    input.dcm_m[1] - (input.feet[0].position_m[1] + input.feet[1].position_m[1]) / 2,
    walker.heading_rad,
  );
  const toLeft = across + 0.2 * input.command[1] + 0.05 * input.command[2];
  return toLeft > 0 ? 1 : 0;
}

function mayStop(walker: Walker, settings: WalkerSettings, input: WalkerInput): boolean {
  if (commanded(input) || walker.command.some((value) => Math.abs(value) > 0.02)) return false;
  const [left, right] = input.feet;
  const [along, across] = inFrame(
    left.position_m[0] - right.position_m[0],
    left.position_m[1] - right.position_m[1],
    walker.heading_rad,
  );
  const { width_m } = settings.stride;
  const turned = Math.abs(wrap(left.heading_rad - right.heading_rad));
  return Math.abs(along) < 0.03 && Math.abs(across - width_m) < 0.04 && turned < 0.1;
}

/** The DCM goes to the middle of the feet and stays. */
function standStill(walker: Walker, settings: WalkerSettings, input: WalkerInput): void {
  const rate = 3;
  const decay = Math.exp(-rate * walker.time_s);
  for (let axis = 0; axis < 2; axis++) {
    const middle = (input.feet[0].position_m[axis] + input.feet[1].position_m[axis]) / 2;
    const away = (walker.dcmAtStart_m[axis] - middle) * decay;
    track(walker, settings, axis, input.dcm_m[axis], middle + away, -rate * away);
  }
}

/** Feeds the DCM's error back to the zero-moment point. */
function track(
  walker: Walker,
  { omega, dcmGain }: WalkerSettings,
  axis: number,
  dcm: number,
  wanted: number,
  velocity: number,
): void {
  walker.zmp_m[axis] = dcm - (velocity - dcmGain * (dcm - wanted)) / omega;
}

function stepOn(walker: Walker, settings: WalkerSettings, input: WalkerInput, tick_s: number): void {
  const { timing, omega } = settings;
  const { support } = walker;
  const side: Side = walker.stance === 0 ? 1 : -1;
  const untilLanding_s =
    walker.phase === 'single'
      ? Math.max(0, walker.singleSupport_s - walker.time_s)
      : timing.singleSupport_s + Math.max(0, durationOf(walker, settings) - walker.time_s);
  const firstHeading = walker.heading_rad + walker.command[2] * (untilLanding_s + timing.singleSupport_s / 2);
  const step_s = timing.singleSupport_s + timing.doubleSupport_s;
  const { command, correction_mps } = walker;
  const wanted = [command[0] + correction_mps[0], command[1] + correction_mps[1], command[2]];
  const feet = planFootsteps(support, side, wanted, firstHeading, step_s, settings.stride, PREVIEW_STEPS);
  const offset = [
    offsetAtLanding(
      feet.map(({ x }) => x),
      timing,
      omega,
    ),
    offsetAtLanding(
      feet.map(({ y }) => y),
      timing,
      omega,
    ),
  ];
  const nominal = [feet[1].x, feet[1].y];
  if (walker.phase === 'single') {
    adjustLanding(walker, settings, input, nominal, offset);
    walker.landingHeading_rad = feet[1].heading_rad;
  }
  const own = [support.x, support.y];
  for (let axis = 0; axis < 2; axis++) {
    // At the beginning of single support ξ must be here for it to be over the landing foot's offset at the end.
    const end = nominal[axis] + offset[axis];
    const begin = own[axis] + (end - own[axis]) * Math.exp(-omega * timing.singleSupport_s);
    followPath(walker, settings, axis, input.dcm_m[axis], own[axis], begin, end);
  }
  if (walker.phase === 'single') {
    keepInSole(walker, settings);
    moveSwing(walker, settings, tick_s);
  }
}

function durationOf({ phase }: Walker, { timing, shift_s }: WalkerSettings): number {
  return phase === 'shift' ? shift_s : timing.doubleSupport_s;
}

/** Where ξ should be now, along one axis, and the zero-moment point that brings it there. */
function followPath(
  walker: Walker,
  settings: WalkerSettings,
  axis: number,
  dcm: number,
  own: number,
  begin: number,
  end: number,
): void {
  const { omega, timing } = settings;
  if (walker.phase === 'single') {
    const wanted = own + (end - own) * Math.exp(-omega * Math.max(0, walker.singleSupport_s - walker.time_s));
    track(walker, settings, axis, dcm, wanted, omega * (wanted - own));
  } else if (walker.phase === 'double') {
    const from = walker.zmpAtStart_m[axis];
    const share = Math.min(1, walker.time_s / timing.doubleSupport_s);
    const zmp = from + (own - from) * share;
    const wanted = dcmBeforeRamp(begin, zmp, own, timing.doubleSupport_s - walker.time_s, omega);
    track(walker, settings, axis, dcm, wanted, omega * (wanted - zmp));
  } else {
    // A cubic from rest to where, and as fast as, single support begins.
    const T = settings.shift_s;
    const s = Math.min(1, walker.time_s / T);
    const start = walker.dcmAtStart_m[axis];
    const endSpeed = omega * (begin - own);
    const [b, c] = [3 * (begin - start) - endSpeed * T, endSpeed * T - 2 * (begin - start)];
    track(walker, settings, axis, dcm, start + s * s * (b + s * c), (s * (2 * b + 3 * s * c)) / T);
  }
}

/** On one foot the zero-moment point stays within its sole. */
function keepInSole(walker: Walker, { halfLength_m, halfWidth_m }: WalkerSettings): void {
  const { support, zmp_m } = walker;
  const [along, across] = inFrame(zmp_m[0] - support.x, zmp_m[1] - support.y, support.heading_rad);
  zmp_m.set(fromSupport(support, clamp(along, -halfLength_m, halfLength_m), clamp(across, -halfWidth_m, halfWidth_m)));
}

/** Moves the landing by what the ankle cannot make good. */
function adjustLanding(
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

function fromSupport(support: Footprint, x: number, y: number): [number, number] {
  const [cosine, sine] = [Math.cos(support.heading_rad), Math.sin(support.heading_rad)];
  return [support.x + cosine * x - sine * y, support.y + sine * x + cosine * y];
}

function moveSwing(walker: Walker, settings: WalkerSettings, tick_s: number): void {
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

function footprint({ feet }: WalkerInput, foot: number): Footprint {
  const { position_m, heading_rad } = feet[foot];
  return { x: position_m[0], y: position_m[1], heading_rad };
}

function inFrame(x: number, y: number, heading_rad: number): [number, number] {
  const [cosine, sine] = [Math.cos(heading_rad), Math.sin(heading_rad)];
  return [cosine * x + sine * y, cosine * y - sine * x];
}

/** An angle in [-π, π]. */
export function wrap(angle_rad: number): number {
  return Math.atan2(Math.sin(angle_rad), Math.cos(angle_rad));
}
