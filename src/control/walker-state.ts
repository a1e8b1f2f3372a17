// What a walker remembers from tick to tick, what it is set to, and what it sees.

import type { StepTiming } from './dcm.js';
import type { Footprint, StrideLimits } from './footsteps.js';
import type { ModelBasedConfig } from './model-based-config.js';
import type { QuadraticProgram } from './quadratic-program.js';
import type { AxisState } from './quintic.js';
import { createStepSolver, type StepSolution } from './step-adjustment.js';

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
