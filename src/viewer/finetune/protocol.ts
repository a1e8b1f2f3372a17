// What the page and the worker of a training say to each other.

import type { MetricsLine } from '../../train/metrics.js';
import type { DataReport } from '../../train/prepare.js';
import type { TrainConfig } from '../../train/train-config.js';
import type { Problem } from '../page.js';

export const ENGINES = ['wasm', 'webgpu'] as const;
export type EngineName = (typeof ENGINES)[number];

export interface StartTraining {
  readonly type: 'start';
  readonly config: TrainConfig;
  readonly engine: EngineName;
  readonly shards: readonly { readonly name: string; readonly blob: Blob }[];
  /** The policy to go on from; absent: fresh weights. */
  readonly start?: { readonly where: string; readonly description: Uint8Array; readonly weights: Uint8Array };
}

export type ToTrainer = StartTraining | { readonly type: 'hold'; readonly held: boolean } | { readonly type: 'stop' };

/** What is trained, known before the first step. */
export interface PreparedTraining {
  /** What runs the steps, for people. */
  readonly engine: string;
  readonly parameterCount: number;
  readonly report: DataReport;
}

export type FromTrainer =
  | { readonly type: 'prepared'; readonly prepared: PreparedTraining }
  | { readonly type: 'metrics'; readonly line: MetricsLine }
  /** The policy after so many steps: files of its bundle by name. */
  | { readonly type: 'policy'; readonly step: number; readonly files: Readonly<Record<string, Uint8Array>> }
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'ended'; readonly step: number; readonly finished: boolean }
  | { readonly type: 'problem'; readonly problem: Problem };
