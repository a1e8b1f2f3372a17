// Contradictions that joint angles show: whether another order of the same columns fits the robot and the mapped one
// does not. Orders that are looked at: the model's, PhysX's breadth-first, and left for right.
//
// A robot that stands as its mirror image does is the same from left to right: such a swap is not seen.

import {
  isClearlyBetter,
  isDoubtful,
  isImpossible,
  measureSupport,
  type Support,
} from '../src/motion/check-support.js';
import type { Column } from '../src/motion/columns.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import { type FieldMap, JOINT_ORDERS } from './field-map.js';
import type { JointMap } from './joint-map.js';
import { robotJointNames } from './recording.js';
import type { Contradiction, SemanticsInput } from './semantics.js';

type Order = (typeof JOINT_ORDERS)[number] | 'left for right';

const ORDER_NAMES = { model: "the model's order", 'breadth-first': 'breadth-first order' } as const;

/** The robot's joints that the file has. */
export function fileJoints({ columns }: JointMap): number[] {
  return [...columns.keys()].filter((joint) => columns[joint] >= 0);
}

/** Whether another order of the file's joints fits and the mapped one does not. */
export function jointOrderContradictions({ motion, map, joints, robot }: SemanticsInput): Contradiction[] {
  const { jointPosition, basePosition, baseQuaternion } = motion.columns;
  if (jointPosition === undefined) return [];
  const mapped = fileJoints(joints).sort((a, b) => joints.columns[a] - joints.columns[b]);
  const base = { frameCount: motion.frameCount, basePosition, baseQuaternion, joints: mapped };
  const support = measureSupport({ ...base, jointPosition }, robot);
  if (!isDoubtful(support)) return [];
  let best: { order: Order; to: readonly number[]; support: Support } | undefined;
  for (const [order, to] of otherOrders(mapped, robot)) {
    const other = measureSupport({ ...base, jointPosition: inOtherOrder(jointPosition, mapped, to) }, robot);
    if (isClearlyBetter(other, support) && (best === undefined || isClearlyBetter(other, best.support))) {
      best = { order, to, support: other };
    }
  }
  const about = { about: 'joint-order', channel: 'jointPosition' } as const;
  if (best === undefined) {
    if (!isImpossible(support)) return [];
    const message = `joints hardly are those of ${mappedName(map)}: ${supportText(support)}; no order that is known does better`;
    return [{ ...about, message, fix: [], isWarning: true }];
  }
  const says =
    best.order === 'left for right'
      ? `left and right are swapped in ${mappedName(map)}`
      : `joints are in ${ORDER_NAMES[best.order]}, not in ${mappedName(map)}`;
  return [
    {
      ...about,
      message: `${says}: ${supportText(best.support)} against ${supportText(support)}`,
      fix: nameSettings(best.order, best.to, map, joints, robot),
      // A file that names its joints may have one out of calibration, past a limit that its mirror image does not have.
      ...(best.order === 'left for right' && isNamedByFile(map) ? { isWarning: true } : {}),
    },
  ];
}

/** Orders of the file's joints that its columns may have, other than the mapped one. */
function otherOrders(mapped: readonly number[], robot: RobotModel): [Order, readonly number[]][] {
  const has = new Set(mapped);
  const indices = (names: readonly string[]) => names.map((name) => robot.jointNames.indexOf(name));
  const known: readonly (typeof JOINT_ORDERS)[number][] = robot.bodies.length > 0 ? JOINT_ORDERS : ['model'];
  const orders: [Order, readonly number[]][] = known.map((order) => {
    return [order, indices(robotJointNames(order, robot)).filter((joint) => has.has(joint))];
  });
  orders.push(['left for right', indices(mapped.map((joint) => otherSide(robot.jointNames[joint])))]);
  return orders.filter(([, to]) => {
    return to.every((joint) => has.has(joint)) && to.some((joint, at) => joint !== mapped[at]);
  });
}

/** The name of the same joint on the other side; the name itself where it has no side. */
function otherSide(name: string): string {
  return name.replace(/left|right/i, (side) => {
    const other = side.toLowerCase() === 'left' ? 'right' : 'left';
    return side[0] === side[0].toUpperCase() ? other[0].toUpperCase() + other.slice(1) : other;
  });
}

function mappedName({ joints: { names } }: FieldMap): string {
  if (names.robot !== undefined) return ORDER_NAMES[names.robot];
  return names.list === undefined ? 'the order of the names in the file' : 'the order of joints.names.list';
}

function isNamedByFile({ joints: { names } }: FieldMap): boolean {
  return names.array !== undefined || names.header !== undefined;
}

function supportText({ pastLimits, footTilt_rad: tilt }: Support): string {
  const foot = tilt === undefined ? '' : `, standing foot tilted by ${((tilt * 180) / Math.PI).toFixed(0)}°`;
  return `${(pastLimits * 100).toFixed(1)} % of angles past limits${foot}`;
}

/** What names the file's columns in another order, and takes away what named them before. Columns that are found by
 *  their names have no other order. */
function nameSettings(
  order: Order,
  to: readonly number[],
  { joints: { names, rename }, channels, format }: FieldMap,
  { columns, names: fileNames }: JointMap,
  robot: RobotModel,
): string[] {
  const isByName = names.header !== undefined || (format === 'mcap' && names.array !== undefined);
  if (isByName || (typeof channels.jointPosition === 'object' && channels.jointPosition.perJoint !== undefined))
    return [];
  const before = (['robot', 'array', 'list', 'header'] as const).filter((key) => names[key] !== undefined);
  const instead = (kept: string) => before.filter((key) => key !== kept).map((key) => `joints.names.${key}=null`);
  const isWhole = to.length === robot.jointNames.length && fileNames.length === to.length;
  if (order !== 'left for right' && isWhole) return [`joints.names.robot=${order}`, ...instead('robot')];
  // Named as the file names them, so that renaming and leaving out go on as they did.
  const given = new Map(Object.entries(rename).map(([own, robots]) => [robots, own]));
  const listed = fileNames.map((name) => given.get(name) ?? name);
  const used = columns.filter((column) => column >= 0).sort();
  to.forEach((joint, at) => {
    listed[used[at]] = given.get(robot.jointNames[joint]) ?? robot.jointNames[joint];
  });
  return [`joints.names.list=[${listed.join(',')}]`, ...instead('list')];
}

/** The same file columns as those of other joints; `from` and `to` are the robot's joints by column. */
function inOtherOrder(column: Column, from: readonly number[], to: readonly number[]): Column {
  const data = Float64Array.from(column.data);
  for (let start = 0; start < data.length; start += column.width) {
    for (let k = 0; k < from.length; k++) data[start + to[k]] = column.data[start + from[k]];
  }
  return { ...column, data };
}
