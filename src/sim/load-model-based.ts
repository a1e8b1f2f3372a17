// A model-based walking controller from its config file.

import { loadConfig, readYaml } from '../base/config-file.js';
import { modelBasedSchema } from '../control/model-based-config.js';
import { createModelBasedController } from '../control/model-based-controller.js';
import { sha256 } from '../robot/sha256.js';
import type { ControllerSource } from './load-controller.js';

/** True for a config that says `kind: model-based`. @throws DataError where it cannot be read */
export async function isModelBased(path: string): Promise<boolean> {
  const tree = await readYaml(path);
  return (tree as { readonly kind?: unknown }).kind === 'model-based';
}

/** Its hash is that of its settings: it has no weights. @throws DataError or FindingsError for what is wrong in the file */
export async function modelBasedSource(path: string): Promise<ControllerSource> {
  const config = await loadConfig(modelBasedSchema, path);
  return {
    name: config.name,
    robot: config.robot,
    sha256: sha256(new TextEncoder().encode(JSON.stringify(config))),
    load: async (robot, slotCount) => createModelBasedController({ config, robot, slotCount }),
  };
}
