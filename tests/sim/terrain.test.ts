import { beforeAll, describe, expect, test } from 'vitest';
import { buildModel } from '../../src/sim/build-model.js';
import { type LoadedRobot, loadRobot } from '../../src/sim/load-robot.js';
import { Engine, Simulation } from '../../src/sim/mujoco.js';
import { TERRAIN_KINDS, terrainHeight } from '../../src/sim/terrain.js';

describe('terrain', () => {
  let loaded: LoadedRobot;
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load();
    loaded = await loadRobot('g1', { engine });
  }, 60_000);

  test.each(TERRAIN_KINDS)("%s is as high under MuJoCo's own rays as its closed form says", (kind) => {
    const { model } = buildModel(engine, loaded.source, loaded.config, loaded.robot, kind);
    const simulation = new Simulation(engine, model);
    simulation.forward();
    for (let index = 0; index < 40; index++) {
      // Away from the robot, which stands at the origin.
      const radius = 1 + index / 5;
      const [x, y] = [radius * Math.sin(2.3 * index), radius * Math.cos(2.3 * index)];
      // Between its points (0.15 m apart) the field is straight: it misses a wave of length L by (2 pi / L)^2 0.15^2 / 8
      // of its amplitude, under 0.7 mm for the two together.
      expect(Math.abs(castDown(simulation, x, y) - terrainHeight(kind, x, y))).toBeLessThan(7e-4);
    }
    simulation.dispose();
  });
});

/** Height at which a vertical ray meets the world. */
function castDown({ engine, model, data }: Simulation, x: number, y: number): number {
  const geom = new engine.module.IntBuffer(1);
  const normal = new engine.module.DoubleBuffer(3);
  const top = 3;
  const allGroups = [1, 1, 1, 1, 1, 1];
  const distance = engine.module.mj_ray(model, data, [x, y, top], [0, 0, -1], allGroups, true, -1, geom, normal);
  geom.delete();
  normal.delete();
  return top - distance;
}
