// The door to MuJoCo: files in its own file system, errors as the user's, names, and what dispose leaves behind.

import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { Engine, namesAt, Simulation } from '../../src/sim/mujoco.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const BALL =
  '<mujoco><worldbody><body name="ball" pos="0 0 1"><freejoint name="root"/><geom size="0.1"/></body></worldbody></mujoco>';

async function ballSimulation(): Promise<Simulation> {
  const engine = await Engine.load();
  const spec = engine.parse({ main: 'ball.xml', files: { 'ball.xml': bytes(BALL) } });
  const simulation = new Simulation(engine, engine.compile(spec, 'ball.xml'));
  spec.delete();
  return simulation;
}

describe('Engine', () => {
  it('reads files beside, below and above the main file', async () => {
    const engine = await Engine.load();
    const spec = engine.parse({
      main: 'main.xml',
      files: {
        'main.xml': bytes(
          '<mujoco><worldbody><include file="below/a.xml"/><include file="../../above/b.xml"/></worldbody></mujoco>',
        ),
        'below/a.xml': bytes('<mujocoinclude><body name="a"><geom size="1"/></body></mujocoinclude>'),
        '../../above/b.xml': bytes('<mujocoinclude><body name="b"><geom size="1"/></body></mujocoinclude>'),
      },
    });
    const model = engine.compile(spec, 'main.xml');
    expect(namesAt(model, model.name_bodyadr)).toEqual(['world', 'a', 'b']);
    spec.delete();
    model.delete();
  });

  it('forgets the files of the model before', async () => {
    const engine = await Engine.load();
    const include = bytes('<mujoco><worldbody><include file="part.xml"/></worldbody></mujoco>');
    const part = bytes('<mujocoinclude><body name="a"><geom size="1"/></body></mujocoinclude>');
    engine.parse({ main: 'm.xml', files: { 'm.xml': include, 'part.xml': part } }).delete();
    expect(() => engine.parse({ main: 'm.xml', files: { 'm.xml': include } })).toThrow(DataError);
  });

  it('turns what MuJoCo refuses into a DataError with its words', async () => {
    const engine = await Engine.load();
    const files = { 'm.xml': bytes('<mujoco>\n<worldbody><bodi/></worldbody></mujoco>') };
    expect(() => engine.parse({ main: 'm.xml', files })).toThrow(
      /m\.xml: MuJoCo cannot read the model: found .*'bodi', line 2/,
    );
    // It goes on working.
    (await ballSimulation()).dispose();
  });
});

describe('Simulation', () => {
  it('falls as a body does, and starts over', async () => {
    const simulation = await ballSimulation();
    const { qpos, qvel } = simulation.views();
    simulation.forward();
    simulation.step(100);
    // Semi-implicit Euler: v = -g t exactly, z = 1 - g t (t + h) / 2.
    const t = 100 * 0.002;
    expect(qvel[2]).toBeCloseTo(-9.81 * t, 12);
    expect(qpos[2]).toBeCloseTo(1 - (9.81 * t * (t + 0.002)) / 2, 12);
    simulation.reset();
    expect([qpos[2], qvel[2]]).toEqual([1, 0]);
    simulation.dispose();
    simulation.dispose();
  });

  it('frees its memory', async () => {
    const first = await ballSimulation();
    const { engine } = first;
    first.dispose();
    const spec = engine.parse({ main: 'ball.xml', files: { 'ball.xml': bytes(BALL) } });
    const sizes: number[] = [];
    for (let round = 0; round < 60; round++) {
      const simulation = new Simulation(engine, engine.compile(spec, 'ball.xml'));
      simulation.forward();
      if (round % 20 === 19) sizes.push(simulation.views().qpos.buffer.byteLength);
      simulation.dispose();
    }
    spec.delete();
    // The heap grows to what one simulation needs and no further.
    expect(sizes[2]).toBe(sizes[0]);
  });
});
