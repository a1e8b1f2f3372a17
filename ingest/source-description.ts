// What is in a file, before anyone knows what it means: its fields with types, shapes and the beginning of their numbers.

import type { DataErrorDetail } from '../src/base/errors.js';
import type { FormatName, Selector } from './field-map.js';
import type { RawField } from './recording.js';

/** One thing of a file that a field map can select. */
export interface SourceField {
  /** As the file calls it: an array, a dataset, a path, a topic and path, a column. */
  readonly name: string;
  /** What a field map writes to select all of it; absent where it is no field of numbers over frames. */
  readonly selector?: Selector;
  /** As the file has it, for people: `500 x 23`. */
  readonly shape: string;
  /** As the file has it: `float32`, `<U20`, `number`. */
  readonly type: string;
  /** Names of its columns in order, where the file has them. */
  readonly columns?: readonly string[];
  /** Numbers of the first recording [frame, width], or of its beginning; absent for text and single values. */
  readonly sample?: RawField;
  /** Text or a single value, for people: `50`, `left_hip_pitch_joint, ...`. */
  readonly value?: string;
  /** All of its text, where it is a list of text (joint names, say). */
  readonly text?: readonly string[];
  /** Why its numbers cannot be read. */
  readonly problem?: DataErrorDetail;
  /** Which clock its frames follow, where the source has several (tables, topics). */
  readonly clock?: string;
}

export interface SourceDescription {
  readonly format: FormatName;
  /** Keys of a field map that files of this layout need besides time, joints and channels: `header: false`, say. */
  readonly mapKeys: Readonly<Record<string, unknown>>;
  readonly fields: readonly SourceField[];
  /** How a field map would give the time; absent where nothing in the file says so. */
  readonly time?: Readonly<Record<string, unknown>>;
  /** Stamps (s) of the sample's frames, or the rate, where the file says so. */
  readonly rate_hz?: number;
  /** How a field map would name the joints, and the names; absent where nothing in the file says so. */
  readonly joints?: { readonly names: readonly string[]; readonly selector: Readonly<Record<string, unknown>> };
  /** The robot's name, where the file says it. */
  readonly robot?: string;
  readonly recordingCount: number;
  /** Where the file is damaged; what is described is what is left of it. */
  readonly problems?: readonly string[];
  /** More for people to know: `made by Minari 0.5`, `2 of 100 episodes are here`. */
  readonly facts: readonly string[];
}

/** Rows of a field that a description keeps. */
export const SAMPLE_ROWS = 3000;
