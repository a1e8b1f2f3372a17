// What the page and the worker say to each other. The worker has physics and policy; the page has hands and eyes.

import type { CommandRange } from '../../policy/controller.js';
import type { RobotModel } from '../../robot/robot-model.js';
import type { TerrainKind } from '../../sim/terrain.js';
import type { Problem } from '../page.js';
import type { RobotGeometry } from '../scene/robot-geometry.js';
import type { Axes } from './command-input.js';
import type { ClockReport } from './drive-clock.js';
import type { DriveFrame, Push } from './drive-session.js';

export type ToWorker =
  | {
      readonly type: 'open';
      readonly description: Uint8Array;
      readonly weights: Uint8Array;
      readonly robot: Uint8Array;
      /** Where the files came from, for messages. */
      readonly where: string;
    }
  /** What the hands want, until the next such message. */
  | { readonly type: 'axes'; readonly axes: Axes }
  | { readonly type: 'run'; readonly running: boolean }
  /** One control step while stopped. */
  | { readonly type: 'step' }
  | { readonly type: 'reset' }
  | { readonly type: 'push'; readonly push: Push }
  | { readonly type: 'terrain'; readonly kind: TerrainKind }
  | { readonly type: 'payload'; readonly payload_kg: number }
  | { readonly type: 'record'; readonly recording: boolean };

/** A policy that is ready to be driven. */
export interface Opened {
  readonly policy: string;
  readonly robot: RobotModel;
  readonly geometry: RobotGeometry;
  readonly meshBytes: Uint8Array;
  readonly commandRange: CommandRange;
  readonly rangeIsKnown: boolean;
  readonly foretells: boolean;
  readonly rate_hz: number;
  readonly parameterCount: number;
  /** From the worker's start: engines loaded and compiled, and the first control step done (ms). */
  readonly open_ms: number;
  readonly firstStep_ms: number;
}

export interface Status extends ClockReport {
  /** Means over the time since the last status (ms). */
  readonly policy_ms: number;
  readonly physics_ms: number;
}

export type FromWorker =
  | { readonly type: 'opened'; readonly opened: Opened; readonly frame: DriveFrame }
  | { readonly type: 'frame'; readonly frame: DriveFrame }
  | { readonly type: 'status'; readonly status: Status }
  | { readonly type: 'terrain'; readonly kind: TerrainKind }
  /** A finished recording; no shard where nothing was recorded. */
  | { readonly type: 'recorded'; readonly shard?: Uint8Array; readonly name: string; readonly frames: number }
  | { readonly type: 'problem'; readonly problem: Problem };
