// Commanded against achieved velocity, live: a strip and two numbers for each axis, and a strip of the model's surprise.

import type { CommandRange } from '../../policy/controller.js';
import { element } from '../shell/elements.js';
import type { DriveFrame } from './drive-session.js';
import { createStripChart, type StripChart } from './strip-chart.js';

const SPAN_S = 10;
/** Redrawn this many times a second: more is not seen, and physics needs the machine. */
const DRAWS_PER_S = 12;

export interface Readouts {
  readonly element: HTMLElement;
  add(frame: DriveFrame): void;
  clear(): void;
  /** Draws where it is time to. */
  draw(now_ms: number): void;
}

const AXES = [
  { key: 'vx', label: 'forward', unit: 'm/s', range: 'vx_mps' },
  { key: 'vy', label: 'left', unit: 'm/s', range: 'vy_mps' },
  { key: 'wz', label: 'turn left', unit: 'rad/s', range: 'wz_radps' },
] as const;

interface Row {
  readonly chart: StripChart;
  readonly commanded: HTMLElement;
  readonly achieved: HTMLElement;
}

export function createReadouts(rate_hz: number, range: CommandRange, foretells: boolean): Readouts {
  const capacity = Math.round(SPAN_S * rate_hz);
  const rows = AXES.map((axis): Row & { readonly element: HTMLElement } => {
    const [low, high] = range[axis.range];
    const chart = createStripChart({
      label: `${axis.label}: commanded and achieved over the last ${SPAN_S} s`,
      capacity,
      range: [Math.min(low, -0.2), Math.max(high, 0.2)],
      lines: [
        { colour: '--series-1', width: 1, opacity: 0.3 },
        { colour: '--series-8', width: 1.5, steps: true },
        { colour: '--series-1', width: 2 },
      ],
    });
    const commanded = element('output', { class: 'readout-commanded', attributes: { 'data-commanded': axis.key } });
    const achieved = element('output', { class: 'readout-achieved', attributes: { 'data-achieved': axis.key } });
    return {
      chart,
      commanded,
      achieved,
      element: element('div', { class: 'readout' }, [
        element('div', { class: 'readout-head' }, [
          element('span', { class: 'readout-label', text: axis.label }),
          commanded,
          achieved,
          element('span', { class: 'readout-unit', text: axis.unit }),
        ]),
        chart.element,
      ]),
    };
  });
  const surprise = createStripChart({
    label: `Surprise over the last ${SPAN_S} s`,
    capacity,
    range: [0, 0.6],
    lines: [{ colour: '--ghost', width: 1.5 }],
  });
  const surpriseNow = element('output', { class: 'readout-surprise', attributes: { 'data-surprise': true } });
  const surpriseRow = element('div', { class: 'readout' }, [
    element('div', { class: 'readout-head' }, [
      element('span', {
        class: 'readout-label',
        text: 'surprise',
        title:
          'How far what came was from what the model expected, in deviations of the data: 1 is as wrong as guessing',
      }),
      surpriseNow,
    ]),
    surprise.element,
  ]);
  let last: DriveFrame | undefined;
  let lastDraw_ms = 0;
  const all = [...rows.map(({ chart }) => chart), ...(foretells ? [surprise] : [])];

  return {
    element: element('div', { class: 'readouts' }, [
      element('div', { class: 'readout-key' }, [
        key('commanded', '--series-8'),
        key(`achieved, mean of 1 s`, '--series-1'),
      ]),
      ...rows.map(({ element }) => element),
      ...(foretells ? [surpriseRow] : []),
    ]),
    add(frame) {
      last = frame;
      rows.forEach(({ chart }, axis) => {
        chart.add([frame.velocity[axis], frame.command[axis], frame.meanVelocity[axis]]);
      });
      surprise.add([frame.surprise ?? Number.NaN]);
    },
    clear() {
      for (const chart of all) chart.clear();
    },
    draw(now_ms) {
      if (last === undefined || now_ms - lastDraw_ms < 1000 / DRAWS_PER_S) return;
      lastDraw_ms = now_ms;
      rows.forEach(({ commanded, achieved }, axis) => {
        commanded.textContent = signed(last!.command[axis]);
        achieved.textContent = signed(last!.meanVelocity[axis]);
      });
      surpriseNow.textContent = last.surprise?.toFixed(2) ?? '';
      for (const chart of all) chart.draw();
    },
  };
}

function key(text: string, colour: string): HTMLElement {
  const mark = element('span', { class: 'key-mark' });
  mark.style.background = `var(${colour})`;
  return element('span', { class: 'key' }, [mark, text]);
}

/** Two digits; a true minus, and no sign on what is zero. */
function signed(value: number): string {
  const text = Math.abs(value).toFixed(2);
  return value < 0 && text !== '0.00' ? `−${text}` : text;
}
