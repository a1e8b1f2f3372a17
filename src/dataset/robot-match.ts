// Whether two parts of a dataset belong together: the same robot, joint by joint, and the same rate.

import { DataError } from '../base/errors.js';
import type { RobotIdentity } from '../robot/robot-model.js';

export interface Belonging {
  /** Folder or file, for messages. */
  readonly path: string;
  readonly robot: RobotIdentity;
  readonly rate_hz: number;
}

/** @throws DataError naming the first difference */
export function requireSameRobot(part: Belonging, whole: Belonging): void {
  const difference = robotDifference(part.robot, whole.robot);
  if (difference !== undefined) {
    throw new DataError({
      where: part.path,
      what: difference.what,
      expected: `${difference.expected}, as in ${whole.path}`,
      found: difference.found,
      fix: 'Data of different robots cannot be put together',
    });
  }
  if (part.rate_hz !== whole.rate_hz) {
    throw new DataError({
      where: part.path,
      what: 'rate',
      expected: `${whole.rate_hz} Hz, as in ${whole.path}`,
      found: `${part.rate_hz} Hz`,
    });
  }
}

export interface Difference {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

/** The first thing in which a robot is not the expected one; undefined where they are the same. */
export function robotDifference(found: RobotIdentity, expected: RobotIdentity): Difference | undefined {
  const count = Math.max(found.jointNames.length, expected.jointNames.length);
  for (let joint = 0; joint < count; joint++) {
    if (found.jointNames[joint] === expected.jointNames[joint]) continue;
    return {
      what: `joint ${joint} of robot ${found.name}`,
      expected: expected.jointNames[joint] ?? `none (robot ${expected.name} has ${joint} joints)`,
      found: found.jointNames[joint] ?? 'none',
    };
  }
  if (found.hash === expected.hash) return undefined;
  return {
    what: 'robot',
    expected: `${expected.name} (${expected.hash.slice(0, 12)})`,
    found: `${found.name} (${found.hash.slice(0, 12)}), with the same joints but another model or default pose`,
  };
}
