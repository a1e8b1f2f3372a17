// The robot's shapes for an item, made from the robot config by MuJoCo's compiler when they are first asked for.

import { isUserError } from '../../base/errors.js';
import { buildModel } from '../../sim/build-model.js';
import { loadRobot } from '../../sim/load-robot.js';
import { Engine } from '../../sim/mujoco.js';
import { geometryOfModel, type ReadGeometry } from '../scene/model-geometry.js';
import { GEOMETRY_FILE, MESHES_FILE } from '../scene/robot-geometry.js';
import { type GivenItem, robotNameOf } from './items.js';

/**
 * Adds the made files of robots to items; those of one robot are computed once.
 * @param robot name or config file in place of what the items say
 * @param onMissing told where a robot has no config here: it is then drawn as links
 */
export function addGeometry(
  items: readonly GivenItem[],
  robot: string | undefined,
  onMissing: (text: string) => void,
): void {
  const known = new Map<string, Promise<ReadGeometry | undefined>>();
  const geometryOf = async (item: GivenItem) => {
    const name = robot ?? (await robotNameOf(item));
    if (name === undefined) return undefined;
    const reading = known.get(name) ?? readGeometry(name, onMissing);
    known.set(name, reading);
    return reading;
  };
  for (const item of items) {
    item.made.set(GEOMETRY_FILE, async () => {
      const read = await geometryOf(item);
      return read && new TextEncoder().encode(JSON.stringify(read.geometry));
    });
    item.made.set(MESHES_FILE, async () => (await geometryOf(item))?.meshBytes);
  }
}

async function readGeometry(name: string, onMissing: (text: string) => void): Promise<ReadGeometry | undefined> {
  try {
    const engine = await Engine.load();
    const { robot, config, source } = await loadRobot(name, { engine });
    const { model } = buildModel(engine, source, config, robot);
    try {
      return geometryOfModel(model, robot);
    } finally {
      model.delete();
    }
  } catch (error) {
    if (!isUserError(error)) throw error;
    onMissing(`robot ${name} is drawn as plain links, because its model cannot be read: ${error.message}`);
    return undefined;
  }
}
