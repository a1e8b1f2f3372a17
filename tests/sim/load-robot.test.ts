// Loading robots: the bundled G1's figures, URDF, files that a model names, and what a wrong config is told.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { buildModel } from '../../src/sim/build-model.js';
import { Environment } from '../../src/sim/environment.js';
import { type LoadedRobot, loadRobot, robotNames } from '../../src/sim/load-robot.js';
import { Engine, type MjModel } from '../../src/sim/mujoco.js';
import { HAS_SHARED_ROBOTS, largestDifference, SHARED_ROBOTS } from '../robot/mujoco-oracle.js';

let engine: Engine;
let folder: string;

beforeAll(async () => {
  engine = await Engine.load();
  folder = await mkdtemp(join(tmpdir(), 'nextgait-robot-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(path: string, content: string | Uint8Array): Promise<string> {
  const whole = join(folder, path);
  await mkdir(dirname(whole), { recursive: true });
  await writeFile(whole, content);
  return whole;
}

/** A config of a robot with one leg: joint `knee`, bodies `base` and `leg`. */
function legConfig(model: string, more = ''): string {
  return `name: leg
model: ${model}
pd: { mode: implicit, stiffness_Nmprad: 100, damping_Nmsprad: 3 }
velocityLimit_radps: 10
feet: [leg]
${more}`;
}

const LEG_URDF = `<?xml version="1.0"?>
<robot name="leg">
  <!-- <mesh filename="not-there.stl"/> -->
  <link name="base">
    <inertial><origin xyz="0 0 0.05"/><mass value="4"/><inertia ixx="0.02" iyy="0.03" izz="0.04" ixy="0" ixz="0" iyz="0"/></inertial>
    <visual><geometry><mesh filename="package://leg_description/meshes/look.dae"/></geometry></visual>
    <collision><geometry><box size="0.2 0.2 0.1"/></geometry></collision>
  </link>
  <link name="leg">
    <inertial><origin xyz="0 0 -0.2"/><mass value="1"/><inertia ixx="0.01" iyy="0.01" izz="0.002" ixy="0" ixz="0" iyz="0"/></inertial>
    <collision><origin xyz="0 0 -0.4"/><geometry><mesh filename="package://leg_description/meshes/foot.obj"/></geometry></collision>
  </link>
  <link name="imu"/>
  <joint name="knee" type="revolute">
    <parent link="base"/><child link="leg"/><origin xyz="0 0.1 0"/><axis xyz="0 1 0"/>
    <limit lower="-1.5" upper="0.5" effort="33" velocity="7"/>
  </joint>
  <joint name="imu_mount" type="fixed"><parent link="base"/><child link="imu"/><origin xyz="0.1 0 0"/></joint>
</robot>`;

/** A tetrahedron of 4 cm. */
const FOOT_OBJ = `v 0.02 0.02 0.02\nv -0.02 -0.02 0.02\nv -0.02 0.02 -0.02\nv 0.02 -0.02 -0.02\nf 1 2 3\nf 1 4 2\nf 1 3 4\nf 2 4 3\n`;

describe('the bundled G1', () => {
  let loaded: LoadedRobot;
  beforeAll(async () => {
    loaded = await loadRobot('g1', { engine });
  });

  // Sums over the published description, computed from it with MuJoCo's Python package.
  it('has the published totals', () => {
    const { robot } = loaded;
    expect(robot.totalMass_kg).toBeCloseTo(33.341142, 9);
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    expect(sum(robot.lower_rad)).toBeCloseTo(-47.919434, 6);
    expect(sum(robot.upper_rad)).toBeCloseTo(54.76136, 6);
    expect(sum(robot.torqueLimit_Nm)).toBe(1566);
    const axes = [0, 1, 2];
    const offsets = axes.map((axis) => sum(robot.bodies.slice(1).map((body) => Math.abs(body.position_m[axis]))));
    // Without the base's own offset of 0.793 m, which is where the model happens to start.
    expect(largestDifference(offsets, [0.6179901, 0.53007651, 3.252044 - 0.793])).toBeLessThan(1e-9);
    const inertia = axes.map((axis) => sum(robot.bodies.map((body) => body.inertia_kgm2[axis])));
    expect(largestDifference(inertia, [0.1905444502, 0.1744028052, 0.0508875026])).toBeLessThan(1e-10);
    const moment = axes.map((axis) => sum(robot.bodies.map((body) => body.mass_kg * body.centreOfMass_m[axis])));
    expect(largestDifference(moment, [0.125184051, 0.002707482, -0.395036397])).toBeLessThan(1e-8);
  });

  it('has the default pose, gains and feet of its config', () => {
    const { robot } = loaded;
    const of = (values: readonly number[], name: string) => values[robot.jointNames.indexOf(name)];
    expect(robot.jointNames).toHaveLength(29);
    expect(of(robot.defaultPosition_rad, 'left_hip_pitch_joint')).toBe(-0.1);
    expect(of(robot.defaultPosition_rad, 'right_elbow_joint')).toBe(0.97);
    expect(of(robot.defaultPosition_rad, 'right_shoulder_roll_joint')).toBe(-0.25);
    expect(of(robot.stiffness_Nmprad, 'waist_roll_joint')).toBe(200);
    expect(of(robot.stiffness_Nmprad, 'left_ankle_roll_joint')).toBe(40);
    expect(of(robot.damping_Nmsprad, 'left_ankle_roll_joint')).toBe(2);
    expect(of(robot.damping_Nmsprad, 'right_wrist_yaw_joint')).toBe(10);
    expect(robot.feet.map((foot) => robot.bodies[foot].name)).toEqual([
      'left_ankle_roll_link',
      'right_ankle_roll_link',
    ]);
    expect(robot.armature_kgm2.every((value) => value === 0.01)).toBe(true);
  });

  it.skipIf(!HAS_SHARED_ROBOTS)('equals the published description in every number', async () => {
    const shared = await loadRobot('g1', { engine, model: join(SHARED_ROBOTS, 'g1/scene.xml') });
    const same = (robot: RobotModel) => ({ ...robot, joints: robot.joints.map(({ name, ...joint }) => joint) });
    expect(same(loaded.robot)).toEqual(same(shared.robot));
    // Contact shapes too: feet and shoulders; the floor is added to one and part of the other.
    expect(contacts(loaded)).toEqual(contacts(shared));
  });

  function contacts(robot: LoadedRobot): number[][] {
    const { model } = buildModel(engine, robot.source, robot.config, robot.robot);
    const rows: number[][] = [];
    for (let geom = 0; geom < model.ngeom; geom++) {
      if (model.geom_contype[geom] === 0 || model.geom_bodyid[geom] === 0) continue;
      const row = (field: keyof MjModel, width: number): number[] =>
        Array.from((model[field] as Float64Array).subarray(width * geom, width * (geom + 1)));
      rows.push([
        model.geom_bodyid[geom],
        model.geom_type[geom],
        model.geom_condim[geom],
        ...row('geom_size', 3),
        ...row('geom_pos', 3),
        ...row('geom_quat', 4),
        ...row('geom_friction', 3),
        ...row('geom_solref', 2),
        ...row('geom_solimp', 5),
        ...row('geom_margin', 1),
      ]);
    }
    model.delete();
    return rows;
  }
});

describe.skipIf(!HAS_SHARED_ROBOTS)('models that are not bundled', () => {
  it.each([
    ['t1', 23, 31.614, 'position-actuator'],
    ['cassie', 10, 33.312, 'implicit'],
    ['digit', 20, 47.925, 'implicit'],
  ])('%s loads', async (name, jointCount, mass_kg, mode) => {
    const { robot } = await loadRobot(name, { engine, folders: [SHARED_ROBOTS] });
    expect(robot.jointNames).toHaveLength(jointCount);
    expect(robot.totalMass_kg).toBeCloseTo(mass_kg, 3);
    expect(robot.pdMode).toBe(mode);
    expect(robot.torqueLimit_Nm.every((limit) => limit > 0 && Number.isFinite(limit))).toBe(true);
  });

  it('takes the gains of position actuators, gears and keyframes into account', async () => {
    const { robot: t1 } = await loadRobot('t1', { engine, folders: [SHARED_ROBOTS] });
    const waist = t1.jointNames.indexOf('Waist');
    expect([t1.stiffness_Nmprad[waist], t1.damping_Nmsprad[waist], t1.torqueLimit_Nm[waist]]).toEqual([50, 3, 30]);
    expect(t1.defaultPosition_rad[t1.jointNames.indexOf('Left_Knee_Pitch')]).toBe(0.4);
    const { robot: cassie } = await loadRobot('cassie', { engine, folders: [SHARED_ROBOTS] });
    // 4.5 N m at the motor, gear 25.
    expect(cassie.torqueLimit_Nm[cassie.jointNames.indexOf('left-hip-roll')]).toBeCloseTo(112.5, 9);
  });
});

describe('URDF', () => {
  let loaded: LoadedRobot;
  beforeAll(async () => {
    await write('leg_description/urdf/leg.urdf', LEG_URDF);
    await write('leg_description/meshes/foot.obj', FOOT_OBJ);
    const config = await write(
      'leg.yaml',
      legConfig('leg_description/urdf/leg.urdf', 'defaultPose: { joints_rad: { knee: -0.5 } }'),
    );
    loaded = await loadRobot(config, { engine });
  });

  it('gets a floating base, actuators, meshes by package name, and keeps fixed links', () => {
    const { robot } = loaded;
    expect(robot.bodies.map((body) => body.name)).toEqual(['base', 'leg', 'imu']);
    expect(robot.joints.map((joint) => joint.type)).toEqual(['free', 'hinge']);
    expect(robot.jointNames).toEqual(['knee']);
    expect([robot.lower_rad[0], robot.upper_rad[0], robot.torqueLimit_Nm[0]]).toEqual([-1.5, 0.5, 33]);
    expect(robot.totalMass_kg).toBeCloseTo(5, 12);
    expect(loaded.source.files).toHaveProperty(['../meshes/foot.obj']);
  });

  it('stands with the lowest corner of its foot on the floor', () => {
    // The lowest of the tetrahedron's corners after a turn of -0.5 rad about y, around the knee.
    const corners = [
      [0.02, -0.38],
      [-0.02, -0.38],
      [-0.02, -0.42],
      [0.02, -0.42],
    ];
    const heights = corners.map(([x, z]) => -Math.sin(-0.5) * x + Math.cos(-0.5) * z);
    // Vertices are kept in float32 by MuJoCo.
    expect(loaded.robot.standingHeight_m).toBeCloseTo(-Math.min(...heights), 6);
  });

  it('can be simulated, in another engine', async () => {
    const environment = await Environment.create(structuredClone(loaded));
    for (let step = 0; step < 5; step++) environment.step(new Float64Array(1));
    expect(environment.state.jointPosition_rad[0]).toBeCloseTo(-0.5, 1);
    environment.dispose();
  });
});

describe('MJCF of several files', () => {
  it('resolves includes and mesh folders', async () => {
    await write(
      'split/robot/leg.xml',
      `<mujocoinclude><body name="base"><freejoint/><geom size="0.1" mass="3"/>
      <body name="leg"><joint name="knee" axis="0 1 0"/><geom type="mesh" mesh="foot" pos="0 0 -0.3" mass="1"/></body></body></mujocoinclude>`,
    );
    await write('split/assets/foot.obj', FOOT_OBJ);
    await write(
      'split/main.xml',
      `<mujoco><compiler meshdir="assets"/><asset><mesh name="foot" file="foot.obj"/></asset>
      <worldbody><include file="robot/leg.xml"/></worldbody></mujoco>`,
    );
    const { robot, source } = await loadRobot(await write('split.yaml', legConfig('split/main.xml')), { engine });
    expect(Object.keys(source.files).sort()).toEqual(['assets/foot.obj', 'main.xml', 'robot/leg.xml']);
    expect(robot.totalMass_kg).toBe(4);
    expect(robot.lower_rad).toEqual([Number.NEGATIVE_INFINITY]);
    expect(robot.standingHeight_m).toBeCloseTo(0.32, 6);
  });

  it('whose main file is not there is to be corrected in an own config', async () => {
    const copied = await write('copied.yaml', legConfig('../../data/robots/none/none.xml'));
    const refused = await loadRobot(copied, { engine, folders: [] }).catch((error: Error) => error.message);
    expect(refused).toMatch(/copied\.yaml: model: .*Correct "model:" in .*copied\.yaml \(relative to that file\)\.$/);
    const own = await write('own.yaml', legConfig('nope.xml'));
    await expect(loadRobot(own, { engine, folders: [] })).rejects.toThrow(
      /Correct "model:" in .*own\.yaml \(relative to that file\), or set .*NEXTGAIT_ROBOTS to the folder that holds nope\.xml\./,
    );
  });

  it('names every file that is missing', async () => {
    const config = await write('gaps.yaml', legConfig('gaps.xml'));
    await write('gaps.xml', '<mujoco><asset><mesh file="a.stl"/><mesh file="b.stl"/></asset></mujoco>');
    await expect(loadRobot(config, { engine })).rejects.toThrow(/gaps\.xml: .*no a\.stl\n.*gaps\.xml: .*no b\.stl/s);
  });
});

const LEG_XML = `<mujoco><worldbody><body name="base" pos="0 0 1"><freejoint/><geom size="0.1" mass="3"/>
  <body name="leg"><joint name="knee" axis="0 1 0"/><joint name="ankle" axis="1 0 0"/><geom size="0.05" pos="0 0 -0.3" mass="1"/></body>
</body></worldbody></mujoco>`;

describe('locked joints', () => {
  it('are held at their default position and leave the joint order', async () => {
    await write('leg.xml', LEG_XML);
    const more = 'lockedJoints: [ankle]\ndefaultPose: { joints_rad: { ankle: 0.4 } }';
    const loaded = await loadRobot(await write('locked.yaml', legConfig('leg.xml', more)), { engine });
    expect(loaded.robot.jointNames).toEqual(['knee']);
    const environment = await Environment.create(loaded, { engine });
    const ankle = loaded.robot.joints.find((joint) => joint.name === 'ankle')!;
    for (let step = 0; step < 50; step++) environment.step(Float64Array.of(0.5));
    // The constraint is as soft as MuJoCo's contacts are.
    expect(environment.configuration()[ankle.qposAddress]).toBeCloseTo(0.4, 2);
    environment.dispose();
  });
});

describe('mistakes', () => {
  beforeAll(() => write('leg.xml', LEG_XML));

  it('suggests the nearest robot', async () => {
    await expect(loadRobot('g11', { engine })).rejects.toThrow(/robot g11: no such robot.*Did you mean "g1"\?/);
    expect(await robotNames()).toEqual(expect.arrayContaining(['g1', 't1', 'digit', 'cassie']));
  });

  it('says where a model that is not bundled is looked for', async () => {
    await expect(loadRobot('t1', { engine, folders: [folder] })).rejects.toThrow(/NEXTGAIT_ROBOTS.*t1\/scene\.xml/);
  });

  it('collects what the model shows of a config', async () => {
    const config = await write(
      'wrong.yaml',
      `name: leg
model: leg.xml
pd: { mode: implicit, stiffness_Nmprad: { kne: 1 }, damping_Nmsprad: { "*": 1 } }
velocityLimit_radps: { knee: 1 }
feet: [leg]`,
    );
    const message = await loadRobot(config, { engine }).catch((error: Error) => error.message);
    expect(message).toContain(
      'wrong.yaml: pd.stiffness_Nmprad.kne: name or pattern that matches nothing. Did you mean "knee"?',
    );
    expect(message).toContain('wrong.yaml: pd.stiffness_Nmprad: joints without a value: found knee, ankle');
    expect(message).toContain('wrong.yaml: velocityLimit_radps: joints without a value: found ankle');
  });

  it.each([
    ['feet: [legs]', 'feet: [leg]', /feet: name that the model does not have: found legs. Did you mean "leg"\?/],
    ['joint: [knee]', '', /joint: unknown key. Did you mean "joints"\?/],
    ['joints: [kneee]', '', /joints: name that the model does not have: found kneee. Did you mean "knee"\?/],
    ['defaultPose: { keyframe: home }', '', /defaultPose\.keyframe: name that the model does not have: found home/],
    ['control: { rate_hz: 60 }', '', /physics steps in a control step: expected a whole number, found 8\.3/],
    ['torso: chest', '', /torso: name that the model does not have: found chest/],
  ])('%s', async (line, replaced, message) => {
    const whole = legConfig('leg.xml');
    const text = replaced === '' ? `${whole}${line}` : whole.replace(replaced, line);
    await expect(loadRobot(await write('mistake.yaml', text), { engine })).rejects.toThrow(message);
  });

  it('passes on what MuJoCo says about a broken model', async () => {
    await write('broken.xml', '<mujoco><worldbody><bodi/></worldbody></mujoco>');
    const config = await write('broken.yaml', legConfig('broken.xml'));
    await expect(loadRobot(config, { engine })).rejects.toThrow(
      /broken\.xml: MuJoCo cannot read the model: found .*bodi/,
    );
  });
});
