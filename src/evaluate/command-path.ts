// The path that a velocity command asks for: x*(t) of the paper's tracking error (arXiv 2402.19469, section 4).
//
// The heading integrates wz, the position integrates (vx, vy) in that heading, both from the start pose. A command is
// constant over a control step, and the step is integrated exactly (an arc, not its chord).

import { type CommandSchedule, commandAt } from '../sim/command-schedule.js';

export interface CommandPath {
  /** Planar position at each frame [frame, 2] (m). */
  readonly position_m: Float64Array;
  /** Heading at each frame (rad), not wrapped. */
  readonly yaw_rad: Float64Array;
}

/** Integrates a schedule over `frameCount` frames at `rate_hz` from a start pose. */
export function integrateCommands(
  schedule: CommandSchedule,
  frameCount: number,
  rate_hz: number,
  start: { readonly x_m: number; readonly y_m: number; readonly yaw_rad: number },
): CommandPath {
  const position_m = new Float64Array(2 * frameCount);
  const yaw_rad = new Float64Array(frameCount);
  const command = new Float64Array(3);
  const dt = 1 / rate_hz;
  let x = start.x_m;
  let y = start.y_m;
  let yaw = start.yaw_rad;
  for (let frame = 0; frame < frameCount; frame++) {
    position_m[2 * frame] = x;
    position_m[2 * frame + 1] = y;
    yaw_rad[frame] = yaw;
    commandAt(schedule, frame * dt, command, 0);
    const [vx, vy, wz] = command;
    const half = (wz * dt) / 2;
    // Chord of the arc: the step's length times sin(half)/half, along the heading halfway.
    const chord = dt * (Math.abs(half) < 1e-9 ? 1 : Math.sin(half) / half);
    const cosine = Math.cos(yaw + half);
    const sine = Math.sin(yaw + half);
    x += chord * (vx * cosine - vy * sine);
    y += chord * (vx * sine + vy * cosine);
    yaw += wz * dt;
  }
  return { position_m, yaw_rad };
}
