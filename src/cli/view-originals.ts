// The people behind retargeted episodes, for the viewer: read anew from the files that a dataset was ingested from.
//
// A dataset keeps the robot's motion and where it came from, not the person's. With the folder of the source files at
// hand (`--originals`), an episode's file is found by its name and SHA-256, read with the options that the shard
// remembers, and laid out in the robot's size as retargeting did.

import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { bvhMotionSchema, readBvhMotions } from '../../ingest/readers/bvh-motion.js';
import { readVideoMotions, videoMotionSchema } from '../../ingest/readers/video-motion.js';
import { parseConfig } from '../base/config.js';
import { DataError, isUserError } from '../base/errors.js';
import { sha256OfFile } from '../base/files.js';
import type { Logger } from '../base/logger.js';
import type { ShardContent } from '../dataset/schema.js';
import { readShardInfo, type ShardInfo } from '../dataset/shard-file.js';
import type { HumanMotion } from '../motion/human-motion.js';
import { planRetarget, retargetSchema } from '../retarget/retarget-config.js';
import { clipProblem, createRetargeter } from '../retarget/retarget-problem.js';
import { resampleHuman } from '../retarget/retarget-resample.js';
import { LAID_OUT, scaleMotion } from '../retarget/scale.js';
import { robotFromJson } from '../robot/robot-json.js';
import { POSITION_UNIT_M, type SourceSkeleton, skeletonFile } from '../viewer/scene/source-skeleton.js';
import type { GivenItem } from '../viewer/server/items.js';

type ShardEpisode = ShardContent['episodes'][number];
type Provenance = ShardContent['provenances'][number];

/** Bones between the keypoints that are laid out. */
const BONES: readonly (readonly [(typeof LAID_OUT)[number], (typeof LAID_OUT)[number]])[] = [
  ['pelvis', 'torso'],
  ['torso', 'head'],
  ...(['left', 'right'] as const).flatMap(
    (side) =>
      [
        ['pelvis', `${side}_hip`],
        [`${side}_hip`, `${side}_knee`],
        [`${side}_knee`, `${side}_foot`],
        ['torso', `${side}_shoulder`],
        [`${side}_shoulder`, `${side}_elbow`],
        [`${side}_elbow`, `${side}_hand`],
      ] as const,
  ),
];

/**
 * Gives datasets a skeleton file for each episode of human motion whose source file is in the folder.
 * @throws DataError where the folder cannot be read
 */
export async function addOriginals(items: readonly GivenItem[], folder: string, log: Logger): Promise<void> {
  const files = await filesByName(folder);
  const digests = new Map<string, Promise<string>>();
  const digestOf = (path: string) => {
    const known = digests.get(path) ?? sha256OfFile(path);
    digests.set(path, known);
    return known;
  };
  const missing = new Set<string>();
  for (const item of items) {
    if (item.kind !== 'dataset') continue;
    let index = 0;
    for (const path of await shardPaths(item)) {
      const info = readShardInfo(path);
      for (const episode of info.content.episodes) {
        const provenance = info.content.provenances[episode.provenance];
        const at = index++;
        if (episode.kind !== 'bvh' && episode.kind !== 'video') continue;
        const candidates = files.get(provenance.input) ?? [];
        if (candidates.length === 0) missing.add(provenance.input);
        else item.made.set(skeletonFile(at), () => makeSkeleton(info, episode, provenance, candidates, digestOf, log));
      }
    }
  }
  for (const name of missing) log.warn(`${folder}: ${name} is not there: its episodes are shown without the person`);
}

async function filesByName(folder: string): Promise<Map<string, string[]>> {
  const files = new Map<string, string[]>();
  try {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      files.set(entry.name, [...(files.get(entry.name) ?? []), join(entry.parentPath, entry.name)]);
    }
  } catch (error) {
    const found = (error as NodeJS.ErrnoException).code;
    throw new DataError({ where: `--originals ${folder}`, what: 'folder cannot be read', found }, { cause: error });
  }
  return files;
}

/** Shards in the manifest's order, which is that of their names. */
async function shardPaths({ folder, only }: GivenItem): Promise<string[]> {
  const names = only ?? (await readdir(folder)).filter((name) => name.endsWith('.arrow'));
  return [...names].sort().map((name) => join(folder, name));
}

async function makeSkeleton(
  info: ShardInfo,
  episode: ShardEpisode,
  provenance: Provenance,
  candidates: readonly string[],
  digestOf: (path: string) => Promise<string>,
  log: Logger,
): Promise<Uint8Array | undefined> {
  try {
    for (const path of candidates) {
      if ((await digestOf(path)) !== provenance.sha256) continue;
      const motion = await findMotion(path, episode, provenance);
      if (motion === undefined) continue;
      return new TextEncoder().encode(JSON.stringify(layOut(info, episode, provenance, motion)));
    }
    log.warn(
      `${basename(candidates[0])} is not the file that ${episode.id} was made from (SHA-256): no person is shown`,
    );
  } catch (error) {
    if (!isUserError(error)) throw error;
    log.warn(`${episode.id} is shown without the person: ${error.message}`);
  }
  return undefined;
}

/** The motion of a file that an episode was made from: its name is part of the episode's. */
async function findMotion(path: string, { id, kind, source }: ShardEpisode, { options }: Provenance) {
  const isIt = (motion: HumanMotion) => id.startsWith(`${source}/${motion.id}-`);
  if (kind === 'bvh') {
    const reader = parseConfig(bvhMotionSchema, known(bvhMotionSchema.shape, options.reader), path);
    for await (const motion of readBvhMotions(path, reader)) if (isIt(motion)) return motion;
    return undefined;
  }
  const reader = parseConfig(videoMotionSchema, known(videoMotionSchema.shape, options.reader), path);
  return (await readVideoMotions(path, reader)).motions.find(isIt);
}

/** The reader's settings among what it noted of itself. */
function known(shape: Readonly<Record<string, unknown>>, noted: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(noted ?? {}).filter(([key]) => key in shape));
}

/** The person's keypoints in the robot's size, lowered on to the floor as the targets of retargeting were. */
function layOut(info: ShardInfo, episode: ShardEpisode, { options }: Provenance, motion: HumanMotion): SourceSkeleton {
  const robot = robotFromJson(JSON.parse(info.robotModelJson ?? 'null'), info.path);
  const config = parseConfig(retargetSchema, options.retarget, `${episode.id}: retarget`);
  const retargeter = createRetargeter(planRetarget(robot, config, info.path));
  const human = resampleHuman(motion, info.rate_hz);
  const { shift_m } = clipProblem(retargeter, human);
  const { positions_m } = scaleMotion(human, retargeter.model, retargeter.stance, config.scale);
  const width = LAID_OUT.length * 3;
  return {
    keypoints: LAID_OUT,
    robotKeypoints: LAID_OUT.map((name) => {
      const tracked = Object.entries(config.keypoints).find(
        ([own, { human: from, position_m }]) => (from ?? own) === name && position_m !== undefined,
      );
      return tracked?.[0] ?? null;
    }),
    bones: BONES.map(([from, to]) => [LAID_OUT.indexOf(from), LAID_OUT.indexOf(to)]),
    frameCount: human.frameCount,
    positions: Array.from(positions_m, (value, at) =>
      Math.round((at % 3 === 2 ? value - shift_m[Math.floor(at / width)] : value) / POSITION_UNIT_M),
    ),
  };
}
