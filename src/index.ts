// The library's public surface: what the command line is made of.

export { DataError, FindingsError, isUserError } from './base/errors.js';
export { type Dataset, openDataset, openDatasets } from './dataset/dataset.js';
export { DatasetWriter } from './dataset/dataset-writer.js';
export { type ExportOptions, type ExportReport, exportPolicy } from './export/export-policy.js';
export { gradients } from './graph/gradient.js';
export type { Graph, Value } from './graph/graph.js';
export { GraphBuilder } from './graph/graph-builder.js';
export { type ModelConfig, modelConfigSchema } from './model/model-config.js';
export { transformer } from './model/transformer.js';
export type { Channel, ChannelName, Episode } from './motion/episode.js';
export { decodeBundle, encodeBundle, type PolicyBundle } from './policy/bundle.js';
export type { Controller, RobotState } from './policy/controller.js';
export { openOnnxPolicy } from './policy/onnx-policy.js';
export { createPolicyController, policyController } from './policy/policy-controller.js';
export type { RobotModel } from './robot/robot-model.js';
export { onnxRuntime } from './runtime/onnx.js';
export { referenceRuntime } from './runtime/reference.js';
export type { Program, Runtime } from './runtime/runtime.js';
export { loadPolicyController } from './sim/load-policy.js';
export { readBundle } from './sim/read-bundle.js';
export type { Normaliser } from './tokens/normaliser.js';
export { createTokenSpec, type TokenSpec, tokenConfigSchema } from './tokens/token-spec.js';
export { memorySource, type WindowSource } from './tokens/window-source.js';
export { resumeTraining, startTraining } from './train/run-training.js';
export { type TrainConfig, trainConfigSchema } from './train/train-config.js';
