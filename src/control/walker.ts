// One robot's walk: which foot stands, which swings and where to, and what the centre of mass should do meanwhile.
//
// Phases: stand (both feet, at rest), shift (weight goes to the first foot), double (weight goes to the foot that has
// landed) and single (the other foot swings). In each the divergent component of motion has a path with a
// zero-moment point inside the feet; the error is fed back to the zero-moment point, and what that cannot hold moves the
// landing in place and time. A foot has landed when it touches, not when it was planned to.

import { dcmBeforeRamp, offsetAtLanding } from './dcm.js';
import { clamp, type Footprint, planFootsteps, type Side } from './footsteps.js';
import { fromSupport, inFrame, wrap } from './ground-frame.js';
import { adjustLanding, moveSwing } from './swing.js';
import type { Phase, Walker, WalkerInput, WalkerSettings } from './walker-state.js';

const PREVIEW_STEPS = 5;
/** A touch earlier than this share of the swing is a scuff. */
const EARLIEST_TOUCH = 0.5;
/** Part of a stride's velocity error that goes into the steps to come, and the most that it may add up to (m/s). */
const CORRECTION_GAIN = 0.3;
const GREATEST_CORRECTION_MPS = 0.12;

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

function footprint({ feet }: WalkerInput, foot: number): Footprint {
  const { position_m, heading_rad } = feet[foot];
  return { x: position_m[0], y: position_m[1], heading_rad };
}
