// The robot in the scene stands where MuJoCo says, and its shapes where the compiled model has them.

import { Box3, Quaternion, Vector3 } from 'three';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { buildModel } from '../../../src/sim/build-model.js';
import { loadRobot } from '../../../src/sim/load-robot.js';
import { Engine, Simulation } from '../../../src/sim/mujoco.js';
import { turnFromZ } from '../../../src/viewer/scene/link-shapes.js';
import { geometryOfModel } from '../../../src/viewer/scene/model-geometry.js';
import { createRobotView } from '../../../src/viewer/scene/robot-view.js';

const engine = await Engine.load();
const { robot, config, source } = await loadRobot('g1', { engine });
const simulation = new Simulation(engine, buildModel(engine, source, config, robot).model);
const { geometry, meshBytes } = geometryOfModel(simulation.model, robot);

describe('the shapes', () => {
  it('are those for looking at, and none of the contact spheres', () => {
    const groups = simulation.model.geom_group as Int32Array;
    const bodies = simulation.model.geom_bodyid as Int32Array;
    const shown = Array.from(groups).filter((group, geom) => group <= 2 && bodies[geom] > 0).length;
    expect(geometry.shapes.length).toBe(shown);
    expect(geometry.meshes).toEqual([]);
    expect(meshBytes.byteLength).toBe(0);
  });

  it('have the colours of their materials', () => {
    const colours = new Set(geometry.shapes.map(({ rgba }) => rgba.join()));
    expect(colours).toContain('0.8,0.82,0.84,1');
    expect(colours.has('0.5,0.5,0.5,1')).toBe(false);
  });
});

describe('the view', () => {
  it('places every body as MuJoCo does', () => {
    const view = createRobotView({ robot, geometry, meshBytes });
    const random = new Random(3).split('poses');
    for (let pose = 0; pose < 5; pose++) {
      const position = [random.uniform(-2, 2), random.uniform(-2, 2), random.uniform(0.5, 1)];
      const turn = new Quaternion(random.normal(), random.normal(), random.normal(), random.normal()).normalize();
      const wxyz = [turn.w, turn.x, turn.y, turn.z];
      const joints = robot.jointNames.map(() => random.uniform(-0.8, 0.8));
      view.setPose(position, wxyz, joints);
      const { qpos } = simulation.views();
      qpos.set([...position, ...wxyz]);
      robot.jointIndices.forEach((joint, column) => {
        qpos[robot.joints[joint].qposAddress] = joints[column];
      });
      simulation.forward();
      const expected = simulation.data.xpos as Float64Array;
      for (const mesh of view.object.children) {
        const body = robot.bodies.findIndex(({ name }) => name === mesh.name) + 1;
        const { x, y, z } = mesh.position;
        // Both are float64; a dozen products of rotations lie between base and hand.
        expect(Math.hypot(x - expected[3 * body], y - expected[3 * body + 1], z - expected[3 * body + 2])).toBeLessThan(
          1e-9,
        );
      }
    }
    view.dispose();
  });

  it('stands on the floor, as tall as the robot', () => {
    const view = createRobotView({ robot, geometry, meshBytes });
    view.setPose([0, 0, robot.standingHeight_m], [1, 0, 0, 0], robot.defaultPosition_rad);
    view.object.updateMatrixWorld(true);
    const box = new Box3().setFromObject(view.object, true);
    // Soles are drawn a few millimetres beside the contact spheres; a G1 is 1.3 m tall.
    expect(Math.abs(box.min.z)).toBeLessThan(0.015);
    expect(box.max.z).toBeGreaterThan(1.15);
    expect(box.max.z).toBeLessThan(1.4);
    view.dispose();
  });

  it('draws links along the tree where there are no shapes', () => {
    const view = createRobotView({ robot });
    expect(view.object.children.length).toBe(robot.bodies.length);
    view.setPose([0, 0, robot.standingHeight_m], [1, 0, 0, 0], robot.defaultPosition_rad);
    view.object.updateMatrixWorld(true);
    const { min, max } = new Box3().setFromObject(view.object, true);
    expect(max.z - min.z).toBeGreaterThan(0.9);
    view.dispose();
  });
});

it('links point from their parents to their children', () => {
  for (const direction of [new Vector3(1, 0, 0), new Vector3(0, 0, -1), new Vector3(-0.3, 0.5, 0.2).normalize()]) {
    const [w, x, y, z] = turnFromZ([direction.x, direction.y, direction.z]);
    const turned = new Vector3(0, 0, 1).applyQuaternion(new Quaternion(x, y, z, w));
    expect(turned.distanceTo(direction)).toBeLessThan(1e-9);
  }
});
