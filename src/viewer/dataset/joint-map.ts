// All joints over time in one picture: how far each stands from its default, as a share of its range. A press chooses the
// joint and the moment.

import type { Channel } from '../../motion/episode.js';
import type { RobotModel } from '../../robot/robot-model.js';
import { element } from '../shell/elements.js';
import { cssColour } from '../shell/theme.js';

export interface JointMap {
  readonly element: HTMLElement;
  show(channel: Channel | undefined, frames: number, robot: RobotModel | undefined, jointCount: number): void;
  setJoint(joint: number): void;
  setFrame(frame: number): void;
  repaint(): void;
}

const ROW_PX = 5;
const MOST_COLUMNS = 600;
/** Half range (rad) of a joint without limits. */
const FREE_RANGE_RAD = 1.5;

export function createJointMap(onChoose: (joint: number, frame: number) => void): JointMap {
  const canvas = element('canvas', { class: 'joint-map-canvas' });
  const hair = element('div', { class: 'plot-hair' });
  const mark = element('div', { class: 'joint-map-mark' });
  const place = element('div', { class: 'joint-map-place' }, [canvas, mark, hair]);
  const root = element('figure', { class: 'plot joint-map' }, [
    element('figcaption', { class: 'plot-head' }, [
      element('span', { class: 'plot-title', text: 'All joints' }),
      element('span', { class: 'plot-unit', text: 'away from default; press one' }),
    ]),
    place,
  ]);
  let last: Parameters<JointMap['show']> | undefined;
  let frames = 1;
  let joints = 1;
  let chosen = 0;
  const choose = (event: PointerEvent) => {
    const { left, top, width, height } = place.getBoundingClientRect();
    const joint = Math.min(joints - 1, Math.max(0, Math.floor(((event.clientY - top) / height) * joints)));
    onChoose(joint, Math.round(((event.clientX - left) / width) * (frames - 1)));
  };
  place.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    place.setPointerCapture(event.pointerId);
    choose(event);
  });
  place.addEventListener('pointermove', (event) => {
    if (place.hasPointerCapture(event.pointerId)) choose(event);
  });
  const map: JointMap = {
    element: root,
    show(...content) {
      last = content;
      const [channel, frameCount, robot, jointCount] = content;
      frames = frameCount;
      joints = jointCount;
      place.style.height = `${jointCount * ROW_PX}px`;
      paint(canvas, channel, frameCount, robot, jointCount);
      map.setJoint(chosen);
    },
    setJoint(joint) {
      chosen = joint;
      mark.style.transform = `translateY(${joint * ROW_PX}px)`;
    },
    setFrame(frame) {
      hair.style.left = `${(100 * frame) / Math.max(1, frames - 1)}%`;
    },
    repaint() {
      if (last !== undefined) map.show(...last);
    },
  };
  return map;
}

function paint(
  canvas: HTMLCanvasElement,
  channel: Channel | undefined,
  frames: number,
  robot: RobotModel | undefined,
  jointCount: number,
): void {
  const columns = Math.min(frames, MOST_COLUMNS);
  canvas.width = columns;
  canvas.height = jointCount;
  const pen = canvas.getContext('2d')!;
  const picture = pen.createImageData(columns, jointCount);
  const middle = rgbOf(pen, cssColour('--surface-sunken'));
  const above = rgbOf(pen, cssColour('--series-2'));
  const below = rgbOf(pen, cssColour('--series-3'));
  const masked = rgbOf(pen, cssColour('--masked'));
  for (let joint = 0; joint < jointCount; joint++) {
    const rest = robot?.defaultPosition_rad[joint] ?? 0;
    const up = span(robot?.upper_rad[joint], rest);
    const down = span(robot?.lower_rad[joint], rest);
    for (let column = 0; column < columns; column++) {
      const frame = Math.floor((column * frames) / columns);
      const isThere = channel !== undefined && channel.valid?.[frame] !== 0;
      const value = isThere ? channel.data[frame * channel.width + joint] - rest : 0;
      // The root brings out small motions.
      const share = Math.sqrt(Math.min(1, Math.abs(value) / (value > 0 ? up : down)));
      const end = value > 0 ? above : below;
      const at = 4 * (joint * columns + column);
      for (let k = 0; k < 3; k++) {
        picture.data[at + k] = isThere ? middle[k] + share * (end[k] - middle[k]) : masked[k];
      }
      picture.data[at + 3] = 255;
    }
  }
  pen.putImageData(picture, 0, 0);
}

function span(limit: number | undefined, rest: number): number {
  const range = limit === undefined || !Number.isFinite(limit) ? FREE_RANGE_RAD : Math.abs(limit - rest);
  return Math.max(0.1, range);
}

/** The parts 0-255 of a CSS colour, as the canvas understands it. */
function rgbOf(pen: CanvasRenderingContext2D, colour: string): readonly number[] {
  pen.fillStyle = colour;
  const hex = String(pen.fillStyle);
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}
