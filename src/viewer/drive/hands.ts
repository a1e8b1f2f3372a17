// The hands of the driver: keys, gamepads and the two on-screen sticks, as one set of axes.

import { type Axes, addAxes, axesOfGamepad, axesOfKeys, isDriveKey, STILL } from './command-input.js';
import { createStick } from './stick.js';

/** Buttons of a gamepad in the standard layout. */
const PAD_BUTTONS = { push: 0, reset: 1, pause: 9 } as const;
export type PadButton = keyof typeof PAD_BUTTONS;

export interface Hands {
  readonly walkStick: HTMLElement;
  readonly turnStick: HTMLElement;
  /** What the hands want now; asks gamepads. */
  read(): Axes;
  /** Name of the gamepad that was last used; undefined while there is none. */
  readonly gamepad: string | undefined;
  release(): void;
  dispose(): void;
}

export function createHands(onChange: () => void, onButton: (button: PadButton) => void): Hands {
  const held = new Set<string>();
  const walk = createStick({ label: 'walk', onChange });
  const turn = createStick({ label: 'turn', horizontal: true, onChange });
  const pressed = new Set<PadButton>();
  let gamepad: string | undefined;

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !isDriveKey(event.code) || isField(event)) return;
    event.preventDefault();
    if (held.has(event.code)) return;
    held.add(event.code);
    onChange();
  };
  const onKeyUp = (event: KeyboardEvent) => {
    if (held.delete(event.code)) onChange();
  };
  const release = () => {
    held.clear();
    walk.release();
    turn.release();
  };
  addEventListener('keydown', onKeyDown);
  addEventListener('keyup', onKeyUp);
  // Keys that are let go while another window has the focus are not heard.
  addEventListener('blur', release);

  const readGamepads = (): Axes => {
    let axes = STILL;
    for (const pad of navigator.getGamepads?.() ?? []) {
      if (pad === null || !pad.connected) continue;
      const own = axesOfGamepad(pad.axes);
      if (own.some((axis) => axis !== 0)) gamepad = pad.id;
      axes = addAxes([axes, own]);
      for (const name of Object.keys(PAD_BUTTONS) as PadButton[]) {
        const isDown = pad.buttons[PAD_BUTTONS[name]]?.pressed === true;
        if (isDown && !pressed.has(name)) onButton(name);
        if (isDown) pressed.add(name);
        else pressed.delete(name);
      }
    }
    return axes;
  };
  return {
    walkStick: walk.element,
    turnStick: turn.element,
    read() {
      const [right, up] = walk.value;
      const others = addAxes([axesOfKeys(held), readGamepads()]);
      walk.show(-others[1], others[0]);
      turn.show(-others[2], 0);
      return addAxes([others, [up, -right, -turn.value[0]]]);
    },
    get gamepad() {
      return gamepad;
    },
    release,
    dispose() {
      removeEventListener('keydown', onKeyDown);
      removeEventListener('keyup', onKeyUp);
      removeEventListener('blur', release);
    },
  };
}

/** True where the focused element has a use of its own for the key. */
function isField({ target, code }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) {
    return true;
  }
  if (!(target instanceof HTMLInputElement)) return false;
  return target.type === 'range' || target.type === 'radio' ? code.startsWith('Arrow') : target.type !== 'checkbox';
}
