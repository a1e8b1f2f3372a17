// From a file's numbers to columns in SI units, w x y z quaternions and the robot's joint order.
//
// Everything a field map says is applied here once, visibly, except turning world velocities into the base frame, which
// needs the orientation at the same instant and so comes after resampling.

import { DataError } from '../src/base/errors.js';
import type { Column, Columns } from '../src/motion/columns.js';
import type { ChannelName } from '../src/motion/episode.js';
import { resolvePerJoint } from '../src/policy/per-joint.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import type { ActionField, FieldMap } from './field-map.js';
import type { JointMap } from './joint-map.js';
import type { RawField, RawTable } from './recording.js';
import { unitFactor } from './units.js';

/** The columns of one table. @throws DataError where a field does not fit the robot */
export function columnsOf(table: RawTable, map: FieldMap, joints: JointMap, robot: RobotModel): Columns {
  const columns: Partial<Record<ChannelName, Column>> = {};
  for (const [key, raw] of table.fields) {
    if (key !== 'episode') columns[key] = columnOf(key, raw, table.where, map, joints, robot);
  }
  return columns;
}

function columnOf(
  name: ChannelName,
  raw: RawField,
  where: string,
  map: FieldMap,
  joints: JointMap,
  robot: RobotModel,
): Column {
  const unit = (map.channels[name] as { unit?: string }).unit;
  const factor = unitFactor(name, unit, where);
  const field: RawField = factor === 1 ? raw : { width: raw.width, data: raw.data.map((value) => value * factor) };
  switch (name) {
    case 'baseQuaternion':
      return quaternionColumn(field, map.channels.baseQuaternion!);
    case 'jointPosition':
      return toRobotOrder(field, joints, joints.held_rad);
    case 'jointVelocity':
    case 'torque':
      return toRobotOrder(field, joints, new Float64Array(joints.columns.length));
    case 'action':
    case 'executedAction':
      return actionColumn(field, map.channels[name] as ActionField, joints, robot, `${where}: ${name}`);
    case 'footContact':
      return contactColumn(field, map.channels.footContact!.threshold, robot, `${where}: footContact`);
    default:
      return field;
  }
}

function quaternionColumn(field: RawField, { order, inverse }: { order: 'wxyz' | 'xyzw'; inverse: boolean }): Column {
  const column = order === 'xyzw' ? scalarFirst(field) : field;
  // The inverse of a unit quaternion is its conjugate.
  return inverse ? { width: 4, data: column.data.map((value, at) => (at % 4 === 0 ? value : -value)) } : column;
}

/** x y z w to w x y z. */
function scalarFirst({ data }: RawField): Column {
  const ordered = new Float64Array(data.length);
  for (let at = 0; at < data.length; at += 4) {
    ordered[at] = data[at + 3];
    ordered[at + 1] = data[at];
    ordered[at + 2] = data[at + 1];
    ordered[at + 3] = data[at + 2];
  }
  return { width: 4, data: ordered };
}

/** Columns of the file's joints in the robot's order, `held` where the file has no such joint. */
function toRobotOrder({ width, data }: RawField, { columns }: JointMap, held: ArrayLike<number>): Column {
  const frameCount = data.length / width;
  const jointCount = columns.length;
  const ordered = new Float64Array(frameCount * jointCount);
  for (let frame = 0; frame < frameCount; frame++) {
    for (let joint = 0; joint < jointCount; joint++) {
      const from = columns[joint];
      ordered[frame * jointCount + joint] = from < 0 ? held[joint] : data[frame * width + from];
    }
  }
  return { width: jointCount, data: ordered };
}

/** An action of the file as joint target minus the robot's default position (rad). */
function actionColumn(
  { width, data }: RawField,
  field: ActionField,
  joints: JointMap,
  robot: RobotModel,
  where: string,
): Column {
  const scale = resolvePerJoint(field.scale ?? 1, joints.names, `${where}.scale`);
  const isOffset = field.meaning !== 'absolute' && field.default === undefined;
  // An offset from the robot's own default passes through bit for bit: adding and subtracting that would round it.
  const base = isOffset ? undefined : actionBase(field, joints, robot, where);
  const ordered = toRobotOrder(
    { width, data: data.map((value, at) => scale[at % width] * value) },
    joints,
    joints.held_rad,
  );
  const jointCount = joints.columns.length;
  return { width: jointCount, data: ordered.data.map(offsetOf) };

  function offsetOf(value: number, at: number): number {
    const joint = at % jointCount;
    const default_rad = robot.defaultPosition_rad[joint];
    if (joints.columns[joint] < 0) return joints.held_rad[joint] - default_rad;
    return base === undefined ? value : base[joint] + value - default_rad;
  }
}

/** What an action is added to (rad), by the robot's joints: zero where it is absolute. */
export function actionBase(field: ActionField, joints: JointMap, robot: RobotModel, where: string): Float64Array {
  if (field.meaning === 'absolute') return new Float64Array(robot.jointNames.length);
  const defaults = actionDefaults(field, joints, robot, where);
  return Float64Array.from(joints.columns, (from, joint) =>
    from < 0 ? robot.defaultPosition_rad[joint] : defaults[from],
  );
}

/** What the file's actions are added to (rad), by the file's joints. */
function actionDefaults(field: ActionField, joints: JointMap, robot: RobotModel, where: string): Float64Array {
  if (field.default !== undefined) return resolvePerJoint(field.default, joints.names, `${where}.default`);
  const defaults = new Float64Array(joints.names.length);
  joints.columns.forEach((from, joint) => {
    if (from >= 0) defaults[from] = robot.defaultPosition_rad[joint];
  });
  return defaults;
}

function contactColumn(field: RawField, threshold: number | undefined, robot: RobotModel, where: string): Column {
  if (field.width !== robot.feet.length) {
    throw new DataError({
      where,
      what: 'width of footContact',
      expected: `${robot.feet.length}, one for each foot of ${robot.name}, left before right`,
      found: String(field.width),
    });
  }
  if (threshold !== undefined) {
    // A missing force stays missing: NaN is not above the threshold, and not below it either.
    return { width: field.width, data: field.data.map((v) => (Number.isNaN(v) ? v : v > threshold ? 1 : 0)) };
  }
  const wrong = field.data.findIndex((value) => value !== 0 && value !== 1 && !Number.isNaN(value));
  if (wrong < 0) return field;
  throw new DataError({
    where: `${where}:frame ${Math.floor(wrong / field.width)}`,
    what: 'foot contact',
    expected: '0 or 1',
    found: String(field.data[wrong]),
    fix: 'Give a threshold in the field map if these are forces',
  });
}
