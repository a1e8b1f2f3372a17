// A trial in the scene: the policy's robot, its teacher's as a ghost, the commanded path and theirs on the ground, and an
// arrow where each kick struck.

import type { Theme } from '../page.js';
import { createArrow, createFootprints, createPath } from '../scene/ground-marks.js';
import type { RobotDescription } from '../scene/robot-geometry.js';
import { createRobotView, type RobotView } from '../scene/robot-view.js';
import type { Stage } from '../scene/stage.js';
import { cssColour } from '../shell/theme.js';
import { frameOf, poseAt, type Replay, type ReplayRun } from './replay-model.js';

export interface ReplayScene {
  show(replay: Replay): void;
  setFrame(frame: number): void;
  /** Puts the camera before the robot, or above the whole path. */
  lookFrom(view: 'robot' | 'above'): void;
  setTheme(theme: Theme): void;
  dispose(): void;
}

/** Custom properties of the colours, as in the plots. */
export const ROLE_COLOURS = { policy: '--policy', teacher: '--teacher' } as const;
const DISTANCE_M = 3.4;
/** Dashes of the commanded path: so many frames drawn, then as many left out. */
const DASH_FRAMES = 12;
const ARROW_PER_MPS = 1;
/** From above: this far over the robot's head for each metre that is seen (the camera's opening, with a margin). */
const ABOVE_PER_EXTENT = 2;
const ROBOT_HEIGHT_M = 1.4;

interface Shown {
  readonly run: ReplayRun;
  readonly view: RobotView;
  readonly path: ReturnType<typeof createPath>;
}

interface Disposable {
  dispose(): void;
}

export function createReplayScene(stage: Stage, description: RobotDescription, root: HTMLElement): ReplayScene {
  const colour = (property: string) => getComputedStyle(root).getPropertyValue(property).trim() || cssColour(property);
  let replay: Replay | undefined;
  let shown: Shown[] = [];
  let marks: Disposable[] = [];
  let frame = 0;

  const clear = () => {
    for (const { view, path } of shown) {
      view.dispose();
      path.dispose();
    }
    for (const mark of marks) mark.dispose();
    shown = [];
    marks = [];
  };
  const build = () => {
    clear();
    if (replay === undefined) return;
    const { runs, planned_m, marks: events } = replay;
    for (const run of runs) {
      const roleColour = colour(ROLE_COLOURS[run.role]);
      const view = createRobotView(description, run.role === 'teacher' ? { ghost: roleColour } : {});
      const path = createPath(run.trace.channels.basePosition!.data, roleColour);
      stage.add(view.object);
      stage.add(path.object);
      shown.push({ run, view, path });
    }
    for (const dash of dashes(planned_m)) {
      const path = createPath(dash, colour('--planned'));
      path.setFrame(dash.length / 3);
      stage.add(path.object);
      marks.push(path);
    }
    for (const { kind, time_s, velocityChange_mps, role } of events) {
      // A kick meets who still stands: the policy, or its teacher after the policy's fall.
      const stands = (one: ReplayRun) => one.trace.frameCount > time_s * replay!.rate_hz;
      const run = runs.find((one) => (role === undefined ? stands(one) : one.role === role));
      if (run === undefined) continue;
      const [x, y] = poseAt(run, time_s * replay.rate_hz).basePosition;
      if (kind === 'kick' && velocityChange_mps !== undefined) {
        const [vx, vy] = velocityChange_mps;
        const arrow = createArrow(colour('--bad'), 0.012);
        arrow.set(x, y, Math.atan2(vy, vx), ARROW_PER_MPS * Math.hypot(vx, vy));
        stage.add(arrow.object);
        marks.push(arrow);
      } else {
        const print = createFootprints([{ x, y, colour: colour('--bad') }]);
        if (print !== undefined) {
          stage.add(print.object);
          marks.push(print);
        }
      }
    }
  };
  const place = () => {
    if (shown.length === 0) return;
    for (const { run, view, path } of shown) {
      const { basePosition, baseQuaternion, jointPosition, footContact } = poseAt(run, frame);
      view.setPose(basePosition, baseQuaternion, jointPosition);
      if (run.role === 'policy') view.setContacts(footContact, cssColour('--contact-left'));
      path.setFrame(frameOf(run, frame));
    }
    const [x, y, z] = poseAt(shown[0].run, frame).basePosition;
    stage.follow(x, y, z);
  };
  const lookAtRobot = () => {
    if (shown.length === 0) return;
    const [x, y] = poseAt(shown[0].run, frame).basePosition;
    stage.lookAt(x, y, 0.65, DISTANCE_M);
  };

  return {
    show(next) {
      const isFirst = replay === undefined;
      replay = next;
      frame = 0;
      build();
      place();
      if (isFirst) lookAtRobot();
    },
    setFrame(next) {
      frame = next;
      place();
    },
    lookFrom(view) {
      if (replay === undefined) return;
      if (view === 'robot') return lookAtRobot();
      const { x, y, extent } = boundsOf(replay);
      stage.controls.target.set(x, y, 0);
      // Not quite from above: straight down there would be no upright direction.
      stage.camera.position.set(x - 0.01, y, ROBOT_HEIGHT_M + ABOVE_PER_EXTENT * extent);
      stage.controls.update();
      stage.invalidate();
    },
    setTheme() {
      build();
      place();
    },
    dispose: clear,
  };
}

/** Pieces of a path as x y z, every other one. */
function dashes(points: Float64Array): Float32Array[] {
  const count = points.length / 2;
  const pieces: Float32Array[] = [];
  for (let from = 0; from < count - 1; from += 2 * DASH_FRAMES) {
    const to = Math.min(count - 1, from + DASH_FRAMES);
    const piece = new Float32Array(3 * (to - from + 1));
    for (let at = from; at <= to; at++) piece.set([points[2 * at], points[2 * at + 1], 0], 3 * (at - from));
    pieces.push(piece);
  }
  return pieces;
}

function boundsOf({ planned_m, runs }: Replay): { x: number; y: number; extent: number } {
  let [lowX, highX, lowY, highY] = [planned_m[0], planned_m[0], planned_m[1], planned_m[1]];
  const include = (x: number, y: number) => {
    lowX = Math.min(lowX, x);
    highX = Math.max(highX, x);
    lowY = Math.min(lowY, y);
    highY = Math.max(highY, y);
  };
  for (let at = 0; at < planned_m.length; at += 2) include(planned_m[at], planned_m[at + 1]);
  for (const { trace } of runs) {
    const { data } = trace.channels.basePosition!;
    for (let at = 0; at < data.length; at += 3) include(data[at], data[at + 1]);
  }
  return { x: (lowX + highX) / 2, y: (lowY + highY) / 2, extent: Math.max(highX - lowX, highY - lowY, 1) };
}
