// Assembly of a foreign policy's observation from sensor values: terms, scales, joint subsets, histories.
//
// A config's terms are compiled once into writers of one frame; the frames of a history live where the network
// reads them, so a step moves the kept frames along and writes the newest one. Values are computed in double and
// stored as the float32 that the network takes.

import type { Numbers } from '../base/arrays.js';
import { DataError, listNames } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { projectedGravity } from '../math/quaternion.js';
import type { RobotState } from './controller.js';
import type { ObservationConfig, ObservationTerm } from './foreign-config.js';

/** What the terms of one robot's observation are computed from, at one control step. */
export interface ObservationInput {
  readonly state: RobotState;
  /** vx (m/s), vy (m/s), wz (rad/s). */
  readonly command: Numbers;
  /** The network's previous output, in the policy's joint order. */
  readonly lastAction: Numbers;
  /** Phases of the clock (rad); empty without a clock. */
  readonly phases: Numbers;
}

/** What the compilation needs to know of the policy and the robot. */
export interface ObservationContext {
  /** The policy's joints, and for each its index in the robot's joint order. */
  readonly joints: readonly string[];
  readonly robotIndices: Int32Array;
  /** The policy's default position (rad), in its joint order. */
  readonly defaultPosition_rad: Float64Array;
  readonly phaseCount: number;
  /** Names a config and key in messages. */
  readonly where: string;
}

type FrameWriter = (out: Float32Array, at: number, input: ObservationInput) => void;

interface CompiledTerm {
  readonly width: number;
  readonly history: number;
  readonly write: FrameWriter;
}

/** Terms that share a history: a block of `history` frames of `width` entries at `offset`. */
interface HistoryBlock {
  readonly offset: number;
  readonly width: number;
  readonly history: number;
  readonly write: FrameWriter;
}

export interface ObservationLayout {
  /** Entries of the whole observation. */
  readonly size: number;
  readonly newestFirst: boolean;
  readonly fillFirst: boolean;
  readonly blocks: readonly HistoryBlock[];
  /** Names of the model's sensors that the terms read. */
  readonly sensors: readonly string[];
}

/** Compiles an observation. @throws DataError for unknown joints and scale lists of another length */
export function compileObservation(config: ObservationConfig, context: ObservationContext): ObservationLayout {
  const terms = config.terms.map((term, index) => compileTerm(term, index, config, context));
  const uneven = terms.findIndex((term) => term.history !== terms[0].history);
  if (config.grouping === 'frame' && uneven >= 0) {
    throw new DataError({
      where: `${context.where}: observation.terms.${uneven}.history`,
      what: 'history under grouping "frame"',
      expected: `${terms[0].history}, as the first term`,
      found: String(terms[uneven].history),
    });
  }
  const groups = config.grouping === 'term' ? terms : [joinTerms(terms)];
  let size = 0;
  const blocks = groups.map((group) => {
    const block = { ...group, offset: size };
    size += group.width * group.history;
    return block;
  });
  const sensors = config.terms.flatMap((term) => ('sensor' in term && term.sensor !== undefined ? [term.sensor] : []));
  return {
    size,
    newestFirst: config.order === 'newest-first',
    fillFirst: config.fill === 'first',
    blocks,
    sensors: [...new Set(sensors)],
  };
}

/**
 * Moves the history along and writes the newest frame.
 * @param history [layout.size], kept between calls by the caller
 * @param fresh true for the first frame after a reset: the history is filled first
 */
export function advanceObservation(
  layout: ObservationLayout,
  history: Float32Array,
  input: ObservationInput,
  fresh: boolean,
): void {
  for (const block of layout.blocks) {
    const { offset, width } = block;
    const end = offset + width * block.history;
    const newest = layout.newestFirst ? offset : end - width;
    if (!fresh) {
      if (layout.newestFirst) history.copyWithin(offset + width, offset, end - width);
      else history.copyWithin(offset, offset + width, end);
    } else if (!layout.fillFirst) {
      history.fill(0, offset, end);
    }
    block.write(history, newest, input);
    if (fresh && layout.fillFirst) {
      for (let at = offset; at < end; at += width) if (at !== newest) history.copyWithin(at, newest, newest + width);
    }
  }
}

function joinTerms(terms: readonly CompiledTerm[]): CompiledTerm {
  let width = 0;
  const starts = terms.map((term) => {
    const start = width;
    width += term.width;
    return start;
  });
  return {
    width,
    history: terms[0].history,
    write: (out, at, input) => {
      for (let index = 0; index < terms.length; index++) terms[index].write(out, at + starts[index], input);
    },
  };
}

function compileTerm(
  term: ObservationTerm,
  index: number,
  config: ObservationConfig,
  context: ObservationContext,
): CompiledTerm {
  const where = `${context.where}: observation.terms.${index}`;
  const { width, read } = valuesOf(term, context, where);
  const scale = scalesOf(term.scale, width, where);
  const [low, high] = term.clip ?? [-Infinity, Infinity];
  const [outLow, outHigh] = config.clip ?? [-Infinity, Infinity];
  const values = new Float64Array(width);
  return {
    width,
    history: term.history ?? config.history,
    write: (out, at, input) => {
      read(values, input);
      for (let k = 0; k < width; k++) {
        const clipped = Math.min(high, Math.max(low, values[k]));
        out[at + k] = Math.min(outHigh, Math.max(outLow, clipped * scale[k]));
      }
    },
  };
}

interface TermValues {
  readonly width: number;
  readonly read: (values: Float64Array, input: ObservationInput) => void;
}

function valuesOf(term: ObservationTerm, context: ObservationContext, where: string): TermValues {
  switch (term.term) {
    case 'baseAngularVelocity':
      return vector(term.sensor, (state) => state.baseAngularVelocity_radps, where);
    case 'baseLinearVelocity':
      return vector(term.sensor, (state) => state.baseLinearVelocity_mps, where);
    case 'projectedGravity': {
      const sensor = term.sensor;
      if (sensor === undefined) return vector(undefined, (state) => state.projectedGravity, where);
      return {
        width: 3,
        read: (values, input) => projectedGravity(values, 0, sensorValues(input.state, sensor, 4, where), 0),
      };
    }
    case 'command':
      return {
        width: 3,
        read: (values, input) => {
          for (let k = 0; k < 3; k++) values[k] = input.command[k];
        },
      };
    case 'jointPosition':
    case 'jointPositionOffset': {
      const reference = term.term === 'jointPosition' ? new Float64Array(context.joints.length) : undefined;
      const relativeTo = reference ?? context.defaultPosition_rad;
      return jointValues(term, context, where, (input, joint) => {
        return input.state.jointPosition_rad[context.robotIndices[joint]] - relativeTo[joint];
      });
    }
    case 'jointVelocity':
      return jointValues(term, context, where, (input, joint) => {
        return input.state.jointVelocity_radps[context.robotIndices[joint]];
      });
    case 'lastAction':
      return jointValues(term, context, where, (input, joint) => input.lastAction[joint]);
    case 'phaseCosine':
      return phaseValues(context, where, Math.cos);
    case 'phaseSine':
      return phaseValues(context, where, Math.sin);
    case 'constant': {
      const constants = term.values;
      return { width: constants.length, read: (values) => values.set(constants) };
    }
  }
}

function vector(sensor: string | undefined, base: (state: RobotState) => Float64Array, where: string): TermValues {
  return {
    width: 3,
    read: (values, { state }) => {
      const from = sensor === undefined ? base(state) : sensorValues(state, sensor, 3, where);
      for (let k = 0; k < 3; k++) values[k] = from[k];
    },
  };
}

function sensorValues(state: RobotState, sensor: string, width: number, where: string): Float64Array {
  const values = state.sensors[sensor];
  if (values?.length === width) return values;
  throw new DataError({
    where,
    what: `sensor "${sensor}"`,
    expected: `${width} values`,
    found: values === undefined ? 'no such sensor in the state' : `${values.length}`,
    fix: `The model's sensors here: ${listNames(Object.keys(state.sensors)) || 'none'}`,
  });
}

function jointValues(
  term: { readonly joints?: readonly string[]; readonly zeroed: readonly string[] },
  context: ObservationContext,
  where: string,
  value: (input: ObservationInput, policyJoint: number) => number,
): TermValues {
  const names = term.joints ?? context.joints;
  const indices = Int32Array.from(names, (name) => policyJoint(name, context, `${where}.joints`));
  const zeroed = new Set(term.zeroed.map((name) => policyJoint(name, context, `${where}.zeroed`)));
  return {
    width: names.length,
    read: (values, input) => {
      for (let k = 0; k < indices.length; k++) values[k] = zeroed.has(indices[k]) ? 0 : value(input, indices[k]);
    },
  };
}

function policyJoint(name: string, context: ObservationContext, where: string): number {
  const index = context.joints.indexOf(name);
  if (index >= 0) return index;
  const near = nearest(name, context.joints);
  throw new DataError({
    where,
    what: 'joint that the policy does not have',
    found: name,
    fix: near === undefined ? undefined : `Did you mean "${near}"?`,
  });
}

function phaseValues(context: ObservationContext, where: string, wave: (phase: number) => number): TermValues {
  if (context.phaseCount === 0) {
    throw new DataError({ where, what: 'phase term without a clock', expected: 'a top-level `phase`' });
  }
  return {
    width: context.phaseCount,
    read: (values, input) => {
      for (let k = 0; k < context.phaseCount; k++) values[k] = wave(input.phases[k]);
    },
  };
}

function scalesOf(scale: number | readonly number[], width: number, where: string): Float64Array {
  if (typeof scale === 'number') return new Float64Array(width).fill(scale);
  if (scale.length === width) return Float64Array.from(scale);
  throw new DataError({
    where: `${where}.scale`,
    what: 'number of scales',
    expected: `1 or ${width}`,
    found: String(scale.length),
  });
}
