// Shapes for a robot of which only the kinematic tree is known: a capsule from each body's origin to each of its
// children, a ball at each joint, a box for a foot.

import type { RobotModel } from '../../robot/robot-model.js';
import type { RobotShape } from './robot-geometry.js';

type Vector = readonly [number, number, number];

const SHORTEST_LINK_M = 0.02;
const LINK: RobotShape['rgba'] = [0.76, 0.79, 0.82, 1];
const JOINT: RobotShape['rgba'] = [0.3, 0.33, 0.37, 1];

/** Shapes of every body of the tree, in the bodies' own frames. */
export function linkShapes(robot: Pick<RobotModel, 'bodies' | 'feet' | 'standingHeight_m'>): RobotShape[] {
  // Thickness follows the robot's size, so that small robots are not drawn as balls.
  const radius = 0.03 * (robot.standingHeight_m > 0.1 ? robot.standingHeight_m : 0.8);
  const shapes: RobotShape[] = [];
  robot.bodies.forEach(({ centreOfMass_m }, body) => {
    const children = robot.bodies.filter((one) => one.parent === body);
    shapes.push(ball(body, [0, 0, 0], 1.15 * radius));
    for (const child of children) {
      const link = capsule(body, child.position_m, radius);
      if (link !== undefined) shapes.push(link);
    }
    if (robot.feet.includes(body)) shapes.push(foot(body, centreOfMass_m, radius));
    else if (children.length === 0) {
      // A last link reaches about as far beyond its centre of mass as before it.
      const [x, y, z] = centreOfMass_m;
      const link = capsule(body, [2 * x, 2 * y, 2 * z], radius);
      if (link !== undefined) shapes.push(link);
    }
  });
  return shapes;
}

function ball(body: number, position_m: Vector, radius: number): RobotShape {
  return { body, type: 'sphere', size: [radius, 0, 0], position_m, quaternion: [1, 0, 0, 0], rgba: JOINT };
}

function foot(body: number, centre: Vector, radius: number): RobotShape {
  const size: Vector = [4 * radius, 1.5 * radius, 0.5 * radius];
  return { body, type: 'box', size, position_m: centre, quaternion: [1, 0, 0, 0], rgba: JOINT };
}

function capsule(body: number, to: Vector, radius: number): RobotShape | undefined {
  const length = Math.hypot(...to);
  if (length < SHORTEST_LINK_M) return undefined;
  return {
    body,
    type: 'capsule',
    size: [radius, length / 2, 0],
    position_m: [to[0] / 2, to[1] / 2, to[2] / 2],
    quaternion: turnFromZ([to[0] / length, to[1] / length, to[2] / length]),
    rgba: LINK,
  };
}

/** The shortest turn (w, x, y, z) that carries the z axis onto a unit vector. */
export function turnFromZ([x, y, z]: Vector): [number, number, number, number] {
  if (z < -1 + 1e-9) return [0, 1, 0, 0];
  const w = Math.sqrt((1 + z) / 2);
  return [w, -y / (2 * w), x / (2 * w), 0];
}
