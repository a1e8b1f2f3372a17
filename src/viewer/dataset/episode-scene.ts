// An episode in the scene: the robot between two frames, its path and footprints, and what was asked of it as an arrow
// beside what it did.

import { yawOf } from '../../math/quaternion.js';
import type { Channel } from '../../motion/episode.js';
import type { Theme } from '../page.js';
import { createArrow, createFootprints, createPath, type Footprint, type PathMark } from '../scene/ground-marks.js';
import type { RobotDescription } from '../scene/robot-geometry.js';
import { createRobotView } from '../scene/robot-view.js';
import { createSkeletonView, type SkeletonView } from '../scene/skeleton-view.js';
import type { SourceSkeleton } from '../scene/source-skeleton.js';
import type { Stage } from '../scene/stage.js';
import { cssColour } from '../shell/theme.js';
import { headingVelocity } from './plot-series.js';
import type { EpisodeData } from './shard-reader.js';

/** Where the person behind a retargeted episode is drawn. */
export const PERSON_PLACES = ['over', 'beside', 'hidden'] as const;
export type PersonPlace = (typeof PERSON_PLACES)[number];
/** Beside the robot: so far to its left at the start (m). */
const BESIDE_M = 0.9;

export interface EpisodeScene {
  /** @param skeleton the person that the episode was made from, where that is known */
  show(data: EpisodeData, skeleton: SourceSkeleton | undefined): void;
  placePerson(place: PersonPlace): void;
  /** @param frame may lie between two */
  setFrame(frame: number): void;
  /** Puts the camera before the robot. */
  resetCamera(): void;
  setTheme(theme: Theme): void;
  dispose(): void;
}

const UPRIGHT = [1, 0, 0, 0];
const contactColours = () => [cssColour('--contact-left'), cssColour('--contact-right')];
const CONTACT = 0.5;

export function createEpisodeScene(stage: Stage, description: RobotDescription): EpisodeScene {
  const { robot } = description;
  const view = createRobotView(description);
  stage.add(view.object);
  const asked = createArrow(cssColour('--series-8'), 0.008);
  const achieved = createArrow(cssColour('--series-1'), 0.01);
  stage.add(asked.object);
  stage.add(achieved.object);
  const jointCount = robot.jointNames.length;
  const joints = new Float64Array(jointCount);
  const position = new Float64Array(3);
  const turn = new Float64Array(4);
  let marks: { path: PathMark; prints: ReturnType<typeof createFootprints> } | undefined;
  let shown: { data: EpisodeData; velocity?: Channel } | undefined;
  let person: SkeletonView | undefined;
  let personPlace: PersonPlace = 'over';
  let frame = 0;

  const placeAt = (at: number) => {
    if (shown === undefined) return;
    const { basePosition, baseQuaternion, jointPosition } = shown.data.channels;
    const before = Math.floor(at);
    const share = at - before;
    // Without a base the robot stands on the spot, at its standing height.
    for (let k = 0; k < 3; k++)
      position[k] = blend(basePosition, before, share, k, k === 2 ? robot.standingHeight_m : 0);
    blendTurn(baseQuaternion, before, share, turn);
    for (let joint = 0; joint < jointCount; joint++) {
      joints[joint] = blend(jointPosition, before, share, joint, robot.defaultPosition_rad[joint]);
    }
    view.setPose(position, turn, joints);
  };
  const placeArrows = () => {
    const whole = Math.round(frame);
    const heading = yawOf(turn, 0);
    const point = (arrow: typeof asked, channel: Channel | undefined) => {
      if (channel === undefined || channel.valid?.[whole] === 0) return arrow.hide();
      const x = channel.data[3 * whole];
      const y = channel.data[3 * whole + 1];
      arrow.set(position[0], position[1], heading + Math.atan2(y, x), Math.hypot(x, y));
    };
    point(asked, shown?.data.channels.command);
    point(achieved, shown?.velocity);
  };
  const placePerson = (place: PersonPlace) => {
    personPlace = place;
    if (person === undefined || shown === undefined) return;
    const turn0 = shown.data.channels.baseQuaternion;
    const yaw = turn0 === undefined ? 0 : yawOf(turn0.data, 0);
    const distance = place === 'beside' ? BESIDE_M : 0;
    person.object.visible = place !== 'hidden';
    person.object.position.set(-Math.sin(yaw) * distance, Math.cos(yaw) * distance, 0);
    stage.invalidate();
  };
  const showPerson = (skeleton: SourceSkeleton | undefined) => {
    person?.dispose();
    person = skeleton && createSkeletonView(skeleton, cssColour('--ghost'));
    if (person === undefined) return;
    stage.add(person.object);
    placePerson(personPlace);
  };
  const clearMarks = () => {
    marks?.path.dispose();
    marks?.prints?.dispose();
    marks = undefined;
  };
  const makeMarks = () => {
    clearMarks();
    const { basePosition, footContact } = shown!.data.channels;
    if (basePosition === undefined) return;
    const path = createPath(basePosition.data, cssColour('--series-1'));
    const prints = createFootprints(footContact === undefined ? [] : touchDowns(footContact));
    marks = { path, prints };
    stage.add(path.object);
    if (prints !== undefined) stage.add(prints.object);
  };
  const touchDowns = (contact: Channel): Footprint[] => {
    const prints: Footprint[] = [];
    const colours = contactColours();
    const { frames } = shown!.data.entry;
    for (let at = 1; at < frames; at++) {
      for (let foot = 0; foot < contact.width; foot++) {
        const now = contact.data[at * contact.width + foot];
        const was = contact.data[(at - 1) * contact.width + foot];
        if (contact.valid?.[at] === 0 || now < CONTACT || was >= CONTACT) continue;
        placeAt(at);
        const body = robot.feet[foot];
        const { position_m } = view.pose;
        prints.push({ x: position_m[3 * body], y: position_m[3 * body + 1], colour: colours[foot % 2] });
      }
    }
    return prints;
  };
  const contactsAt = (at: number): ArrayLike<number> | undefined => {
    const contact = shown?.data.channels.footContact;
    if (contact === undefined || contact.valid?.[at] === 0) return undefined;
    return contact.data.subarray(at * contact.width, (at + 1) * contact.width);
  };

  const scene: EpisodeScene = {
    show(data, skeleton) {
      const isFirst = shown === undefined;
      shown = { data, velocity: headingVelocity(data.channels, data.entry.frames) };
      showPerson(skeleton);
      makeMarks();
      scene.setFrame(0);
      // A view once chosen stays for the episodes that follow.
      if (isFirst) scene.resetCamera();
    },
    setFrame(next) {
      if (shown === undefined) return;
      frame = Math.min(shown.data.entry.frames - 1, Math.max(0, next));
      placeAt(frame);
      view.setContacts(contactsAt(Math.round(frame)), contactColours());
      person?.setFrame(frame);
      placeArrows();
      marks?.path.setFrame(frame);
      stage.follow(position[0], position[1], position[2]);
    },
    placePerson,
    resetCamera() {
      stage.lookAt(position[0], position[1], 0.5 * robot.standingHeight_m + 0.12, 3.4 * robot.standingHeight_m);
    },
    setTheme() {
      asked.setColour(cssColour('--series-8'));
      achieved.setColour(cssColour('--series-1'));
      if (shown === undefined) return;
      makeMarks();
      scene.setFrame(frame);
    },
    dispose() {
      clearMarks();
      person?.dispose();
      view.dispose();
      asked.dispose();
      achieved.dispose();
    },
  };
  return scene;
}

/** A value between two frames; the nearer valid one where the other is masked. */
function blend(channel: Channel | undefined, frame: number, share: number, column: number, absent: number): number {
  if (channel === undefined || channel.valid?.[frame] === 0) return absent;
  const { data, width, valid } = channel;
  const value = data[frame * width + column];
  const next = (frame + 1) * width + column;
  if (share === 0 || next >= data.length || valid?.[frame + 1] === 0) return value;
  return value + share * (data[next] - value);
}

function blendTurn(channel: Channel | undefined, frame: number, share: number, out: Float64Array): void {
  if (channel === undefined || channel.valid?.[frame] === 0) {
    out.set(UPRIGHT);
    return;
  }
  const { data, valid } = channel;
  const at = 4 * frame;
  for (let k = 0; k < 4; k++) out[k] = data[at + k];
  if (share === 0 || at + 8 > data.length || valid?.[frame + 1] === 0) return;
  let cosine = 0;
  for (let k = 0; k < 4; k++) cosine += data[at + k] * data[at + 4 + k];
  // Neighbouring frames are close: a straight blend along the shorter arc is as good as slerp.
  const sign = cosine < 0 ? -1 : 1;
  for (let k = 0; k < 4; k++) out[k] += share * (sign * data[at + 4 + k] - data[at + k]);
}
