// Checks that a robot is the one a policy was trained for, in what decides whether it walks.
//
// PD mode, gains and armature belong to the robot; a policy that meets others falls within seconds, and nothing in
// its network says why. Every difference is reported, by joint name.

import { type DataErrorDetail, FindingsError } from '../base/errors.js';
import type { RobotModel } from '../robot/robot-model.js';
import type { RobotRequirement } from './foreign-config.js';
import { resolvePerJoint } from './per-joint.js';

/** Gains and armatures are written with two or three digits; a difference under this share is rounding. */
const RELATIVE_TOLERANCE = 0.01;

const PROPERTIES = ['stiffness_Nmprad', 'damping_Nmsprad', 'armature_kgm2'] as const;

/**
 * @param joints the policy's joints
 * @param robotIndices their indices in the robot's joint order
 * @throws FindingsError with every property that differs
 */
export function checkRobot(
  requirement: RobotRequirement,
  robot: RobotModel,
  joints: readonly string[],
  robotIndices: Int32Array,
  where: string,
): void {
  const findings: DataErrorDetail[] = [];
  if (requirement.pdMode !== undefined && !requirement.pdMode.includes(robot.pdMode)) {
    findings.push({
      where: `${where}: requires.pdMode`,
      what: `PD mode of robot ${robot.name}`,
      expected: requirement.pdMode.join(' or '),
      found: robot.pdMode,
      fix: "Set pdMode in the robot's config.",
    });
  }
  for (const property of PROPERTIES) {
    const required = requirement[property];
    if (required === undefined) continue;
    const expected = resolvePerJoint(required, joints, `${where}: requires.${property}`);
    for (let joint = 0; joint < joints.length; joint++) {
      const found = robot[property][robotIndices[joint]];
      const tolerance = RELATIVE_TOLERANCE * Math.max(Math.abs(expected[joint]), Math.abs(found));
      // Written so that a NaN is a finding too.
      if (Math.abs(found - expected[joint]) <= tolerance) continue;
      findings.push({
        where: `${where}: requires.${property}`,
        what: `${joints[joint]} of robot ${robot.name}`,
        expected: String(expected[joint]),
        found: String(found),
        fix: "Change the robot's config, or make a copy of it for this policy.",
      });
    }
  }
  if (findings.length > 0) throw new FindingsError(findings);
}
