// Rigs: which joints of a motion file are which keypoints, as data, and finding the rig that fits a file's joint names.
//
// Names are compared without namespace or common prefix, case, spaces and punctuation. A rig fits when it names every
// required keypoint; of several, the one that names most keypoints and expects the zero pose that the file has.

import { z } from 'zod';
import { DataError } from '../base/errors.js';
import { HUMAN_KEYPOINTS, type HumanKeypoint, REQUIRED_KEYPOINTS } from '../motion/human-motion.js';

const axis = z.enum(['+x', '-x', '+y', '-y', '+z', '-z']);
export type Axis = z.output<typeof axis>;

const joint = z.union([
  z.string().min(1),
  z.array(z.string().min(1)).min(1),
  z.strictObject({ between: z.tuple([z.string().min(1), z.string().min(1)]) }),
]);

/** A rig file, configs/retarget/rigs/*.yaml. */
export const rigSchema = z.strictObject({
  name: z.string().min(1),
  about: z.string().default(''),
  /** Joint of each keypoint: a name, names of which the first that exists is taken, or the middle between two. */
  keypoints: z.partialRecord(z.enum(HUMAN_KEYPOINTS), joint),
  /** What the skeleton looks like when every rotation is zero: a person standing, or something with no meaning. */
  zeroPose: z.enum(['standing', 'other']).default('standing'),
  /** For zero poses with no meaning: which local axes of a keypoint's joint point forward and up in a standing person. */
  frames: z.partialRecord(z.enum(HUMAN_KEYPOINTS), z.strictObject({ forward: axis, up: axis })).default({}),
});
export type Rig = z.output<typeof rigSchema>;

export interface RigMatch {
  readonly rig: Rig;
  readonly keypoints: readonly HumanKeypoint[];
  /** One joint for each keypoint, or the two whose middle it is. */
  readonly joints: readonly (readonly number[])[];
}

/** Names as they are compared: `mixamorig:Left_UpLeg` and `left up leg` are both `leftupleg`. */
export function plainNames(names: readonly string[]): string[] {
  const withoutSpace = names.map((name) => name.slice(name.lastIndexOf(':') + 1).trim());
  const prefix = commonPrefix(withoutSpace);
  return withoutSpace.map((name) => plain(name.slice(prefix.length)));
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}/]/gu, '');
}

/** What all names begin with, up to and including a separator: `Model_` of `Model_Hips`, `Model_Spine`. */
function commonPrefix(names: readonly string[]): string {
  if (names.length < 2) return '';
  const [first, ...others] = names;
  let length = 0;
  while (length < first.length && others.every((name) => name[length] === first[length])) length++;
  return /^.*[_\s.-]/.exec(first.slice(0, length))?.[0] ?? '';
}

/** The joints of a rig among `names`, and the required keypoints that it does not find. */
export function matchRig(
  rig: Rig,
  names: readonly string[],
): RigMatch & { readonly missing: readonly HumanKeypoint[] } {
  const indices = new Map<string, number>();
  // As they are compared first; a rig file may also have them as they stand in the file, prefix and all.
  for (const list of [plainNames(names), names.map(plain)]) {
    for (const [index, name] of list.entries()) if (!indices.has(name)) indices.set(name, index);
  }
  const find = (name: string) => indices.get(plain(name));
  const keypoints: HumanKeypoint[] = [];
  const joints: number[][] = [];
  for (const keypoint of HUMAN_KEYPOINTS) {
    const named = rig.keypoints[keypoint];
    if (named === undefined) continue;
    const wanted = typeof named === 'object' && 'between' in named ? named.between : undefined;
    const alternatives = typeof named === 'string' ? [named] : Array.isArray(named) ? named : [];
    const found = (wanted ?? [alternatives.find((name) => find(name) !== undefined) ?? '']).map(find);
    if (found.some((index) => index === undefined)) continue;
    keypoints.push(keypoint);
    joints.push(found as number[]);
  }
  const missing = REQUIRED_KEYPOINTS.filter((keypoint) => !keypoints.includes(keypoint));
  return { rig, keypoints, joints, missing };
}

/**
 * The rig that fits.
 * @param standing whether the zero pose of the file is a standing person; undefined for positions without a zero pose
 * @param where file, for messages
 * @throws DataError listing the joints and giving a template to fill in, where no rig fits
 */
export function findRig(
  rigs: readonly Rig[],
  names: readonly string[],
  standing: ((match: RigMatch) => boolean) | undefined,
  where: string,
): RigMatch {
  const fitting = rigs
    .map((rig) => matchRig(rig, names))
    .filter(({ missing }) => missing.length === 0)
    .map((match) => {
      const agrees = standing === undefined || standing(match) === (match.rig.zeroPose === 'standing');
      return { match, score: (agrees ? 1000 : 0) + match.keypoints.length };
    })
    .sort((a, b) => b.score - a.score);
  if (fitting.length === 0) throw unknownRig(rigs, names, where);
  return fitting[0].match;
}

function unknownRig(rigs: readonly Rig[], names: readonly string[], where: string): DataError {
  const nearest = rigs
    .map((rig) => matchRig(rig, names))
    .sort((a, b) => a.missing.length - b.missing.length || b.keypoints.length - a.keypoints.length)[0];
  const closest =
    nearest === undefined || nearest.missing.length > 6
      ? ''
      : ` The closest is ${nearest.rig.name}, which does not find ${nearest.missing.join(', ')}.`;
  return new DataError({
    where,
    what: 'skeleton',
    expected: `joints of a known rig (${rigs.map(({ name }) => name).join(', ')})`,
    found: `${names.length} joints: ${names.join(', ')}`,
    fix: `${closest} Fill in this template, save it and give it with --rig FILE.yaml:\n${rigTemplate(names, nearest)}`.trim(),
  });
}

/** A rig file with the guesses that names allow, to be completed by hand. */
export function rigTemplate(names: readonly string[], nearest?: RigMatch): string {
  const lines = HUMAN_KEYPOINTS.map((keypoint) => {
    const known = nearest?.joints[nearest.keypoints.indexOf(keypoint)];
    const guess = known?.length === 1 ? names[known[0]] : undefined;
    const isRequired = (REQUIRED_KEYPOINTS as readonly string[]).includes(keypoint);
    if (guess !== undefined) return `  ${keypoint}: ${JSON.stringify(guess)}`;
    return isRequired ? `  ${keypoint}: "?"` : `  # ${keypoint}: "?"`;
  });
  return ['name: my-rig', 'keypoints:', ...lines, 'zeroPose: standing # or other, with frames'].join('\n');
}
