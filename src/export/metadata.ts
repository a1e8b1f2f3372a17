// What a consumer of policy.onnx has to know beside the numbers, as the file's own metadata: names, pose, gains, rate.
//
// Keys that other exporters of walking policies write too (mjlab, rsl_rl) have their names and form: lists are
// separated by commas, numbers in full precision. The rest says what only this policy needs.

import { TOOL } from '../base/version.js';
import { BUNDLE_FILES, commandRangeOf, encodeBundle, type PolicyBundle } from '../policy/bundle.js';
import { WEIGHTS_KEY } from '../policy/onnx-policy.js';
import { sha256 } from '../robot/sha256.js';
import { entryNames } from '../tokens/token-spec.js';

const COMMANDS = ['vx_mps', 'vy_mps', 'wz_radps'] as const;

/** Key and text of every entry of metadata_props. */
export function policyMetadata(bundle: PolicyBundle, batch: number): Record<string, string> {
  const { robot, tokens, model, normaliser } = bundle;
  const range = commandRangeOf(bundle);
  const list = (values: readonly (string | number)[]) => values.join(',');
  return {
    // As other exporters have them.
    joint_names: list(robot.jointNames),
    joint_stiffness: list(robot.stiffness_Nmprad),
    joint_damping: list(robot.damping_Nmsprad),
    default_joint_pos: list(robot.defaultPosition_rad),
    action_scale: list(robot.jointNames.map(() => 1)),
    observation_names: list(tokens.channels.map(({ name }) => name)),
    command_names: list(COMMANDS),
    // The rest of the robot.
    robot: robot.name,
    robot_hash: robot.hash,
    pd_mode: robot.pdMode,
    joint_armature: list(robot.armature_kgm2),
    joint_lower: list(robot.lower_rad),
    joint_upper: list(robot.upper_rad),
    joint_torque_limit: list(robot.torqueLimit_Nm),
    physics_timestep_s: String(robot.control.physicsTimestep_s),
    // What goes in and comes out.
    rate_hz: String(tokens.rate_hz),
    batch: String(batch),
    context: String(tokens.context),
    layout: tokens.layout,
    pairing: tokens.pairing,
    alignment: tokens.alignment,
    window: 'oldest step first; steps at positions 0..newest; what lies behind newest has no influence',
    action: 'joint position target minus default_joint_pos (rad), in the order of joint_names',
    observation_widths: list(tokens.channels.map(({ width }) => width)),
    observation_entries: list(entryNames(tokens, robot).slice(0, tokens.observationWidth)),
    ...(range === undefined
      ? {}
      : {
          command_lower: list(COMMANDS.map((axis) => range[axis][0])),
          command_upper: list(COMMANDS.map((axis) => range[axis][1])),
        }),
    // The normaliser is inside; these are for reading only.
    normaliser: `inside; ${model.inputNorm}; mean and deviation of the training split, floors in physical units`,
    normaliser_mean: list(normaliser.mean),
    normaliser_deviation: list(normaliser.deviation),
    // Where it comes from.
    policy: bundle.name,
    tool: TOOL,
    [WEIGHTS_KEY]: sha256(encodeBundle(bundle)[BUNDLE_FILES.weights]),
    provenance: JSON.stringify(bundle.provenance),
  };
}
