// The picture of the drive: robot, ghost, ground, the command as an arrow on it, pushes. It shows frames; it steps nothing.

import { Mesh, MeshBasicMaterial, type Object3D, type Texture, Vector3 } from 'three';
import { yawOf } from '../../math/quaternion.js';
import type { TerrainKind } from '../../sim/terrain.js';
import { terrainHeight } from '../../sim/terrain.js';
import { type Arrow, createArrow } from '../scene/ground-marks.js';
import type { RobotDescription } from '../scene/robot-geometry.js';
import { createRobotView, type RobotView } from '../scene/robot-view.js';
import type { Stage } from '../scene/stage.js';
import { cssColour } from '../shell/theme.js';
import type { DriveFrame, Push } from './drive-session.js';
import { blendPoses, type FlatPose, flatPose } from './pose-blend.js';
import { createPushArrow } from './push-arrow.js';
import { listenForPushes } from './push-gesture.js';
import { createTerrainMesh } from './terrain-mesh.js';

export const GHOST_PLACES = ['off', 'over', 'beside'] as const;
export type GhostPlace = (typeof GHOST_PLACES)[number];

/** Distance of the ghost at the robot's left (m). */
const BESIDE_M = 0.8;
/** The ghost over the robot is drawn this much nearer to the camera (m), or the two would flicker through each other. */
const IN_FRONT_M = 0.02;
/** The camera follows the base over this time (s), so that it does not sway with every step. */
const CAMERA_S = 0.25;
/** Ground arrows: metres for a metre a second. */
const ARROW_SCALE = 0.7;
/** Time between pictures on a machine that is too slow (ms). */
const SPARING_MS = 90;
/** A longer jump of the base (m) is a reset, over which poses are not blended. */
const JUMP_M = 0.5;

export interface DriveScene {
  /** Takes a new state. @param now_ms when it came */
  show(frame: DriveFrame, now_ms: number): void;
  setRunning(running: boolean): void;
  /** Draws more seldom, so that a slow machine has time for physics. */
  setSparing(isSparing: boolean): void;
  setGhost(place: GhostPlace): void;
  setTerrain(kind: TerrainKind): void;
  /** Colours of the theme anew. */
  recolour(): void;
  /** A push that did not come from the pointer. */
  showPush(push: Push): void;
  dispose(): void;
}

export interface DriveSceneOptions {
  readonly stage: Stage;
  readonly description: RobotDescription;
  readonly rate_hz: number;
  onPush(push: Push): void;
  /** Label for the push that is aimed, at a place on the canvas (pixels); undefined for none. */
  onAim(label: { readonly text: string; readonly x: number; readonly y: number } | undefined): void;
}

export function createDriveScene({ stage, description, rate_hz, onPush, onAim }: DriveSceneOptions): DriveScene {
  const { robot } = description;
  const view = createRobotView(description);
  const arrow = createPushArrow();
  const commanded = createArrow(cssColour('--series-8'), 0.004);
  const achieved = createArrow(cssColour('--series-1'), 0.006);
  const ground = stage.scene.getObjectByName('ground');
  const bodyNames = robot.bodies.map(({ name }) => name);
  const bodyOf = (body: number): Object3D | undefined => view.object.getObjectByName(bodyNames[body]);
  let ghost: RobotView | undefined;
  let ghostPlace: GhostPlace = 'off';
  let terrainKind: TerrainKind = 'flat';
  let terrain: ReturnType<typeof createTerrainMesh>;
  let isRunning = false;
  let isSparing = false;
  let timer = 0;
  let drawn_ms = 0;
  let last: DriveFrame | undefined;
  let from: FlatPose | undefined;
  let to: FlatPose | undefined;
  let shown: FlatPose | undefined;
  let ghostFrom: FlatPose | undefined;
  let ghostTo: FlatPose | undefined;
  let ghostShown: FlatPose | undefined;
  let came_ms = 0;
  let aimed: Push | undefined;
  let contactColour = cssColour('--accent');
  const camera = new Vector3(0, 0, 0.7);
  const label = new Vector3();
  const period_ms = 1000 / rate_hz;

  for (const object of [view.object, arrow.object, commanded.object, achieved.object]) stage.add(object);
  arrow.setColour(cssColour('--series-2'));
  const stopListening = listenForPushes({
    canvas: stage.canvas,
    camera: stage.camera,
    robot: view.object,
    bodyNames,
    onHold: (isHeld) => {
      stage.controls.enabled = !isHeld;
      stage.canvas.classList.toggle('is-pushing', isHeld);
    },
    onAim: (push) => {
      aimed = push;
      arrow.aim(push);
      stage.invalidate();
    },
    onPush: (push) => {
      arrow.give(push);
      onPush(push);
      stage.invalidate();
    },
  });

  const place = (target: RobotView, pose: FlatPose) =>
    target.setPose(pose.subarray(0, 3), pose.subarray(3, 7), pose.subarray(7));
  /** The ghost at the same moment as the robot that is drawn. */
  const placeGhost = (share: number) => {
    if (ghost === undefined) return;
    ghost.object.visible = ghostTo !== undefined;
    if (ghostTo === undefined || ghostFrom === undefined || ghostShown === undefined) return;
    blendPoses(ghostShown, ghostFrom, ghostTo, share);
    if (ghostPlace === 'beside') {
      const yaw = yawOf(ghostShown, 3);
      ghostShown[0] -= BESIDE_M * Math.sin(yaw);
      ghostShown[1] += BESIDE_M * Math.cos(yaw);
    }
    place(ghost, ghostShown);
    const nearer = ghostPlace === 'over' ? -IN_FRONT_M : 0;
    ghost.object.position.copy(stage.camera.getWorldDirection(label)).multiplyScalar(nearer);
  };
  const showArrows = (pose: FlatPose) => {
    if (last === undefined) return;
    const heading = yawOf(pose, 3);
    const along = (target: Arrow, [vx, vy]: readonly number[]) => {
      target.set(pose[0], pose[1], heading + Math.atan2(vy, vx), ARROW_SCALE * Math.hypot(vx, vy));
      target.object.position.z += terrainHeight(terrainKind, pose[0], pose[1]);
    };
    along(commanded, last.command);
    along(achieved, last.meanVelocity);
  };
  const showAim = (isSeen: boolean) => {
    if (!isSeen || aimed === undefined || arrow.tip === undefined) {
      onAim(undefined);
      return;
    }
    label.copy(arrow.tip).project(stage.camera);
    const { clientWidth, clientHeight } = stage.canvas;
    const text = `${Math.hypot(...aimed.impulse_Ns).toFixed(0)} N s`;
    onAim({ text, x: ((label.x + 1) / 2) * clientWidth, y: ((1 - label.y) / 2) * clientHeight });
  };

  stage.onFrame(() => {
    if (from === undefined || to === undefined || shown === undefined) return false;
    const now_ms = performance.now();
    // Its own measure of time: the stage's is cut, and a camera that lags behind by frames would lose the robot.
    const elapsed_s = Math.min(2, (now_ms - drawn_ms) / 1000);
    drawn_ms = now_ms;
    const share = isRunning ? Math.min(1, (now_ms - came_ms) / period_ms) : 1;
    blendPoses(shown, from, to, share);
    place(view, shown);
    placeGhost(share);
    showArrows(shown);
    camera.lerp(label.set(shown[0], shown[1], shown[2]), 1 - Math.exp(-elapsed_s / CAMERA_S));
    stage.follow(camera.x, camera.y, camera.z);
    const isPushSeen = arrow.update(bodyOf, elapsed_s);
    showAim(isPushSeen);
    if (!isRunning) return isPushSeen;
    if (!isSparing) return true;
    clearTimeout(timer);
    timer = window.setTimeout(stage.invalidate, SPARING_MS);
    return false;
  });

  return {
    show(frame, now_ms) {
      const next = flatPose(frame);
      const jump =
        to === undefined || Math.hypot(next[0] - to[0], next[1] - to[1], next[2] - to[2]) > JUMP_M || frame.frame === 0;
      from = jump ? next : to;
      to = next;
      shown ??= next.slice();
      const expected = frame.ghost && flatPose(frame.ghost);
      ghostFrom = jump ? expected : (ghostTo ?? expected);
      ghostTo = expected;
      ghostShown ??= expected?.slice();
      came_ms = now_ms;
      last = frame;
      if (jump) {
        camera.set(next[0], next[1], next[2]);
        stage.follow(camera.x, camera.y, camera.z);
      }
      view.setContacts(frame.footContact, contactColour);
      if (!isRunning) stage.invalidate();
    },
    setRunning(running) {
      isRunning = running;
      stage.invalidate();
    },
    setSparing(sparing) {
      isSparing = sparing;
    },
    setGhost(wanted) {
      ghostPlace = wanted;
      if (wanted === 'off') {
        ghost?.dispose();
        ghost = undefined;
      } else if (ghost === undefined) {
        ghost = createRobotView(description, { ghost: cssColour('--ghost') });
        stage.add(ghost.object);
      }
      stage.invalidate();
    },
    setTerrain(kind) {
      if (kind === terrainKind) return;
      terrain?.dispose();
      terrainKind = kind;
      const texture = ground === undefined ? undefined : textureOf(ground);
      terrain = texture === undefined ? undefined : createTerrainMesh(kind, texture);
      if (terrain !== undefined) stage.add(terrain.object);
      if (ground !== undefined) ground.visible = terrain === undefined;
      stage.invalidate();
    },
    recolour() {
      contactColour = cssColour('--accent');
      arrow.setColour(cssColour('--series-2'));
      if (ghostPlace !== 'off') {
        const wanted = ghostPlace;
        this.setGhost('off');
        this.setGhost(wanted);
      }
    },
    showPush(push) {
      arrow.give(push);
      stage.invalidate();
    },
    dispose() {
      clearTimeout(timer);
      stopListening();
      ghost?.dispose();
      terrain?.dispose();
      for (const part of [view, arrow, commanded, achieved]) part.dispose();
    },
  };
}

/** The grid of the stage's ground. */
function textureOf(ground: Object3D): Texture | undefined {
  let found: Texture | undefined;
  ground.traverse((part) => {
    if (part instanceof Mesh && part.material instanceof MeshBasicMaterial) found ??= part.material.map ?? undefined;
  });
  return found;
}
