// A policy under somebody's hand: one robot in physics, stepped once a control period. It knows no page and no worker.
//
// Environment, controller and recorder are those of the command line; here they meet a command that changes at any time,
// pushes, another ground, a payload. Calls must not overlap: await each.

import { commandRangeOf, type PolicyBundle } from '../../policy/bundle.js';
import type { CommandRange } from '../../policy/controller.js';
import { createPolicyController, type PolicyController } from '../../policy/policy-controller.js';
import type { RobotModel } from '../../robot/robot-model.js';
import type { Runtime } from '../../runtime/runtime.js';
import { Environment } from '../../sim/environment.js';
import type { LoadedRobot } from '../../sim/load-robot.js';
import { Engine } from '../../sim/mujoco.js';
import type { TerrainKind } from '../../sim/terrain.js';
import { createVelocityMean, headingVelocity, type Velocity } from './achieved-velocity.js';
import { CAUTIOUS_RANGE, clampCommand } from './command-input.js';
import { createDriveRecorder, type DriveRecorder } from './drive-recorder.js';
import { createExpectationReader } from './expectation.js';

export const SESSION_DEFAULTS = {
  /** Time over which a push gives its impulse (s). */
  push_s: 0.1,
  /** Mean of the achieved velocity (s): more than a gait cycle. */
  mean_s: 1,
  /** A robot that fell stands up again after this long (s). */
  restAfterFall_s: 2,
} as const;

export interface Push {
  /** Index in the robot's bodies, and the point of the push in that body's frame (m). */
  readonly body: number;
  readonly point_m: readonly [number, number, number];
  /** World frame (N s). */
  readonly impulse_Ns: readonly [number, number, number];
}

/** What there is to show after a step. The arrays are copies. */
export interface DriveFrame {
  /** Control steps since the reset, and since the session began. */
  readonly frame: number;
  readonly steps: number;
  readonly basePosition_m: Float32Array;
  readonly baseQuaternion: Float32Array;
  readonly jointPosition_rad: Float32Array;
  readonly footContact: Float32Array;
  /** vx (m/s), vy (m/s), wz (rad/s), as the policy was told. */
  readonly command: Readonly<Velocity>;
  readonly velocity: Readonly<Velocity>;
  readonly meanVelocity: Readonly<Velocity>;
  /** Where the model expected the robot to be now; absent for a model that foretells actions alone. */
  readonly ghost?: {
    readonly basePosition_m: Float32Array;
    readonly baseQuaternion: Float32Array;
    readonly jointPosition_rad: Float32Array;
  };
  /** Error of that expectation in units of the normaliser; 1 is as wrong as guessing the mean. */
  readonly surprise?: number;
  readonly fallen: boolean;
  readonly recordedFrames: number;
  /** Time of the policy and of physics in this step (ms). */
  readonly policy_ms: number;
  readonly physics_ms: number;
}

export interface DriveSessionOptions {
  readonly bundle: PolicyBundle;
  readonly loaded: LoadedRobot;
  readonly runtime: Runtime;
  /** Engine to simulate with; a new one where absent. */
  readonly engine?: Engine;
  readonly weightsSha256: string;
  /** A steady clock (ms), for the times of the parts of a step. */
  readonly now_ms: () => number;
}

export interface DriveSession {
  readonly robot: RobotModel;
  readonly rate_hz: number;
  readonly commandRange: CommandRange;
  /** True where the policy itself says what commands it was trained for. */
  readonly rangeIsKnown: boolean;
  readonly foretells: boolean;
  readonly recorder: DriveRecorder;
  /** One control step. @param command is cut to the range */
  step(command: ArrayLike<number>): Promise<DriveFrame>;
  /** Default pose at the origin, without history. */
  reset(): DriveFrame;
  push(push: Push): void;
  setTerrain(kind: TerrainKind): Promise<DriveFrame>;
  setPayload(payload_kg: number): void;
  dispose(): Promise<void>;
}

export async function createDriveSession(options: DriveSessionOptions): Promise<DriveSession> {
  const { bundle, loaded, runtime, now_ms } = options;
  const { robot } = loaded;
  const rate_hz = robot.control.rate_hz;
  const engine = options.engine ?? (await Engine.load());
  const controller: PolicyController = await createPolicyController(bundle, runtime);
  const reader = createExpectationReader(bundle);
  const recorder = createDriveRecorder(robot, rate_hz, { name: bundle.name, weightsSha256: options.weightsSha256 });
  const known = commandRangeOf(bundle);
  const commandRange = known ?? CAUTIOUS_RANGE;
  const mean = createVelocityMean(Math.round(SESSION_DEFAULTS.mean_s * rate_hz));
  const pushSteps = Math.max(1, Math.round(SESSION_DEFAULTS.push_s * rate_hz));
  const restSteps = Math.round(SESSION_DEFAULTS.restAfterFall_s * rate_hz);
  const slots = [0];
  const command = new Float64Array(3);
  const action = new Float64Array(robot.jointNames.length);

  let terrain: TerrainKind = 'flat';
  let payload_kg = 0;
  let environment = await Environment.create(loaded, { engine });
  let frame = 0;
  let steps = 0;
  let stepsFallen = 0;
  let pushing: { readonly push: Push; left: number } | undefined;

  const show = (times: { policy_ms: number; physics_ms: number }): DriveFrame => {
    const { state } = environment;
    const expected = frame === 0 ? undefined : controller.expectation(0);
    return {
      frame,
      steps,
      basePosition_m: Float32Array.from(state.basePosition_m),
      baseQuaternion: Float32Array.from(state.baseQuaternion),
      jointPosition_rad: Float32Array.from(state.jointPosition_rad),
      footContact: Float32Array.from(state.footContact),
      command: [command[0], command[1], command[2]],
      velocity: headingVelocity(state),
      meanVelocity: mean.mean(),
      ...(expected === undefined ? {} : { surprise: reader.surprise(expected, state) }),
      fallen: environment.fallen,
      recordedFrames: recorder.recording ? recorder.frames : 0,
      ...times,
    };
  };

  const reset = (): DriveFrame => {
    recorder.end(false);
    environment.reset({ randomisation: { payload_kg } });
    controller.reset(0);
    mean.reset();
    command.fill(0);
    pushing = undefined;
    stepsFallen = 0;
    frame = 0;
    return show({ policy_ms: 0, physics_ms: 0 });
  };

  /** Gives the push's impulse as a force over its steps, and takes it away after the last. */
  const applyPush = () => {
    if (pushing === undefined) return;
    const { push } = pushing;
    const force_N = push.impulse_Ns.map((part) => (pushing!.left > 0 ? (part * rate_hz) / pushSteps : 0));
    environment.applyForce(push.body, push.point_m, force_N);
    if (pushing.left-- <= 0) pushing = undefined;
  };

  return {
    robot,
    rate_hz,
    commandRange,
    rangeIsKnown: known !== undefined,
    foretells: bundle.tokens.targets === 'state+action' && bundle.tokens.pairing === 'previous' && reader.hasPose,
    recorder,
    async step(wanted) {
      if (stepsFallen > restSteps) reset();
      command.set(clampCommand(wanted, commandRange));
      const { state } = environment;
      const start_ms = now_ms();
      await controller.act(slots, [state], command, action);
      const decided_ms = now_ms();
      if (stepsFallen === 0) {
        const values = { state, observed: state, command, executedAction: action };
        recorder.step(frame, values, action, { terrain, payload_kg });
      }
      applyPush();
      const expected = controller.expectation(0);
      const ghost = expected !== undefined && reader.hasPose ? copyGhost(reader.pose(expected, state)) : undefined;
      const stepped_ms = now_ms();
      environment.step(action);
      const end_ms = now_ms();
      frame++;
      steps++;
      mean.add(headingVelocity(environment.state));
      if (environment.fallen && stepsFallen === 0) recorder.end(true);
      stepsFallen = environment.fallen || stepsFallen > 0 ? stepsFallen + 1 : 0;
      const shown = show({ policy_ms: decided_ms - start_ms, physics_ms: end_ms - stepped_ms });
      return ghost === undefined ? shown : { ...shown, ghost };
    },
    reset,
    push(push) {
      // A push ends one that is still under way, on whichever body that is.
      if (pushing !== undefined) environment.applyForce(pushing.push.body, pushing.push.point_m, [0, 0, 0]);
      pushing = { push, left: pushSteps };
      const size = Math.hypot(...push.impulse_Ns);
      recorder.note('push', `push of ${size.toFixed(1)} N s on ${robot.bodies[push.body].name}`);
    },
    async setTerrain(kind) {
      const next = await Environment.create(loaded, { engine, terrain: kind });
      recorder.end(false);
      environment.dispose();
      environment = next;
      terrain = kind;
      return reset();
    },
    setPayload(kilograms) {
      payload_kg = kilograms;
      environment.setDynamics({ payload_kg });
      recorder.note('payload', `payload of ${payload_kg} kg on the torso`);
    },
    async dispose() {
      environment.dispose();
      await controller.dispose();
    },
  };
}

type Ghost = NonNullable<DriveFrame['ghost']>;

function copyGhost({ basePosition_m, baseQuaternion, jointPosition_rad }: Record<keyof Ghost, Float64Array>): Ghost {
  return {
    basePosition_m: Float32Array.from(basePosition_m),
    baseQuaternion: Float32Array.from(baseQuaternion),
    jointPosition_rad: Float32Array.from(jointPosition_rad),
  };
}
