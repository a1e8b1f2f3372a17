// Whether each column of an action drives the joint that it stands for: of all columns, which explains the next velocity
// of a joint best, beyond what its own position and velocity do.
//
// By Frisch, Waugh and Lovell only what the state leaves of both counts: gain = -log(1 - r²), r their correlation. Joints
// that carry the robot are moved by all others, and their own column seldom says most; those that move freely tell.

/** Numbers of one joint in rows that follow each other. */
export interface DrivenJoint {
  readonly joint: number;
  readonly position: Float64Array;
  readonly velocity: Float64Array;
  readonly action: Float64Array;
}

/** A joint whose steps another joint's action explains, and its own does not. */
export interface ForeignAction {
  readonly joint: number;
  readonly drivenBy: number;
  /** Logs of how much the own and the other column leave less unexplained. */
  readonly own: number;
  readonly other: number;
}

/** Own gain from which a column is the joint's without a look at the others. */
const IS_OWN = 0.5;
/** What another column must explain more than the own: e times, and four times in logs. */
const MORE = 1;
const MANY_TIMES = 4;
/** Fewest rows, and the most that are looked at. */
const FEWEST_ROWS = 60;
const MOST_ROWS = 500;
/** Share of a velocity that its state must leave unexplained for anything to be explained by an action. */
const LEFT = 1e-5;

export function foreignActions(series: readonly DrivenJoint[]): ForeignAction[] {
  const rows = Math.min(MOST_ROWS, (series[0]?.action.length ?? 0) - 1);
  if (rows < FEWEST_ROWS) return [];
  const actions = series.map(({ action }) => action.subarray(0, rows));
  const found: ForeignAction[] = [];
  series.forEach(({ joint, position, velocity }, at) => {
    const state = orthonormal([new Float64Array(rows).fill(1), position.subarray(0, rows), velocity.subarray(0, rows)]);
    const whole = velocity.slice(1, 1 + rows);
    const left = without(whole, state);
    const size = dot(left, left);
    if (size < LEFT * dot(whole, whole)) return;
    const gainOf = (action: Float64Array): number => {
      const square = dot(action, action) - state.reduce((sum, one) => sum + dot(action, one) ** 2, 0);
      // A column that is the state's own sum explains nothing.
      if (square < 1e-9 * dot(action, action)) return 0;
      return -Math.log(Math.max(1e-12, 1 - dot(action, left) ** 2 / (square * size)));
    };
    const own = gainOf(actions[at]);
    if (own > IS_OWN) return;
    const gains = actions.map(gainOf);
    const best = gains.reduce((most, gain, k) => (gain > gains[most] ? k : most), 0);
    if (gains[best] < own + MORE || gains[best] < MANY_TIMES * own) return;
    found.push({ joint, drivenBy: series[best].joint, own, other: gains[best] });
  });
  return found;
}

/** Orthonormal columns of the same span; those that add nothing are left out. */
function orthonormal(columns: readonly Float64Array[]): Float64Array[] {
  const found: Float64Array[] = [];
  for (const column of columns) {
    const rest = without(column, found);
    const size = Math.sqrt(dot(rest, rest));
    if (size > 1e-9 * Math.sqrt(dot(column, column))) found.push(rest.map((value) => value / size));
  }
  return found;
}

/** A column less its parts along orthonormal ones. */
function without(column: Float64Array, directions: readonly Float64Array[]): Float64Array {
  const rest = Float64Array.from(column);
  for (const direction of directions) {
    const part = dot(rest, direction);
    for (let row = 0; row < rest.length; row++) rest[row] -= part * direction[row];
  }
  return rest;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let row = 0; row < a.length; row++) sum += a[row] * b[row];
  return sum;
}
