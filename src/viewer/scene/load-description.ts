// Puts together what a robot view needs: the robot that the data carry, and its shapes where the item has them.

import type { RobotModel } from '../../robot/robot-model.js';
import { ProblemError, type ViewerSource } from '../page.js';
import { GEOMETRY_FILE, MESHES_FILE, type RobotDescription, type RobotGeometry } from './robot-geometry.js';

export interface LoadedDescription extends RobotDescription {
  /** Why links are drawn in place of the robot's shapes; absent where its shapes are drawn. */
  readonly note?: string;
}

/**
 * Reads a robot's shapes from an item. What is missing or belongs to another robot is left out, and told in `note`.
 * @param itemPath prefix of the item's files
 */
export async function loadDescription(
  source: ViewerSource,
  itemPath: string,
  robot: RobotModel,
): Promise<LoadedDescription> {
  let geometry: RobotGeometry;
  try {
    geometry = await source.readJson<RobotGeometry>(`${itemPath}/${GEOMETRY_FILE}`);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return {
      robot,
      note: `The model of ${robot.name} is not here: its links are drawn. Give it with --robot <config.yaml>.`,
    };
  }
  const bodies = robot.bodies.map(({ name }) => name);
  const fits =
    bodies.length === geometry.robot.bodies.length && bodies.every((name, at) => name === geometry.robot.bodies[at]);
  if (!fits) {
    return {
      robot,
      note: `The model of ${geometry.robot.name} has other bodies than the robot of these data: its links are drawn. Give the right one with --robot <config.yaml>.`,
    };
  }
  if (geometry.meshes.length === 0) return { robot, geometry };
  return { robot, geometry, meshBytes: await source.readBytes(`${itemPath}/${MESHES_FILE}`) };
}
