// What an evaluation needs to know of a policy's training, from its provenance and the datasets that this names: the
// teacher, the commands it was made for, which episodes were held out, and how commands were labelled.
//
// All of it may be missing (a bundle far from its data); then flags say it, or it is left out with a note.

import { join } from 'node:path';
import { z } from 'zod';
import { isPresent } from '../base/files.js';
import { type Dataset, openDatasets } from '../dataset/dataset.js';
import { MANIFEST_FILE } from '../dataset/manifest.js';
import type { CommandResponse } from '../motion/command-response.js';
import type { CommandRange } from '../policy/controller.js';
import type { CommandLabel } from '../train/prepare.js';
import { trainConfigSchema } from '../train/train-config.js';

export interface TrainingFacts {
  /** Dataset folders that are still there. */
  readonly folders: readonly string[];
  readonly validationShare: number;
  readonly command: CommandLabel;
  readonly hindsightWindow_s: number;
  readonly hindsightTransient_s: number;
  /** Fitted responses to commands by source, where labels were calibrated by them. */
  readonly responses: Readonly<Record<string, CommandResponse>>;
  readonly teacher?: string;
  readonly commandRange?: CommandRange;
}

const interval = z.tuple([z.number(), z.number()]);
const rangeSchema = z.object({ vx_mps: interval, vy_mps: interval, wz_radps: interval });

const responsesSchema = z.record(z.string(), z.array(z.array(z.number()).length(7)));

/** Facts in a bundle's provenance. */
const provenanceSchema = z.object({
  config: trainConfigSchema.optional().catch(undefined),
  data: z
    .object({
      folders: z.array(z.string()).optional(),
      report: z
        .object({ responses: responsesSchema.optional().catch(undefined) })
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
  teacher: z.string().optional().catch(undefined),
  commandRange: rangeSchema.optional().catch(undefined),
});

/** Facts in the options of a recorded episode. */
const recordedSchema = z.object({ ranges: rangeSchema.optional().catch(undefined) });

/** @param dataFolders where the training's data is now, where that is known better than the provenance says */
export async function readTrainingFacts(
  provenance: Readonly<Record<string, unknown>>,
  dataFolders?: readonly string[],
): Promise<TrainingFacts> {
  const { config, data, teacher, commandRange } = provenanceSchema.parse(provenance);
  const defaults = trainConfigSchema.parse({}).data;
  const { validationShare, command, hindsightWindow_s, hindsightTransient_s } = config?.data ?? defaults;
  const named = dataFolders ?? data?.folders ?? config?.data.folders ?? [];
  const folders: string[] = [];
  for (const folder of named) if (await isPresent(join(folder, MANIFEST_FILE))) folders.push(folder);
  const recorded = teacher !== undefined && commandRange !== undefined ? {} : await readRecorded(folders);
  return {
    folders,
    validationShare,
    command,
    hindsightWindow_s,
    hindsightTransient_s,
    responses: data?.report?.responses ?? {},
    teacher: teacher ?? recorded.teacher,
    commandRange: commandRange ?? recorded.commandRange,
  };
}

/** Controller and commands of the first recorded episode. */
async function readRecorded(folders: readonly string[]): Promise<Pick<TrainingFacts, 'teacher' | 'commandRange'>> {
  if (folders.length === 0) return {};
  const dataset = await openDatasets(folders);
  try {
    const episode = await firstRollout(dataset);
    if (episode === undefined) return {};
    const { ranges } = recordedSchema.parse(episode.provenance.options);
    // Only a recorder of ours writes ranges; then the input is the controller's name.
    return ranges === undefined ? {} : { teacher: episode.provenance.input, commandRange: ranges };
  } finally {
    dataset.close();
  }
}

async function firstRollout(dataset: Dataset) {
  const info = dataset.episodes.find(({ kind, channels }) => kind === 'rollout' && channels.has('executedAction'));
  return info && dataset.readEpisode(info.index);
}
