// From keys, sticks and gamepads to a velocity command within the policy's range.
//
// Every device gives three axes from -1 to 1: forward, left, counter-clockwise. An axis goes to the end of its range on
// its side, so that 0 is standing still also where a range is lopsided. Commands follow the hand over a short ramp: a key
// is a switch, and a person's wish is not.

import type { CommandRange } from '../../policy/controller.js';

/** Forward, left, counter-clockwise; each from -1 to 1. */
export type Axes = readonly [number, number, number];

export const STILL: Axes = [0, 0, 0];

/** Where a policy does not say what it was trained for: slow commands that most walk under. */
export const CAUTIOUS_RANGE: CommandRange = { vx_mps: [-0.3, 0.5], vy_mps: [-0.2, 0.2], wz_radps: [-0.3, 0.3] };

export const COMMAND_INPUT = {
  /** A gamepad's stick nearer to its centre than this rests. */
  deadZone: 0.12,
  /** Time from rest to the end of the range (s). */
  ramp_s: 0.35,
} as const;

type Direction = readonly [axis: 0 | 1 | 2, sign: 1 | -1];

/** By `KeyboardEvent.code`: places on the keyboard, the same on every layout. */
const KEYS: Readonly<Record<string, Direction>> = {
  KeyW: [0, 1],
  KeyS: [0, -1],
  KeyA: [1, 1],
  KeyD: [1, -1],
  KeyQ: [2, 1],
  KeyE: [2, -1],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
  ArrowLeft: [2, 1],
  ArrowRight: [2, -1],
};

export function isDriveKey(code: string): boolean {
  return code in KEYS;
}

/** Keys that are held, as axes. Two that are opposed cancel. */
export function axesOfKeys(held: Iterable<string>): Axes {
  const axes: [number, number, number] = [0, 0, 0];
  for (const code of held) {
    const direction = KEYS[code];
    if (direction !== undefined) axes[direction[0]] += direction[1];
  }
  return clampAxes(axes);
}

/** A gamepad in the standard layout: left stick walks, right stick turns. Its axes point right and down. */
export function axesOfGamepad(raw: readonly number[]): Axes {
  const [leftX = 0, leftY = 0, rightX = 0] = raw;
  const [x, y] = withDeadZone(leftX, leftY);
  const [turn] = withDeadZone(rightX, 0);
  return [0 - y, 0 - x, 0 - turn];
}

/** Cuts the dead zone out and stretches the rest, so that motion begins at 0. */
function withDeadZone(x: number, y: number): [number, number] {
  const { deadZone } = COMMAND_INPUT;
  const length = Math.hypot(x, y);
  if (!(length > deadZone)) return [0, 0];
  const scale = Math.min(1, (length - deadZone) / (1 - deadZone)) / length;
  return [x * scale, y * scale];
}

/** What several hands want together. */
export function addAxes(all: readonly Axes[]): Axes {
  return clampAxes([0, 1, 2].map((axis) => all.reduce((sum, axes) => sum + axes[axis], 0)));
}

function clampAxes(axes: readonly number[]): Axes {
  const one = (axis: number) => Math.min(1, Math.max(-1, axes[axis]));
  return [one(0), one(1), one(2)];
}

const RANGE_KEYS = ['vx_mps', 'vy_mps', 'wz_radps'] as const;

/** vx (m/s), vy (m/s), wz (rad/s) of axes. */
export function commandOfAxes(axes: Axes, range: CommandRange): [number, number, number] {
  const one = (axis: number) => {
    const [low, high] = range[RANGE_KEYS[axis]];
    const value = axes[axis] >= 0 ? axes[axis] * Math.max(0, high) : -axes[axis] * Math.min(0, low);
    // No negative zero.
    return value === 0 ? 0 : value;
  };
  return [one(0), one(1), one(2)];
}

/** A command cut to a range. */
export function clampCommand(command: ArrayLike<number>, range: CommandRange): [number, number, number] {
  const one = (axis: number) => {
    const [low, high] = range[RANGE_KEYS[axis]];
    return Math.min(high, Math.max(low, command[axis]));
  };
  return [one(0), one(1), one(2)];
}

/** Axes a moment later on their way to `wanted`. */
export function rampAxes(now: Axes, wanted: Axes, elapsed_s: number): Axes {
  const most = elapsed_s / COMMAND_INPUT.ramp_s;
  const one = (axis: number) => now[axis] + Math.min(most, Math.max(-most, wanted[axis] - now[axis]));
  return [one(0), one(1), one(2)];
}
