// An on-screen stick: a knob that is dragged inside its pad by mouse, finger or pen, and springs back.

import { element } from '../shell/elements.js';

export interface Stick {
  readonly element: HTMLElement;
  /** Right and up, each from -1 to 1, at most 1 long. */
  readonly value: readonly [number, number];
  /** Shows where other hands push, while the stick itself is let go. */
  show(right: number, up: number): void;
  /** Lets go. */
  release(): void;
}

export interface StickOptions {
  /** What it is, for screen readers and as its caption. */
  readonly label: string;
  /** Left and right only. */
  readonly horizontal?: boolean;
  onChange(): void;
}

export function createStick({ label, horizontal = false, onChange }: StickOptions): Stick {
  const knob = element('div', { class: 'stick-knob' });
  const pad = element('div', { class: horizontal ? 'stick-pad is-horizontal' : 'stick-pad' }, [knob]);
  const whole = element('div', { class: 'stick' }, [
    pad,
    element('span', { class: 'stick-label', text: label, attributes: { 'aria-hidden': 'true' } }),
  ]);
  pad.setAttribute('role', 'group');
  pad.setAttribute('aria-label', `${label}: drag, or use the keys`);
  let value: [number, number] = [0, 0];
  let pointer: number | undefined;

  const draw = (right: number, up: number) => {
    knob.style.setProperty('--x', String(right));
    knob.style.setProperty('--y', String(-up));
  };
  const set = (right: number, up: number) => {
    const length = Math.max(1, Math.hypot(right, up));
    value = [right / length, up / length];
    draw(value[0], value[1]);
    onChange();
  };
  const follow = (event: PointerEvent) => {
    const box = pad.getBoundingClientRect();
    const reach = Math.max(1, (horizontal ? box.width : Math.min(box.width, box.height)) / 2 - knob.offsetWidth / 2);
    const right = (event.clientX - box.left - box.width / 2) / reach;
    const up = horizontal ? 0 : -(event.clientY - box.top - box.height / 2) / reach;
    set(right, up);
  };
  const release = () => {
    pointer = undefined;
    pad.classList.remove('is-held');
    set(0, 0);
  };
  pad.addEventListener('pointerdown', (event) => {
    pointer = event.pointerId;
    pad.setPointerCapture(event.pointerId);
    pad.classList.add('is-held');
    event.preventDefault();
    follow(event);
  });
  pad.addEventListener('pointermove', (event) => {
    if (event.pointerId === pointer) follow(event);
  });
  for (const type of ['pointerup', 'pointercancel', 'lostpointercapture'] as const) {
    pad.addEventListener(type, (event) => {
      if (event.pointerId === pointer) release();
    });
  }
  return {
    element: whole,
    get value() {
      return value;
    },
    show(right, up) {
      if (pointer === undefined) draw(right, up);
    },
    release,
  };
}
