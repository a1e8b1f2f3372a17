// The keys of the dataset browser.

import type { Finding } from '../../motion/episode.js';
import type { Shortcut } from '../page.js';
import type { Player } from './player.js';

export interface ShortcutTargets {
  readonly player: Player;
  move(direction: 1 | -1): void;
  findings(): readonly Finding[];
  changeJoint(direction: 1 | -1): void;
  search(): void;
  resetCamera(): void;
  moveCamera(turn_rad: number, distance: number): void;
  person(): void;
  link(): void;
  picture(): void;
}

const CAMERA_STEP_RAD = 0.2;
const CAMERA_ZOOM = 1.15;

export function datasetShortcuts(targets: ShortcutTargets): Shortcut[] {
  const { player } = targets;
  const second = () => Math.max(1, Math.round(player.state.rate_hz));
  return [
    { keys: [' '], about: 'play or pause', run: () => player.toggle() },
    { keys: ['ArrowLeft'], about: 'one frame back', run: () => player.step(-1) },
    { keys: ['ArrowRight'], about: 'one frame on', run: () => player.step(1) },
    { keys: ['Shift+ArrowLeft'], about: 'one second back', run: () => player.step(-second()) },
    { keys: ['Shift+ArrowRight'], about: 'one second on', run: () => player.step(second()) },
    { keys: ['Home'], about: 'to the start', run: () => player.seek(0) },
    { keys: ['End'], about: 'to the end', run: () => player.seek(player.state.frameCount - 1) },
    { keys: ['<', ','], about: 'slower', run: () => player.changeSpeed(-1) },
    { keys: ['>', '.'], about: 'faster', run: () => player.changeSpeed(1) },
    { keys: ['l'], about: 'loop on or off', run: () => player.setLoop(!player.state.loop) },
    { keys: ['ArrowUp', 'k'], about: 'the episode before', run: () => targets.move(-1) },
    { keys: ['ArrowDown', 'j'], about: 'the next episode', run: () => targets.move(1) },
    { keys: ['n'], about: 'to the next finding in time', run: () => nextFinding(targets) },
    { keys: ['['], about: 'the joint before', run: () => targets.changeJoint(-1) },
    { keys: [']'], about: 'the next joint', run: () => targets.changeJoint(1) },
    { keys: ['/'], about: 'search episodes', run: targets.search },
    { keys: ['q'], about: 'camera to the left', run: () => targets.moveCamera(-CAMERA_STEP_RAD, 1) },
    { keys: ['e'], about: 'camera to the right', run: () => targets.moveCamera(CAMERA_STEP_RAD, 1) },
    { keys: ['+', '='], about: 'nearer', run: () => targets.moveCamera(0, 1 / CAMERA_ZOOM) },
    { keys: ['-'], about: 'farther', run: () => targets.moveCamera(0, CAMERA_ZOOM) },
    { keys: ['r'], about: 'camera back to the robot', run: targets.resetCamera },
    { keys: ['g'], about: 'the person behind a retargeted episode: over, beside, hidden', run: targets.person },
    { keys: ['c'], about: 'copy a link to this frame', run: targets.link },
    { keys: ['p'], about: 'save the picture', run: targets.picture },
  ];
}

function nextFinding({ player, findings }: ShortcutTargets): void {
  const starts = findings()
    .flatMap(({ frames }) => (frames === undefined ? [] : [frames[0]]))
    .sort((a, b) => a - b);
  const next = starts.find((frame) => frame > Math.round(player.state.frame)) ?? starts[0];
  if (next !== undefined) player.seek(next);
}
