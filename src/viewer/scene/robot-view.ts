// A robot in the scene: one mesh a body, placed by forward kinematics from base pose and joint positions.

import { Color, Group, Mesh, MeshStandardMaterial, type Object3D } from 'three';
import type { Numbers } from '../../base/arrays.js';
import { createPose, forwardKinematics, kinematicTree, type Pose } from '../../robot/kinematics.js';
import { bodyGeometries } from './body-shapes.js';
import type { RobotDescription } from './robot-geometry.js';

export interface RobotViewOptions {
  /** Draws it translucent in one colour (CSS): a prediction or a source beside the robot itself. */
  readonly ghost?: string;
}

export interface RobotView {
  /** To be added to a stage; Z up, metres. */
  readonly object: Object3D;
  /** World poses of the bodies at the last setPose: a live view. */
  readonly pose: Pose;
  /**
   * Places the robot.
   * @param basePosition 3 numbers (m), world frame
   * @param baseQuaternion w x y z, world frame
   * @param jointPositions rad, in the robot's joint order; passive joints stay at their default
   */
  setPose(basePosition: Numbers, baseQuaternion: Numbers, jointPositions: Numbers): void;
  /**
   * Lets feet glow that touch the ground, in the robot's order of feet; undefined where contacts are not known.
   * @param colours one for all feet, or one for each in turn (CSS)
   */
  setContacts(contacts: Numbers | undefined, colours: string | readonly string[]): void;
  dispose(): void;
}

const GHOST_OPACITY = 0.35;
const CONTACT = 0.5;

export function createRobotView(description: RobotDescription, options: RobotViewOptions = {}): RobotView {
  const { robot } = description;
  const tree = kinematicTree(robot);
  const pose = createPose(tree);
  const configuration = Float64Array.from(robot.defaultConfiguration);
  const jointAddresses = robot.jointIndices.map((joint) => robot.joints[joint].qposAddress);
  const base = robot.joints.find(({ type, body }) => type === 'free' && body === robot.baseBody)?.qposAddress;
  const shared = material(options.ghost);
  const feet = robot.feet.map(() => material(options.ghost));
  const object = new Group();
  object.name = `robot ${robot.name}`;
  const meshes = bodyGeometries(description).map((geometry, body) => {
    if (geometry === undefined) return undefined;
    const foot = robot.feet.indexOf(body);
    const mesh = new Mesh(geometry, foot < 0 ? shared : feet[foot]);
    mesh.name = robot.bodies[body].name;
    mesh.castShadow = options.ghost === undefined;
    mesh.receiveShadow = false;
    // Bodies are placed by kinematics, and the camera follows them: culling each is wasted work.
    mesh.frustumCulled = false;
    object.add(mesh);
    return mesh;
  });

  return {
    object,
    pose,
    setPose(basePosition, baseQuaternion, jointPositions) {
      if (base !== undefined) {
        for (let k = 0; k < 3; k++) configuration[base + k] = basePosition[k];
        for (let k = 0; k < 4; k++) configuration[base + 3 + k] = baseQuaternion[k];
      }
      for (let joint = 0; joint < jointAddresses.length; joint++) {
        configuration[jointAddresses[joint]] = jointPositions[joint];
      }
      forwardKinematics(tree, configuration, 0, pose);
      const { position_m: p, quaternion: q } = pose;
      for (let body = 0; body < meshes.length; body++) {
        const mesh = meshes[body];
        if (mesh === undefined) continue;
        mesh.position.set(p[3 * body], p[3 * body + 1], p[3 * body + 2]);
        mesh.quaternion.set(q[4 * body + 1], q[4 * body + 2], q[4 * body + 3], q[4 * body]);
      }
    },
    setContacts(contacts, colours) {
      feet.forEach((one, foot) => {
        const touches = contacts !== undefined && contacts[foot] > CONTACT;
        const colour = typeof colours === 'string' ? colours : colours[foot % colours.length];
        one.emissive = new Color(touches ? colour : 0);
        one.emissiveIntensity = touches ? 0.9 : 0;
      });
    },
    dispose() {
      for (const mesh of meshes) mesh?.geometry.dispose();
      for (const one of [shared, ...feet]) one.dispose();
      object.removeFromParent();
    },
  };
}

function material(ghost: string | undefined): MeshStandardMaterial {
  if (ghost === undefined) return new MeshStandardMaterial({ vertexColors: true, roughness: 0.55, metalness: 0.1 });
  return new MeshStandardMaterial({
    color: ghost,
    transparent: true,
    opacity: GHOST_OPACITY,
    roughness: 0.8,
    depthWrite: false,
  });
}
