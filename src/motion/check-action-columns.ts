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
/** Joints that must follow another's action, where no two follow each other's. */
const FEWEST = 3;
/** Fewest rows, and the most that are looked at. */
const FEWEST_ROWS = 60;
const MOST_ROWS = 500;
/** Share of a velocity that its state must leave unexplained for anything to be explained by an action. */
const LEFT = 1e-5;

/** The joints that show columns to be in another order; none where they may be in their own. */
export function foreignActions(series: readonly DrivenJoint[]): ForeignAction[] {
  const rows = Math.min(MOST_ROWS, (series[0]?.action.length ?? 0) - 1);
  if (rows < FEWEST_ROWS) return [];
  const actions = series.map(({ action }) => action.subarray(0, rows));
  const gains = series.map((driven, at) => gainsOf(driven, actions, at));
  const own = (at: number) => gains[at]?.[at] ?? 0;
  const found = new Map<number, ForeignAction>();
  gains.forEach((ofJoint, at) => {
    if (ofJoint === undefined || own(at) > IS_OWN) return;
    const best = ofJoint.reduce((most, gain, k) => (gain > ofJoint[most] ? k : most), 0);
    const other = ofJoint[best];
    // A column that drives its own joint is no other's, and each drives one: a blow moves all joints alike.
    if (other < own(at) + MORE || other < MANY_TIMES * Math.max(own(at), own(best))) return;
    if (own(best) > IS_OWN || other < (found.get(best)?.other ?? 0)) return;
    found.set(best, { joint: series[at].joint, drivenBy: series[best].joint, own: own(at), other });
  });
  const foreign = [...found.values()].sort((a, b) => a.joint - b.joint);
  const isSwap = foreign.some((a) => foreign.some((b) => a.joint === b.drivenBy && b.joint === a.drivenBy));
  // In a fall a blow may make a column fit by chance while most still drive their own joints.
  const owned = gains.filter((_, at) => own(at) > IS_OWN).length;
  return isSwap || (foreign.length >= FEWEST && foreign.length > owned) ? foreign : [];
}

/** Gains of each column for one joint; up to the own column alone where that is the joint's without doubt. */
function gainsOf(
  { position, velocity }: DrivenJoint,
  actions: readonly Float64Array[],
  at: number,
): readonly number[] | undefined {
  const rows = actions[at].length;
  const state = orthonormal([new Float64Array(rows).fill(1), position.subarray(0, rows), velocity.subarray(0, rows)]);
  const whole = velocity.slice(1, 1 + rows);
  const left = without(whole, state);
  const size = dot(left, left);
  if (size < LEFT * dot(whole, whole)) return undefined;
  const gainOf = (action: Float64Array): number => {
    const square = dot(action, action) - state.reduce((sum, one) => sum + dot(action, one) ** 2, 0);
    // A column that is the state's own sum explains nothing.
    if (square < 1e-9 * dot(action, action)) return 0;
    return -Math.log(Math.max(1e-12, 1 - dot(action, left) ** 2 / (square * size)));
  };
  const own = gainOf(actions[at]);
  if (own <= IS_OWN) return actions.map(gainOf);
  const alone = new Array<number>(at + 1).fill(0);
  alone[at] = own;
  return alone;
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
