// What a training run leaves in its folder: a line in metrics.jsonl, mirrored to TensorBoard, and checkpoints.

import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeCheckpoint } from './checkpoint.js';
import type { MetricsLine, ModalityErrors } from './metrics.js';
import type { ScalarWriter } from './tensorboard.js';
import type { TrainRecord } from './trainer.js';

/** The record of a run in its folder. @param events is closed by its owner */
export function folderRecord(run: string, events: ScalarWriter): TrainRecord {
  return {
    metrics: (line, time_s) => writeMetrics(run, line, events, time_s),
    checkpoint: async (info, state) => void (await writeCheckpoint(run, info, state)),
  };
}

/** Appends a line to metrics.jsonl and its numbers to the event file. */
function writeMetrics(run: string, line: MetricsLine, events: ScalarWriter, wallTime_s: number): void {
  appendFileSync(join(run, 'metrics.jsonl'), `${JSON.stringify(line)}\n`);
  const scalars: Record<string, number> = { [`${line.split}/loss`]: line.loss };
  const add = (prefix: string, errors: ModalityErrors) => {
    for (const [modality, value] of Object.entries(errors)) scalars[`${prefix}/${modality}`] = value as number;
  };
  add(line.split, line.modalities);
  for (const [source, errors] of Object.entries(line.sources)) add(`${line.split}/${source}`, errors);
  for (const key of ['learningRate', 'gradientNorm', 'stepsPerSecond'] as const) {
    const value = line[key];
    if (value !== undefined) scalars[`train/${key}`] = value;
  }
  events.write(line.step, wallTime_s, scalars);
}
