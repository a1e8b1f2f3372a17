// What the fields of an unknown file may be: by width, by name, and by what the numbers are to one another (unit length,
// derivatives, a robot that stands). A guess is a start for a field map, which the checks of ingesting then hold it to.

import { projectedGravity } from '../src/math/quaternion.js';
import { explainsMore, fitTravel, fitTurn, fitVelocity } from '../src/motion/check-velocity.js';
import type { ChannelName } from '../src/motion/episode.js';
import type { Selector } from './field-map.js';
import type { RawField } from './recording.js';
import type { SourceDescription, SourceField } from './source-description.js';

/** One field, or some columns of it, as a channel. */
export interface Guess {
  readonly channel: ChannelName;
  readonly field: string;
  /** What a field map writes: selector, unit, order, frame. */
  readonly entry: Selector & { order?: 'wxyz' | 'xyzw'; frame?: 'world' | 'base'; meaning?: 'absolute' };
  readonly values: RawField;
  readonly clock?: string;
  /** True where the frame of a velocity was taken as usual because the numbers do not tell it. */
  readonly isFrameUnsure?: boolean;
}

/** Rate that is taken for differencing where a file has none: correlations do not depend on it. */
const ANY_RATE_HZ = 50;

/** @param jointCount number of joints of the file, where it is known */
export function guessFields(description: SourceDescription, jointCount: number | undefined): Guess[] {
  const found = new Map<ChannelName, Guess>();
  const fields = description.fields.filter(({ sample, selector }) => sample !== undefined && selector !== undefined);
  // What is wanted, planned or of the next step has the same shapes and must not come first.
  const ranked = [...fields].sort((a, b) => penalty(a.name) - penalty(b.name));
  for (const field of ranked) {
    for (const guess of byShape(field, jointCount)) {
      if (!found.has(guess.channel)) found.set(guess.channel, guess);
    }
  }
  for (const field of ranked) byDerivative(field, found, jointCount);
  const guesses = [...found.values()].map((guess) => (guess.channel === 'command' ? ofTwist(guess, fields) : guess));
  return guesses.map((guess) => withInitial(refine(guess, found), description));
}

function penalty(name: string): number {
  // What the joints received says more than what the policy gave.
  if (/processed_?action/i.test(name)) return -1;
  return /next|prev|last|des(ired)?\b|_des|target|cmd|command|ref|initial|goal/i.test(name) ? 1 : 0;
}

/** The end of a name: what is behind the last dot or slash, in lower case. */
function leaf(name: string): string {
  return name.toLowerCase().split(/[/]/).at(-1)!;
}

function part(field: SourceField, first: number, end: number | undefined): { entry: Selector; values: RawField } {
  const sample = field.sample!;
  const last = end ?? sample.width;
  const isWhole = first === 0 && last === sample.width;
  const rows = sample.data.length / sample.width;
  const data = new Float64Array(rows * (last - first));
  for (let row = 0; row < rows; row++) {
    for (let k = first; k < last; k++) data[row * (last - first) + k - first] = sample.data[row * sample.width + k];
  }
  const slice: Selector['slice'] = end === undefined ? [first] : [first, end];
  const isPositional = field.selector!.slice !== undefined;
  const entry: Selector = isWhole && !isPositional ? { ...field.selector } : { ...field.selector, slice };
  return { entry, values: { width: last - first, data } };
}

function guessOf(field: SourceField, channel: ChannelName, first = 0, end?: number): Guess {
  return { channel, field: field.name, clock: field.clock, ...part(field, first, end) };
}

function byShape(field: SourceField, joints: number | undefined): Guess[] {
  const { width } = field.sample!;
  const name = leaf(field.name);
  const whole = field.name.toLowerCase();
  if (field.columns === undefined && field.selector!.slice !== undefined) return positional(field, joints);
  if (/rgb|image|depth|camera|reward|temperature/.test(whole)) return [];
  if (joints !== undefined && width === joints && joints > 7) return jointFields(field, whole);
  if (joints !== undefined && width === 7 + joints && isUnit(field, 3)) return coordinates(field, 0, joints);
  if (joints !== undefined && width === 14 + 2 * joints && isUnit(field, 4)) {
    return [...coordinates(field, 1, joints), ...velocities(field, 8 + joints, joints)];
  }
  if (joints !== undefined && width === 13 + 2 * joints && isUnit(field, 3)) {
    return [...coordinates(field, 0, joints), ...velocities(field, 7 + joints, joints)];
  }
  if (joints !== undefined && width === 6 + joints && /vel/.test(name)) return velocities(field, 0, joints);
  if (width === 7 && isUnit(field, 3))
    return [guessOf(field, 'basePosition', 0, 3), guessOf(field, 'baseQuaternion', 3, 7)];
  if (width === 6 && /vel|twist/.test(name)) {
    return [guessOf(field, 'baseLinearVelocity', 0, 3), guessOf(field, 'baseAngularVelocity', 3, 6)];
  }
  if (width === 4) return isUnit(field, 0) ? [guessOf(field, 'baseQuaternion')] : [];
  if (width === 3) return vectors(field, whole);
  if (width === 2 && /contact/.test(name)) return [guessOf(field, 'footContact')];
  return bodies(field, name);
}

/** Arrays [frame, body, 3 or 4]: the base is the first body. */
function bodies(field: SourceField, name: string): Guess[] {
  const { width } = field.sample!;
  if (!/body/.test(name)) return [];
  if (/quat|rot/.test(name) && width % 4 === 0 && isUnit(field, 0)) return [guessOf(field, 'baseQuaternion', 0, 4)];
  if (width % 3 !== 0) return [];
  if (/ang.*vel/.test(name)) return [guessOf(field, 'baseAngularVelocity', 0, 3)];
  if (/vel/.test(name)) return [guessOf(field, 'baseLinearVelocity', 0, 3)];
  return /pos/.test(name) ? [guessOf(field, 'basePosition', 0, 3)] : [];
}

/** Base position, quaternion and joints one after the other. */
function coordinates(field: SourceField, at: number, joints: number): Guess[] {
  return [
    guessOf(field, 'basePosition', at, at + 3),
    guessOf(field, 'baseQuaternion', at + 3, at + 7),
    guessOf(field, 'jointPosition', at + 7, at + 7 + joints),
  ];
}

function velocities(field: SourceField, at: number, joints: number): Guess[] {
  return [
    guessOf(field, 'baseLinearVelocity', at, at + 3),
    guessOf(field, 'baseAngularVelocity', at + 3, at + 6),
    guessOf(field, 'jointVelocity', at + 6, at + 6 + joints),
  ];
}

/** A table without names: the quaternion is found by its length, the base position before and the joints behind it. */
function positional(field: SourceField, joints: number | undefined): Guess[] {
  const { width } = field.sample!;
  for (let at = 3; at + 4 <= width; at++) {
    if (!isUnit(field, at)) continue;
    const end = joints !== undefined && at + 4 + joints <= width ? at + 4 + joints : width;
    const rest = end > at + 4 ? [guessOf(field, 'jointPosition', at + 4, end)] : [];
    return [guessOf(field, 'basePosition', at - 3, at), guessOf(field, 'baseQuaternion', at, at + 4), ...rest];
  }
  return [];
}

function jointFields(field: SourceField, name: string): Guess[] {
  const plain = leaf(name)
    .replace('{joint}', '')
    .replace(/joints?/g, '');
  if (/kp|kd|stiff|damp|temp|acc|ddq|qdd|limit/.test(plain)) return [];
  if (/tau|torque|effort|force/.test(plain)) return /cmd/.test(name) ? [] : [guessOf(field, 'torque')];
  if (/act|target|cmd|command|goal|setpoint|des/.test(name)) {
    return /dq|qd|vel/.test(plain) ? [] : [guessOf(field, 'action')];
  }
  if (/dq|qd|vel|rate|speed/.test(plain)) return [guessOf(field, 'jointVelocity')];
  return /q|pos|angle|state|dof/.test(plain) ? [guessOf(field, 'jointPosition')] : [];
}

function vectors(field: SourceField, name: string): Guess[] {
  if (/acc|rpy|euler|foot|feet|hand|contact|torque|force|goal|target(?!_vel)/.test(name)) return [];
  if (/cmd|command|joystick/.test(name)) return [guessOf(field, 'command')];
  if (/grav/.test(name)) return [guessOf(field, 'projectedGravity')];
  if (/gyro|ang.*vel|omega|\bw[xyz]\b|_w[xyz]\b/.test(name)) return [guessOf(field, 'baseAngularVelocity')];
  if (/lin.*vel|\bv[xyz]\b|_v[xyz]\b|velocity/.test(name)) return [guessOf(field, 'baseLinearVelocity')];
  if (/pos|xyz|trans|root|base|\bx, ?y, ?z\b|px, ?py/.test(name) && !/vel|dq|qd/.test(name)) {
    return [guessOf(field, 'basePosition')];
  }
  return [];
}

/** Correlation from which a nameless field is the derivative of another. */
const DERIVES = 0.85;

/** A field that names do not tell but that is the derivative of one that they do. */
function byDerivative(field: SourceField, found: Map<ChannelName, Guess>, joints: number | undefined): void {
  const taken = [...found.values()].some((guess) => guess.field === field.name);
  const position = found.get('jointPosition');
  const base = found.get('basePosition');
  const orientation = found.get('baseQuaternion');
  const { width, data } = field.sample!;
  const isSameTable = (guess: Guess) =>
    guess.clock === field.clock && guess.values.data.length / guess.values.width === data.length / width;
  if (taken || penalty(field.name) > 0) return;
  const rows = data.length / width;
  if (width === joints && position && !found.has('jointVelocity') && isSameTable(position)) {
    const fit = fitVelocity(position.values, field.sample!, rows, ANY_RATE_HZ);
    if (fit && fit.correlation > DERIVES) found.set('jointVelocity', guessOf(field, 'jointVelocity'));
  }
  if (width !== 3) return;
  if (base && !found.has('baseLinearVelocity') && isSameTable(base)) {
    const fit = fitTravel(base.values, field.sample!, undefined, rows, ANY_RATE_HZ);
    if (fit && fit.correlation > DERIVES)
      return void found.set('baseLinearVelocity', guessOf(field, 'baseLinearVelocity'));
  }
  if (orientation && !found.has('baseAngularVelocity') && isSameTable(orientation)) {
    const values = readAs(orientation.values, orderOf(orientation));
    const fit = fitTurn(values, field.sample!, 'base', rows, ANY_RATE_HZ);
    if (fit && fit.correlation > DERIVES) found.set('baseAngularVelocity', guessOf(field, 'baseAngularVelocity'));
  }
}

/** The command in the linear part of a twist (geometry_msgs/Twist): vx and vy of it, and the turning of the other part. */
function ofTwist(guess: Guess, fields: readonly SourceField[]): Guess {
  const [x, y, z] = guess.entry.columns ?? [];
  if (z === undefined || !/(^|\.)linear\.z$/.test(z)) return guess;
  const turn = z.replace(/linear\.z$/, 'angular.z');
  const other = fields.find(({ clock, selector }) => clock === guess.clock && selector!.columns?.includes(turn));
  if (other === undefined) return guess;
  const at = other.selector!.columns!.indexOf(turn);
  const { width, data } = other.sample!;
  const own = guess.values.data;
  const values = { width: 3, data: own.map((value, k) => (k % 3 === 2 ? data[((k - 2) / 3) * width + at] : value)) };
  return { ...guess, entry: { ...guess.entry, columns: [x, y, turn] }, values };
}

/** States that a recorder stores after the step begin with the one that it keeps aside. */
function withInitial(guess: Guess, { fields }: SourceDescription): Guess {
  const initial = guess.entry.array?.replace(/^states\//, 'initial_state/');
  const isThere = initial !== guess.entry.array && fields.some(({ name }) => name === initial);
  return isThere ? { ...guess, entry: { ...guess.entry, initial } } : guess;
}

/** Adds what a channel needs besides its place: order, frame, unit, meaning. */
function refine(guess: Guess, found: ReadonlyMap<ChannelName, Guess>): Guess {
  const { channel, entry } = guess;
  switch (channel) {
    case 'baseQuaternion':
      return { ...guess, entry: { ...entry, order: orderOf(guess) } };
    case 'baseAngularVelocity':
    case 'baseLinearVelocity':
      return withFrame(guess, found);
    case 'jointPosition':
      return shareBeyondTurn(guess.values.data) > 0.05 ? { ...guess, entry: { ...entry, unit: 'deg' } } : guess;
    case 'action':
      return { ...guess, entry: { ...entry, meaning: 'absolute' } };
    default:
      return guess;
  }
}

/** The order in which the robot stands; w x y z where both do. */
function orderOf({ values, entry }: Guess): 'wxyz' | 'xyzw' {
  const named = entry.columns?.map((name) => name.toLowerCase().at(-1)).join('');
  if (named === 'wxyz' || named === 'xyzw') return named;
  return uprightness(values, 'xyzw') > uprightness(values, 'wxyz') ? 'xyzw' : 'wxyz';
}

function uprightness(values: RawField, order: 'wxyz' | 'xyzw'): number {
  const { data } = readAs(values, order);
  const gravity = new Float64Array(3);
  let sum = 0;
  for (let at = 0; at < data.length; at += 4) {
    projectedGravity(gravity, 0, data, at);
    sum -= gravity[2];
  }
  return sum / (data.length / 4);
}

/** The four numbers as w x y z. */
function readAs({ width, data }: RawField, order: 'wxyz' | 'xyzw'): RawField {
  if (order === 'wxyz') return { width, data };
  return { width, data: data.map((_, at) => data[at - (at % 4) + (((at % 4) + 3) % 4)]) };
}

function withFrame(guess: Guess, found: ReadonlyMap<ChannelName, Guess>): Guess {
  const isLinear = guess.channel === 'baseLinearVelocity';
  // The twist of an odometry message is in the frame of its child, which is the base (REP 105).
  const isOdometry = /\btwist\.linear/.test(guess.entry.columns?.[0] ?? '');
  const usual = (isLinear && !isOdometry) || /_w$|world/i.test(guess.field) ? 'world' : 'base';
  const other = usual === 'world' ? 'base' : 'world';
  const own = correlationIn(usual, guess, found);
  const others = correlationIn(other, guess, found);
  if (explainsMore(others, own)) return { ...guess, entry: { ...guess.entry, frame: other } };
  return { ...guess, entry: { ...guess.entry, frame: usual }, isFrameUnsure: !explainsMore(own, others) };
}

/** Correlation of a velocity with the derivative of the base's pose in a frame; 0 where there is no such pose. */
function correlationIn(frame: 'world' | 'base', guess: Guess, found: ReadonlyMap<ChannelName, Guess>): number {
  const orientation = found.get('baseQuaternion');
  const base = found.get('basePosition');
  const rows = guess.values.data.length / 3;
  if (!orientation || orientation.values.data.length / 4 !== rows) return 0;
  const quaternion = readAs(orientation.values, orderOf(orientation));
  if (guess.channel === 'baseAngularVelocity') {
    return fitTurn(quaternion, guess.values, frame, rows, ANY_RATE_HZ)?.correlation ?? 0;
  }
  if (!base || base.values.data.length / 3 !== rows) return 0;
  const turn = frame === 'base' ? quaternion : undefined;
  return fitTravel(base.values, guess.values, turn, rows, ANY_RATE_HZ)?.correlation ?? 0;
}

/** True where four columns from `at` on have unit length in every row. */
function isUnit({ sample }: SourceField, at: number): boolean {
  const { width, data } = sample!;
  for (let row = 0; row < data.length; row += width) {
    const length = Math.hypot(data[row + at], data[row + at + 1], data[row + at + 2], data[row + at + 3]);
    if (!(Math.abs(length - 1) < 0.01)) return false;
  }
  return data.length > 0;
}

function shareBeyondTurn(values: Float64Array): number {
  return values.reduce((count, value) => count + (Math.abs(value) > 2 * Math.PI ? 1 : 0), 0) / values.length;
}
