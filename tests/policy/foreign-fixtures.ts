// A robot of named joints and its state, and a network that needs no file, for the tests of foreign policies.

import type { RobotState } from '../../src/policy/controller.js';
import type { OnnxModule, OnnxSession, OnnxTensor, OnnxValueMetadata } from '../../src/policy/foreign-session.js';
import type { RobotModel } from '../../src/robot/robot-model.js';
import { TINY_ROBOT } from '../fixtures.js';

export function robotOf(jointNames: readonly string[], change: Partial<RobotModel> = {}): RobotModel {
  const each = (value: number) => jointNames.map(() => value);
  return {
    ...TINY_ROBOT,
    name: 'test',
    jointNames,
    jointIndices: jointNames.map((_, joint) => joint),
    lower_rad: each(-3),
    upper_rad: each(3),
    velocityLimit_radps: each(20),
    torqueLimit_Nm: each(50),
    defaultPosition_rad: each(0),
    stiffness_Nmprad: each(100),
    damping_Nmsprad: each(2),
    armature_kgm2: each(0.01),
    ...change,
  };
}

export function stateOf(jointCount: number, change: Partial<RobotState> = {}): RobotState {
  return {
    time_s: 0,
    basePosition_m: new Float64Array(3),
    baseQuaternion: Float64Array.of(1, 0, 0, 0),
    baseAngularVelocity_radps: new Float64Array(3),
    baseLinearVelocity_mps: new Float64Array(3),
    projectedGravity: Float64Array.of(0, 0, -1),
    jointPosition_rad: new Float64Array(jointCount),
    jointVelocity_radps: new Float64Array(jointCount),
    torque_Nm: new Float64Array(jointCount),
    footContact: new Float64Array(2),
    sensors: {},
    ...change,
  };
}

/** An ONNX module whose network is a function of one row; it counts calls and may hand back buffers of its own. */
export function fakeOnnx(
  inputShape: readonly (number | string)[],
  outputShape: readonly (number | string)[],
  network: (row: Float32Array) => readonly number[],
  ownBuffers = false,
): OnnxModule & { calls: number } {
  const value = (name: string, shape: readonly (number | string)[]): OnnxValueMetadata => {
    return { name, isTensor: true, type: 'float32', shape };
  };
  const inputSize = Number(inputShape[1]);
  class Tensor implements OnnxTensor {
    readonly data: Float32Array;
    constructor(_type: 'float32', data: Float32Array) {
      this.data = data;
    }
  }
  const module = {
    calls: 0,
    Tensor,
    InferenceSession: {
      create: async (): Promise<OnnxSession> => ({
        inputMetadata: [value('obs', inputShape)],
        outputMetadata: [value('act', outputShape)],
        run: async (feeds, fetches) => {
          module.calls++;
          const input = feeds.obs.data as Float32Array;
          const rows: number[] = [];
          for (let at = 0; at < input.length; at += inputSize)
            rows.push(...network(input.subarray(at, at + inputSize)));
          if (ownBuffers) return { act: { data: Float32Array.from(rows) } };
          (fetches.act.data as Float32Array).set(rows);
          return fetches;
        },
        release: async () => {},
      }),
    },
  };
  return module;
}
