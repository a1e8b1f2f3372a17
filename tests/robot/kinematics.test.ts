// Kinematics against MuJoCo's own functions, on random configurations.
//
// Tolerance: both sides compute in float64 with a few hundred roundings of numbers of size 1, so they agree to about
// 1e-14; 1e-9 m leaves room for another order of operations and none for a wrong formula.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { differenceConfiguration, integrateConfiguration } from '../../src/robot/configuration.js';
import {
  bodyJacobian,
  createPose,
  forwardKinematics,
  type KinematicTree,
  kinematicTree,
  type Pose,
  pointJacobian,
  pointPosition,
} from '../../src/robot/kinematics.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { buildModel } from '../../src/sim/build-model.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { Engine, Simulation } from '../../src/sim/mujoco.js';
import { readBodies, readJoints } from '../../src/sim/read-tree.js';
import {
  HAS_SHARED_ROBOTS,
  largestDifference,
  oracleJacobian,
  placeOracle,
  randomConfiguration,
  randomQuaternion,
  SHARED_ROBOTS,
} from './mujoco-oracle.js';

const TOLERANCE = 1e-9;
const CONFIGURATIONS = 25;

/** Every joint type, anchors off the origin, two and three joints on a body, a body without, references, two trees. */
const EVERY_JOINT = `<mujoco>
  <compiler angle="radian"/>
  <worldbody>
    <body name="fixed" pos="0.1 0.2 0.3" quat="0.9 0.1 -0.3 0.2">
      <geom size="0.1"/>
      <body name="swing" pos="0.2 -0.1 0.4" quat="0.5 0.5 -0.5 0.5">
        <joint type="hinge" axis="1 2 -1" pos="0.05 -0.02 0.1" ref="0.3"/>
        <joint type="slide" axis="0 1 1" ref="-0.2"/>
        <joint type="hinge" axis="0 0 1" pos="-0.1 0 0.2"/>
        <geom size="0.1"/>
        <body name="socket" pos="0 0.3 0.1">
          <joint type="ball" pos="0.1 0.1 -0.05"/>
          <geom size="0.1"/>
          <body name="rigid" pos="0.1 0 0" quat="0.7 0 0.7 0"><geom size="0.1"/></body>
        </body>
      </body>
    </body>
    <body name="base" pos="1 1 1">
      <freejoint/>
      <geom size="0.1"/>
      <body name="ball" pos="0.3 0 0">
        <joint type="slide" axis="1 0 0"/>
        <joint type="ball" pos="0 0.2 0"/>
        <geom size="0.1"/>
        <body name="tip" pos="0 0 -0.4" quat="0.8 0.6 0 0"><joint axis="0 1 0"/><geom size="0.1"/></body>
      </body>
    </body>
  </worldbody>
</mujoco>`;

type TreeData = Pick<RobotModel, 'bodies' | 'joints' | 'positionSize' | 'velocitySize'>;
interface Case {
  readonly simulation: Simulation;
  readonly data: TreeData;
  readonly tree: KinematicTree;
  readonly pose: Pose;
}

async function robotCase(name: string, engine: Engine): Promise<Case> {
  const loaded = await loadRobot(name, { engine, folders: [SHARED_ROBOTS] });
  const { model } = buildModel(engine, loaded.source, loaded.config, loaded.robot);
  return caseOf(new Simulation(engine, model), loaded.robot);
}

function everyJointCase(engine: Engine): Case {
  const spec = engine.parse({ main: 'm.xml', files: { 'm.xml': new TextEncoder().encode(EVERY_JOINT) } });
  const model = engine.compile(spec, 'm.xml');
  spec.delete();
  const data = { bodies: readBodies(model), joints: readJoints(model), positionSize: model.nq, velocitySize: model.nv };
  return caseOf(new Simulation(engine, model), data);
}

function caseOf(simulation: Simulation, data: TreeData): Case {
  const tree = kinematicTree(data);
  return { simulation, data, tree, pose: createPose(tree) };
}

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.load();
});

const NAMES = ['every joint type', 'g1 (bundled)', 'g1', 't1', 'digit', 'cassie'];

describe.each(NAMES)('kinematics of %s', (name) => {
  const bundled = name === 'every joint type' || name === 'g1 (bundled)';
  let at: Case;

  describe.skipIf(!bundled && !HAS_SHARED_ROBOTS)('against MuJoCo', () => {
    beforeAll(async () => {
      if (name === 'every joint type') at = everyJointCase(engine);
      else if (name === 'g1') {
        const loaded = await loadRobot('g1', { engine, model: `${SHARED_ROBOTS}/g1/scene.xml` });
        at = caseOf(
          new Simulation(engine, buildModel(engine, loaded.source, loaded.config, loaded.robot).model),
          loaded.robot,
        );
      } else at = await robotCase(name === 'g1 (bundled)' ? 'g1' : name, engine);
    });
    afterAll(() => at?.simulation.dispose());

    it('places every body where mj_kinematics does', () => {
      const random = new Random(1).split(name);
      let position = 0;
      let orientation = 0;
      for (let round = 0; round < CONFIGURATIONS; round++) {
        const configuration = randomConfiguration(at.data, random);
        placeOracle(at.simulation, configuration);
        // A row inside a longer array, as in a trajectory.
        const padded = new Float64Array(configuration.length + 5);
        padded.set(configuration, 5);
        forwardKinematics(at.tree, padded, 5, at.pose);
        position = Math.max(position, largestDifference(at.pose.position_m, at.simulation.data.xpos.slice(3)));
        const quaternions = at.simulation.data.xquat.slice(4) as Float64Array;
        for (let body = 0; body < at.tree.bodyCount; body++) {
          orientation = Math.max(orientation, quaternionDistance(at.pose.quaternion, quaternions, 4 * body));
        }
      }
      expect(position).toBeLessThan(TOLERANCE);
      expect(orientation).toBeLessThan(TOLERANCE);
    });

    it('has the Jacobians of mj_jacBody', () => {
      const random = new Random(2).split(name);
      const jacobian = new Float64Array(6 * at.tree.velocitySize);
      let difference = 0;
      for (let round = 0; round < 5; round++) {
        const configuration = randomConfiguration(at.data, random);
        placeOracle(at.simulation, configuration);
        forwardKinematics(at.tree, configuration, 0, at.pose);
        for (let body = 0; body < at.tree.bodyCount; body++) {
          bodyJacobian(at.tree, at.pose, body, jacobian.fill(Number.NaN));
          difference = Math.max(difference, largestDifference(jacobian, oracleJacobian(at.simulation, body)));
        }
      }
      expect(difference).toBeLessThan(TOLERANCE);
    });

    it('steps and subtracts configurations as mj_integratePos and mj_differentiatePos do', () => {
      const random = new Random(3).split(name);
      const { module } = at.simulation.engine;
      const { positionSize, velocitySize } = at.tree;
      const stepped = new Float64Array(positionSize);
      const difference = new Float64Array(velocitySize);
      for (let round = 0; round < CONFIGURATIONS; round++) {
        const from = randomConfiguration(at.data, random);
        const velocity = Float64Array.from({ length: velocitySize }, () => random.uniform(-3, 3));
        const integrated = module.DoubleBuffer.FromArray(from);
        const differentiated = new module.DoubleBuffer(velocitySize);
        module.mj_integratePos(at.simulation.model, integrated, Array.from(velocity), 0.2);
        integrateConfiguration(at.tree, stepped, 0, from, 0, velocity, 0, 0.2);
        expect(largestDifference(stepped, integrated.GetView())).toBeLessThan(TOLERANCE);
        module.mj_differentiatePos(at.simulation.model, differentiated, 0.2, Array.from(from), Array.from(stepped));
        differenceConfiguration(at.tree, difference, 0, from, 0, stepped, 0, 0.2);
        expect(largestDifference(difference, differentiated.GetView())).toBeLessThan(1e-8);
        // Steps are below half a turn, so the difference is the velocity again.
        expect(largestDifference(difference, velocity)).toBeLessThan(1e-8);
        integrated.delete();
        differentiated.delete();
      }
    });
  });
});

describe('points that move with a body', () => {
  it("have the Jacobian of their positions' finite differences", () => {
    const { simulation, data, tree, pose } = everyJointCase(engine);
    const random = new Random(4);
    const body = data.bodies.findIndex((one) => one.name === 'tip');
    const offset = [0.1, -0.2, 0.3];
    const configuration = randomConfiguration(data, random);
    const jacobian = new Float64Array(6 * tree.velocitySize);
    const point = new Float64Array(3);
    forwardKinematics(tree, configuration, 0, pose);
    pointPosition(point, 0, pose, body, offset, 0);
    pointJacobian(tree, pose, body, point, 0, jacobian);
    const step = 1e-6;
    const velocity = new Float64Array(tree.velocitySize);
    const moved = new Float64Array(tree.positionSize);
    const positions = [new Float64Array(3), new Float64Array(3)];
    for (let dof = 0; dof < tree.velocitySize; dof++) {
      velocity.fill(0)[dof] = 1;
      [-step, step].forEach((duration, side) => {
        integrateConfiguration(tree, moved, 0, configuration, 0, velocity, 0, duration);
        forwardKinematics(tree, moved, 0, pose);
        pointPosition(positions[side], 0, pose, body, offset, 0);
      });
      for (let axis = 0; axis < 3; axis++) {
        const slope = (positions[1][axis] - positions[0][axis]) / (2 * step);
        // Central differences: error step² plus rounding 1e-16 / step.
        expect(jacobian[axis * tree.velocitySize + dof]).toBeCloseTo(slope, 8);
      }
    }
    simulation.dispose();
  });

  it('do not depend on the length of the quaternions they are computed from', () => {
    const { simulation, data, tree, pose } = everyJointCase(engine);
    const random = new Random(5);
    const configuration = randomConfiguration(data, random);
    forwardKinematics(tree, configuration, 0, pose);
    const before = pose.position_m.slice();
    for (const joint of data.joints) {
      const first = joint.type === 'free' ? joint.qposAddress + 3 : joint.qposAddress;
      if (joint.type !== 'free' && joint.type !== 'ball') continue;
      const scaled = randomQuaternion(random)[0] + 2;
      for (let k = 0; k < 4; k++) configuration[first + k] *= scaled;
    }
    forwardKinematics(tree, configuration, 0, pose);
    expect(largestDifference(pose.position_m, before)).toBeLessThan(1e-14);
    simulation.dispose();
  });
});

/** Distance of two unit quaternions as rotations: q and -q are one. */
function quaternionDistance(left: ArrayLike<number>, right: ArrayLike<number>, at: number): number {
  let same = 0;
  let opposite = 0;
  for (let k = 0; k < 4; k++) {
    same = Math.max(same, Math.abs(left[at + k] - right[at + k]));
    opposite = Math.max(opposite, Math.abs(left[at + k] + right[at + k]));
  }
  return Math.min(same, opposite);
}
