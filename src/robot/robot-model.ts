// RobotModel: a robot as plain data, with everything that must travel with its motion.
//
// It is made from MJCF or URDF by MuJoCo's own compiler (src/sim/load-robot.ts) plus a robot config, and it is
// JSON-serialisable, so that datasets, checkpoints and policy bundles can carry it and a browser can use it.
// Joint order here is the order everywhere: jointNames[j] is column j of every [frame, joint] array.

/** How PD targets become torques in simulation. `implicit`: damping inside MuJoCo's implicit integrator;
 *  `explicit`: torque = kp (target - q) - kd dq computed before each physics step;
 *  `position-actuator`: the model's own position actuators are used as they are. */
export type PdMode = 'implicit' | 'explicit' | 'position-actuator';

export interface RobotBody {
  readonly name: string;
  /** Index of the parent body; -1 for a body fixed to the world. Parents come before children. */
  readonly parent: number;
  /** Frame in the parent's frame: position (m) and quaternion (w, x, y, z). */
  readonly position_m: readonly [number, number, number];
  readonly quaternion: readonly [number, number, number, number];
  readonly mass_kg: number;
  /** Centre of mass in the body frame (m). */
  readonly centreOfMass_m: readonly [number, number, number];
  /** Inertia about the centre of mass: principal moments (kg m²) and the principal axes' quaternion (w, x, y, z). */
  readonly inertia_kgm2: readonly [number, number, number];
  readonly inertiaQuaternion: readonly [number, number, number, number];
}

export type JointType = 'free' | 'ball' | 'hinge' | 'slide';

/** Every joint of the tree, passive ones and loop-closure ones included, in MuJoCo's order. */
export interface RobotJoint {
  readonly name: string;
  readonly type: JointType;
  readonly body: number;
  /** First index in MuJoCo's qpos and in its qvel. */
  readonly qposAddress: number;
  readonly dofAddress: number;
  /** Axis and anchor in the body frame. */
  readonly axis: readonly [number, number, number];
  readonly anchor_m: readonly [number, number, number];
  /** qpos0: the joint coordinate at which the body frames above hold (rad, or m for a slide). */
  readonly reference: number;
}

/** Per actuated joint, in the robot's joint order; each array has jointNames.length entries. */
export interface RobotModel {
  readonly name: string;
  /** Hash of everything below that changes what a motion means; compared when data and robots meet. */
  readonly hash: string;
  readonly jointNames: readonly string[];
  /** Indices of these joints in `joints`. */
  readonly jointIndices: readonly number[];
  /** Joint position limits (rad); infinite where the joint has none (written as null in JSON). */
  readonly lower_rad: readonly number[];
  readonly upper_rad: readonly number[];
  readonly velocityLimit_radps: readonly number[];
  readonly torqueLimit_Nm: readonly number[];
  readonly defaultPosition_rad: readonly number[];
  readonly stiffness_Nmprad: readonly number[];
  readonly damping_Nmsprad: readonly number[];
  readonly armature_kgm2: readonly number[];
  readonly pdMode: PdMode;
  readonly control: { readonly rate_hz: number; readonly physicsTimestep_s: number };
  readonly bodies: readonly RobotBody[];
  readonly joints: readonly RobotJoint[];
  /** Sizes of qpos and qvel of the robot's tree. */
  readonly positionSize: number;
  readonly velocitySize: number;
  /** The default pose as a whole qpos: base at the origin facing +x, feet on the floor, passive joints included. */
  readonly defaultConfiguration: readonly number[]; // [positionSize]
  /** Base body: the one that carries the free joint. */
  readonly baseBody: number;
  /** Base height above the floor in the default pose, feet on the floor (m). */
  readonly standingHeight_m: number;
  readonly totalMass_kg: number;
  /** Foot bodies, left before right. */
  readonly feet: readonly number[];
  /** Canonical keypoint (pelvis, left_knee, left_foot, left_hand, ...) to body and offset in the body frame (m). */
  readonly keypoints: Readonly<Record<string, { readonly body: number; readonly offset_m: readonly number[] }>>;
}

/** What an episode or a checkpoint remembers of its robot, enough to check that two belong together. */
export interface RobotIdentity {
  readonly name: string;
  readonly hash: string;
  readonly jointNames: readonly string[];
}

export function identityOf(robot: RobotModel): RobotIdentity {
  return { name: robot.name, hash: robot.hash, jointNames: robot.jointNames };
}
