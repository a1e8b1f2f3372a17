// Human motion reconstructed from video, and AMASS, to HumanMotion: one for each person, shot and unbroken piece.
//
// The container is recognised by content (npz, pickle, joblib, torch, npy of an object, JSON of joint positions), the
// producer by its keys. See smpl-producers.ts for what each producer has, smpl-repair.ts for what is mended.

import { existsSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { z } from 'zod';
import { parseConfig } from '../../src/base/config.js';
import { DataError } from '../../src/base/errors.js';
import { openForReading, sha256OfFile } from '../../src/base/files.js';
import { TOOL } from '../../src/base/version.js';
import type { Finding, Provenance } from '../../src/motion/episode.js';
import type { HumanMotion } from '../../src/motion/human-motion.js';
import { canonicalMotion } from '../../src/retarget/canonical-motion.js';
import { measureSchema } from '../../src/retarget/measure.js';
import { findRig, type Rig } from '../../src/retarget/rig.js';
import { chooseRigs } from '../../src/retarget/rig-files.js';
import { overriddenRate } from './frame-rate.js';
import { keypointPieces } from './joint-pieces.js';
import { hasJointPositions, type JointPositions, readJointsJson, readJointsNpz } from './joint-positions.js';
import { NpzFile } from './npz.js';
import { readObjectFile } from './object-file.js';
import { readRest } from './rest-joints.js';
import { bodyMotion } from './smpl-motion.js';
import { type Dictionary, isBodyFile, readBodyFile } from './smpl-producers.js';
import { repairTracks } from './smpl-repair.js';
import type { BodyFile } from './smpl-tracks.js';

export const videoMotionSchema = measureSchema.omit({ floor: true }).extend({
  /** Frame rate of the video (Hz): needed where the file has none, and used instead of the file's where given. */
  rate_hz: z.number().positive().optional(),
  /** One floor for the whole clip, or one that follows drifting feet. Default: level for AMASS, follow for video. */
  floor: z.enum(['level', 'follow']).optional(),
  /** Rig for files of joint positions; default: recognised from joint names. */
  rig: z.string().min(1).optional(),
  /** Longest gap that is filled in (s), and shortest piece that is kept (s). */
  maximumGap_s: z.number().min(0).default(0.25),
  minimumPiece_s: z.number().min(0).default(0.5),
  /** Cutoff for noisy tracks (Hz), 0 for no filter. 6 Hz is customary for gait. */
  cutoff_hz: z.number().min(0).default(6),
  /** TRAM's camera.npy; default: the one beside the file or in the folder above. */
  camera: z.string().min(1).optional(),
  /** Rest joints (22 or more, 3) of a body model of one's own: npz with `joints`, npy, JSON or pickle. */
  rest: z.string().min(1).optional(),
});
export type VideoMotionOptions = z.input<typeof videoMotionSchema>;
type Settings = z.output<typeof videoMotionSchema>;

export interface VideoMotions {
  /** WHAM, GVHMR, ..., or `joint positions`. */
  readonly producer: string;
  readonly motions: readonly HumanMotion[];
  /** What concerns no single motion: cuts, exchanges, dropped pieces. */
  readonly findings: readonly Finding[];
}

/** @throws DataError or FindingsError where the file is refused */
export async function readVideoMotions(path: string, options: VideoMotionOptions = {}): Promise<VideoMotions> {
  const settings = parseConfig(videoMotionSchema, options, path);
  const provenance: Provenance = {
    input: basename(path),
    sha256: await sha256OfFile(path),
    tool: TOOL,
    options: { ...options },
  };
  const content = await readContent(path, settings);
  const result =
    'tracks' in content
      ? await readBodies(content, path, settings, provenance)
      : await readPositions(content, path, settings, provenance);
  if (result.motions.length === 0) {
    const found = result.findings.map(({ message }) => message).join('; ') || 'nobody';
    throw new DataError({
      where: path,
      what: 'people',
      expected: `some for ${settings.minimumPiece_s} s or longer`,
      found,
    });
  }
  return result;
}

async function readContent(path: string, settings: Settings): Promise<BodyFile | JointPositions> {
  if (extname(path).toLowerCase() === '.json') return readJointsJson(path);
  if (await isZip(path)) {
    const npz = await NpzFile.open(path);
    try {
      if (hasJointPositions(npz)) return await readJointsNpz(npz);
      if (npz.names.length > 0) return readBodyFile(await npzDictionary(npz), { where: path });
    } finally {
      await npz.close();
    }
  }
  const { value } = await readObjectFile(path);
  const camera = isBodyFile(value) ? await readCamera(path, settings.camera) : undefined;
  return readBodyFile(value, { where: path, camera });
}

const NPZ_KEYS = new Set([
  'poses',
  'trans',
  'root_orient',
  'pose_body',
  'mocap_framerate',
  'mocap_frame_rate',
  'fps',
  'framerate',
  'smpl_poses',
  'smpl_trans',
  'smpl_scaling',
]);

/** The arrays of an npz that motions are made of; others (markers, labels, dynamics) are not even unpacked. */
async function npzDictionary(npz: NpzFile): Promise<Dictionary> {
  const dictionary = new Map<unknown, unknown>(npz.names.map((name) => [name, null]));
  for (const name of npz.names.filter((known) => NPZ_KEYS.has(known))) {
    const { shape, numbers } = await npz.read(name);
    if (numbers !== undefined) dictionary.set(name, { shape, values: numbers });
  }
  return dictionary;
}

async function readCamera(path: string, given: string | undefined): Promise<Dictionary | undefined> {
  const places =
    given === undefined ? [dirname(path), dirname(dirname(path))].map((folder) => join(folder, 'camera.npy')) : [given];
  const file = given ?? places.find((place) => existsSync(place));
  if (file === undefined) return undefined;
  const { value } = await readObjectFile(file);
  if (value instanceof Map) return value;
  throw new DataError({ where: file, what: 'camera', expected: 'a dictionary', found: typeof value });
}

function requireRate(fromFile: number | undefined, settings: Settings, path: string): number {
  const rate = settings.rate_hz ?? fromFile;
  if (rate !== undefined) return rate;
  throw new DataError({
    where: path,
    what: 'frame rate',
    expected: 'in the file, or given',
    found: 'neither',
    fix: "Give the video's frame rate, for instance --fps 30",
  });
}

async function readBodies(
  file: BodyFile,
  path: string,
  settings: Settings,
  provenance: Provenance,
): Promise<VideoMotions> {
  const rate_hz = requireRate(file.rate_hz, settings, path);
  const rest = settings.rest === undefined ? undefined : await readRest(settings.rest);
  const rig = (await chooseRigs('smpl'))[0];
  const { pieces, findings } = repairTracks(file.tracks, { ...settings, rate_hz });
  const stem = basename(path, extname(path));
  const shots = new Set(file.tracks.map(({ shot }) => shot)).size;
  const motions = pieces.map((piece) => {
    const { person, shot, frames } = piece.track;
    const alone = pieces.length === 1;
    const id = [
      stem,
      alone ? '' : `person-${person}`,
      shots > 1 ? `shot-${shot}` : '',
      alone ? '' : `frame-${frames[0]}`,
    ];
    return bodyMotion(
      piece,
      file,
      { ...settings, rate_hz, rest },
      {
        id: id.filter((part) => part !== '').join('-'),
        where: `${path}: person ${person}`,
        provenance: {
          ...provenance,
          options: { ...provenance.options, producer: file.producer, person, shot, firstFrame: frames[0] },
        },
        rig,
      },
    );
  });
  const notes = file.notes.map((message): Finding => ({ kind: 'producer', severity: 'info', message }));
  if (settings.rate_hz === undefined && file.rateSource !== undefined) {
    notes.push({ kind: 'frame-rate', severity: 'info', message: `${rate_hz} Hz: ${file.rateSource}` });
  }
  if (settings.rate_hz !== undefined) notes.push(...overriddenRate(settings.rate_hz, file.rate_hz));
  return { producer: file.producer, motions, findings: [...notes, ...findings] };
}

async function readPositions(
  file: JointPositions,
  path: string,
  settings: Settings,
  provenance: Provenance,
): Promise<VideoMotions> {
  const rate_hz = requireRate(file.rate_hz, settings, path);
  const rigs: readonly Rig[] = await chooseRigs(settings.rig);
  const match = findRig(rigs, file.joints, undefined, path);
  const stem = basename(path, extname(path));
  const motions: HumanMotion[] = [];
  const findings: Finding[] = settings.rate_hz === undefined ? [] : overriddenRate(settings.rate_hz, file.rate_hz);
  for (const { id: person, positions } of file.people) {
    const result = keypointPieces(positions, file.joints.length, match, { ...settings, rate_hz });
    findings.push(
      ...result.findings.map((finding) => ({ ...finding, message: `person ${person}: ${finding.message}` })),
    );
    for (const { track, firstFrame, findings: found } of result.pieces) {
      const alone = file.people.length === 1 && result.pieces.length === 1;
      motions.push(
        canonicalMotion(
          track,
          match,
          {
            id: alone ? stem : `${stem}-person-${person}-frame-${firstFrame}`,
            kind: 'video',
            where: `${path}: person ${person}`,
            jointNames: file.joints,
            provenance: { ...provenance, options: { ...provenance.options, person, firstFrame } },
            findings: found,
          },
          {
            unit: settings.unit ?? file.unit,
            up: settings.up ?? file.up,
            height_m: settings.height_m,
            floor_m: settings.floor_m,
            floor: settings.floor ?? 'follow',
          },
        ),
      );
    }
  }
  return { producer: 'joint positions', motions, findings };
}

async function isZip(path: string): Promise<boolean> {
  const handle = await openForReading(path);
  try {
    const head = new Uint8Array(4);
    await handle.read(head, 0, 4, 0);
    return head[0] === 0x50 && head[1] === 0x4b;
  } finally {
    await handle.close();
  }
}
