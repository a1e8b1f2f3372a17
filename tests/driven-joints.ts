// Joints of unit inertia under PD control that follow random targets: what a rollout would have recorded of them.

import { Random } from '../src/base/random.js';
import type { ActionInput } from '../src/motion/check-action.js';
import type { Column } from '../src/motion/columns.js';

export interface DrivenOptions {
  readonly frameCount: number;
  readonly default_rad: readonly number[];
  /** What the file's action is multiplied by to be what is added to its base. */
  readonly scale: number;
  readonly meaning: 'offset' | 'absolute';
  /** True where a row has the state that its action led to. */
  readonly statesAfter?: boolean;
}

/** Stepped at 1 kHz, recorded at 50 Hz; targets are smooth noise about the default pose. */
export function drivenJoints(
  options: DrivenOptions,
): ActionInput & { readonly velocity: Column; readonly torque: Column } {
  const { frameCount, default_rad, scale, meaning, statesAfter = false } = options;
  const random = new Random(7).split('actions');
  const width = default_rad.length;
  const empty = (): Column & { readonly data: Float64Array } => ({ width, data: new Float64Array(frameCount * width) });
  const [position, velocity, action, torque] = [empty(), empty(), empty(), empty()];
  for (let joint = 0; joint < width; joint++) {
    const base = meaning === 'offset' ? default_rad[joint] : 0;
    let q = default_rad[joint];
    let dq = 0;
    let target = default_rad[joint];
    for (let frame = 0; frame < frameCount; frame++) {
      const at = frame * width + joint;
      target += 0.4 * (default_rad[joint] + random.uniform(-0.6, 0.6) - target);
      action.data[at] = (target - base) / scale;
      if (!statesAfter) [position.data[at], velocity.data[at]] = [q, dq];
      torque.data[at] = 100 * (target - q) - 8 * dq;
      for (let step = 0; step < 20; step++) {
        dq += (100 * (target - q) - 8 * dq) * 0.001;
        q += dq * 0.001;
      }
      if (statesAfter) [position.data[at], velocity.data[at]] = [q, dq];
    }
  }
  return { frameCount, rate_hz: 50, position, velocity, action, torque, default_rad };
}
