import { describe, expect, test } from 'vitest';
import {
  addAxes,
  axesOfGamepad,
  axesOfKeys,
  clampCommand,
  commandOfAxes,
  rampAxes,
  STILL,
} from '../../../src/viewer/drive/command-input.js';

const RANGE = { vx_mps: [-0.4, 0.9], vy_mps: [-0.3, 0.3], wz_radps: [-0.2, 0.25] } as const;

describe('commands', () => {
  test('keys walk, sidestep and turn; opposed keys cancel', () => {
    expect(axesOfKeys(['KeyW', 'KeyA', 'KeyQ'])).toEqual([1, 1, 1]);
    expect(axesOfKeys(['ArrowDown', 'ArrowRight', 'KeyD'])).toEqual([-1, -1, -1]);
    expect(axesOfKeys(['KeyW', 'KeyS'])).toEqual(STILL);
    expect(axesOfKeys(['KeyW', 'ArrowUp'])).toEqual([1, 0, 0]);
    expect(axesOfKeys(['Space'])).toEqual(STILL);
  });

  test('a gamepad rests in its dead zone, reaches its end, and pushes forward for forward', () => {
    expect(axesOfGamepad([0.05, -0.05, 0.1, 0])).toEqual(STILL);
    expect(axesOfGamepad([0, -1, 0, 0])[0]).toBe(1);
    expect(axesOfGamepad([-1, 0, 0, 0])[1]).toBe(1);
    expect(axesOfGamepad([0, 0, 1, 0])[2]).toBe(-1);
    expect(axesOfGamepad([0, -0.56, 0, 0])[0]).toBeCloseTo(0.5, 12);
    expect(axesOfGamepad([])).toEqual(STILL);
  });

  test('an axis goes to the end of its side of the range, and no further', () => {
    expect(commandOfAxes([1, -1, 0], RANGE)).toEqual([0.9, -0.3, 0]);
    expect(commandOfAxes([-0.5, 0, -1], RANGE)).toEqual([-0.2, 0, -0.2]);
    expect(
      commandOfAxes(
        addAxes([
          [1, 0, 0],
          [1, 0, 0.5],
        ]),
        RANGE,
      ),
    ).toEqual([0.9, 0, 0.125]);
    // A policy that only walks forward stands still under "back".
    expect(commandOfAxes([-1, 0, 0], { ...RANGE, vx_mps: [0.1, 0.5] })[0]).toBe(0);
  });

  test('a command is cut to the range', () => {
    expect(clampCommand([2, -2, 0.1], RANGE)).toEqual([0.9, -0.3, 0.1]);
  });

  test('a command follows the hand over the ramp', () => {
    let axes: readonly [number, number, number] = STILL;
    for (let step = 0; step < 10; step++) axes = rampAxes(axes, [1, -1, 0], 0.02);
    expect(axes[0]).toBeCloseTo(0.2 / 0.35, 9);
    for (let step = 0; step < 10; step++) axes = rampAxes(axes, [1, -1, 0], 0.02);
    expect(axes).toEqual([1, -1, 0]);
  });
});
