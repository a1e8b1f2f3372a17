// A robot with a mesh: what is drawn of it lies where its STL says, and it is the same robot to physics.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Vector3 } from 'three';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildModel } from '../../../src/sim/build-model.js';
import { loadRobot } from '../../../src/sim/load-robot.js';
import { Engine } from '../../../src/sim/mujoco.js';
import { packRobot, unpackRobot } from '../../../src/sim/robot-pack.js';
import { bodyGeometries } from '../../../src/viewer/scene/body-shapes.js';
import { geometryOfModel } from '../../../src/viewer/scene/model-geometry.js';
import { CORNERS, writeMeshRobot } from '../mesh-robot.js';

let folder: string;
let config: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nextgait-mesh-'));
  config = writeMeshRobot(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

it('draws the corners of the mesh where the file has them, after MuJoCo has moved and turned it', async () => {
  const engine = await Engine.load();
  const loaded = await loadRobot(config, { engine });
  // As the browser gets it: packed with its meshes, and compiled there.
  const { robot, source, config: own } = unpackRobot(packRobot(loaded), 'robot.zip');
  const { model } = buildModel(engine, source, own, robot);
  const { geometry, meshBytes } = geometryOfModel(model, robot);
  model.delete();
  expect(geometry.meshes).toHaveLength(1);
  const torso = robot.bodies.findIndex(({ name }) => name === 'torso_link');
  const positions = bodyGeometries({ robot, geometry, meshBytes })[torso]!.getAttribute('position');
  const drawn = Array.from({ length: positions.count }, (_, at) => new Vector3().fromBufferAttribute(positions, at));
  for (const corner of CORNERS) {
    const nearest = Math.min(...drawn.map((point) => point.distanceTo(new Vector3(...corner))));
    // MuJoCo keeps a mesh in float32 about its centre; the page's JSON has places to a micrometre.
    expect(nearest).toBeLessThan(5e-6);
  }
  expect(robot.hash).toBe((await loadRobot('g1', { engine })).robot.hash);
});
