// The result of an evaluation as plain data: evaluation.json, and what the table and the report are made from.
//
// Nothing in it depends on time or machine load: the same inputs and seed give the same file. An absent number is null.

import type { CommandRange } from '../policy/controller.js';
import type { RobotIdentity } from '../robot/robot-model.js';
import type { ContenderRole } from './contenders.js';
import type { EvaluateConfig } from './evaluate-config.js';
import type { PredictionResult } from './prediction-error.js';
import type { Samples } from './samples.js';
import type { ConditionSummary } from './summarise.js';
import type { TrialMetrics } from './trial-metrics.js';
import type { Condition } from './trial-plan.js';

export const EVALUATION_FORMAT = 'nextgait-evaluation/1';

export interface TrialRecord extends TrialMetrics {
  readonly number: number;
}

export interface ConditionResult {
  readonly summary: ConditionSummary;
  readonly trials: readonly TrialRecord[];
}

export interface ContenderResult {
  readonly key: string;
  readonly role: ContenderRole;
  readonly name: string;
  readonly conditions: Readonly<Partial<Record<Condition, ConditionResult>>>;
}

export interface Evaluation {
  readonly format: typeof EVALUATION_FORMAT;
  readonly tool: string;
  /** As the user named it. */
  readonly policy: string;
  readonly robot: RobotIdentity;
  readonly rate_hz: number;
  readonly seed: number;
  readonly config: EvaluateConfig;
  /** Commands were drawn from this range. */
  readonly commandRange: CommandRange;
  /** False where it was interrupted: then fewer trials were run than `config` asks for. */
  readonly complete: boolean;
  /** The policy first. */
  readonly contenders: readonly ContenderResult[];
  readonly prediction: PredictionResult | null;
  /** What was left out and why, for people. */
  readonly notes: readonly string[];
  /** Paths, velocities and phase portraits of a few trials, for plots. */
  readonly samples: Samples;
}
