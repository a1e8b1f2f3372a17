// Joins the joints of a file to those of the robot, by name: renamed, left out, or held where the file lacks them.

import { DataError, type DataErrorDetail, FindingsError, listNames } from '../src/base/errors.js';
import { nearest } from '../src/base/nearest.js';
import { indexByName } from '../src/robot/index-by-name.js';
import { matchingIndices, noMatch } from '../src/robot/name-patterns.js';
import type { RobotModel } from '../src/robot/robot-model.js';
import type { FieldMap } from './field-map.js';

export interface JointMap {
  /** The file's joint names, renamed as the robot's; those that are left out keep theirs. */
  readonly names: readonly string[];
  /** Column of the file for each joint of the robot; -1 where the joint is held. */
  readonly columns: Int32Array;
  /** Position (rad) of the held joints, by the robot's joints; 0 elsewhere. */
  readonly held_rad: Float64Array;
  readonly heldNames: readonly string[];
}

type JointSettings = FieldMap['joints'];

/** @throws FindingsError or DataError naming what is missing, extra or misspelt */
export function joinJoints(
  fileNames: readonly string[],
  joints: Pick<JointSettings, 'rename' | 'ignore' | 'held'>,
  robot: Pick<RobotModel, 'jointNames' | 'defaultPosition_rad'>,
  where: string,
): JointMap {
  const findings = [
    ...unknownNames(Object.keys(joints.rename), fileNames, `${where}: joints.rename`),
    ...unknownNames(joints.ignore, fileNames, `${where}: joints.ignore`),
  ];
  const misspelt = findings.length;
  const held_rad = new Float64Array(robot.jointNames.length);
  const isHeld = new Uint8Array(robot.jointNames.length);
  for (const [pattern, value] of Object.entries(joints.held)) {
    const matched = matchingIndices(pattern, robot.jointNames);
    if (matched.length === 0) findings.push(noMatch(pattern, robot.jointNames, `${where}: joints.held`));
    for (const joint of matched) {
      isHeld[joint] = 1;
      held_rad[joint] = value === 'default' ? robot.defaultPosition_rad[joint] : value;
    }
  }
  const names = fileNames.map((name) => joints.rename[name] ?? name);
  const isOther = (name: string, index: number) =>
    !joints.ignore.includes(fileNames[index]) && !robot.jointNames.includes(name);
  // Of another robot's file the joints say more than the patterns of a map that was made for that robot.
  if (findings.length > misspelt && names.some(isOther)) findings.splice(misspelt);
  if (findings.length > 0) throw new FindingsError(findings);

  const both = names.filter((name, index) => {
    const joint = robot.jointNames.indexOf(name);
    return joint >= 0 && isHeld[joint] === 1 && !joints.ignore.includes(fileNames[index]);
  });
  if (both.length > 0) {
    throw new DataError({
      where: `${where}: joints.held`,
      what: 'held joints that the file has',
      found: listNames(both),
    });
  }
  const kept = fileNames.map((name, index) => ({ name, index })).filter(({ name }) => !joints.ignore.includes(name));
  const wanted = robot.jointNames.filter((_, joint) => isHeld[joint] === 0);
  const order = matched(
    kept.map(({ index }) => names[index]),
    wanted,
    where,
  );
  const columns = new Int32Array(robot.jointNames.length).fill(-1);
  let at = 0;
  for (let joint = 0; joint < columns.length; joint++) {
    if (isHeld[joint] === 0) columns[joint] = kept[order[at++]].index;
  }
  return { names, columns, held_rad, heldNames: robot.jointNames.filter((_, joint) => isHeld[joint] === 1) };
}

/** Columns of the wanted joints. @throws DataError naming the first joint that is another robot's */
function matched(found: readonly string[], wanted: readonly string[], where: string): Int32Array {
  try {
    return indexByName(found, wanted, where);
  } catch (error) {
    const joint = found.findIndex((name) => !wanted.includes(name));
    if (!(error instanceof DataError) || joint < 0) throw error;
    const own = wanted[joint];
    const other = own === undefined ? `which has only ${wanted.length} joints` : `whose joint ${joint} is ${own}`;
    const fix = `First difference: joint ${joint} of the file, ${found[joint]}, is none of the robot's, ${other}. If they are the same robot, use joints.rename, joints.ignore or joints.held`;
    throw new DataError({ ...error.detail, fix }, { cause: error });
  }
}

function unknownNames(names: readonly string[], known: readonly string[], where: string): DataErrorDetail[] {
  return names
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      return {
        where: `${where}.${name}`,
        what: 'no such joint in the file',
        fix: near === undefined ? `Joints of the file: ${listNames(known)}` : `Did you mean "${near}"?`,
      };
    });
}
