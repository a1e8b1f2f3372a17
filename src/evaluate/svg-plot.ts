// Plots as SVG text: axes, and marks over them. Colours are CSS classes, so that a page chooses them, dark or light.
//
// Sizes are those of a phone's width; a page scales a plot with its column (viewBox). No DOM, no dependency.

import { type Domain, tickLabels, ticksOf } from './scale.js';

export type Point = readonly [x: number, y: number];

/** The trial behind a dot or a plot. `key` becomes the attribute data-trial, for pages that can show the trial. */
export interface PlottedTrial {
  readonly key: string;
  readonly text: string;
}

export type Mark =
  | { readonly kind: 'line'; readonly points: readonly Point[]; readonly className: string }
  | {
      readonly kind: 'dots';
      readonly points: readonly Point[];
      readonly className: string;
      readonly radius?: number;
      /** What each dot stands for; shown where the pointer rests on it. */
      readonly trials?: readonly PlottedTrial[];
    }
  /** Vertical intervals at x, from low to high. */
  | {
      readonly kind: 'intervals';
      readonly at: readonly { readonly x: number; readonly low: number; readonly high: number }[];
      readonly className: string;
    }
  /** Horizontal bars from 0 to `to`, with an interval. */
  | {
      readonly kind: 'bars';
      readonly at: readonly { readonly y: number; readonly to: number; readonly low: number; readonly high: number }[];
      readonly className: string;
      /** In units of y. */
      readonly thickness: number;
    }
  | { readonly kind: 'rule'; readonly x: number; readonly className: string };

export interface Axis {
  readonly label: string;
  readonly domain: Domain;
  /** Ticks and their labels; round numbers where absent. */
  readonly ticks?: readonly { readonly at: number; readonly label: string }[];
}

export interface Plot {
  /** For those who cannot see it. */
  readonly description: string;
  readonly title?: string;
  /** Key of the one trial that is plotted. */
  readonly trial?: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly marks: readonly Mark[];
  readonly height?: number;
  /** One unit of x is as long as one unit of y: a domain is widened where the other needs it. */
  readonly equal?: boolean;
  /** Room for the labels of y. */
  readonly left?: number;
}

const WIDTH = 340;
const HEIGHT = 250;
const RIGHT = 18;
const BOTTOM = 38;
const LEFT = 46;

export function renderPlot(plot: Plot): string {
  const height = plot.height ?? HEIGHT;
  const left = plot.left ?? LEFT;
  const top = plot.title === undefined ? 10 : 26;
  const inner = { width: WIDTH - left - RIGHT, height: height - top - BOTTOM };
  const [x, y] = plot.equal ? equalAxes(plot.x, plot.y, inner) : [plot.x, plot.y];
  const xOf = (value: number) => left + ((value - x.domain[0]) / (x.domain[1] - x.domain[0])) * inner.width;
  const yOf = (value: number) =>
    top + inner.height - ((value - y.domain[0]) / (y.domain[1] - y.domain[0])) * inner.height;
  const bottom = top + inner.height;
  const parts: string[] = [];
  for (const { at, label } of ticksWithLabels(y, Math.max(3, Math.round(inner.height / 40)))) {
    parts.push(`<line class="grid" x1="${left}" x2="${WIDTH - RIGHT}" y1="${fix(yOf(at))}" y2="${fix(yOf(at))}"/>`);
    parts.push(
      `<text class="tick" x="${left - 6}" y="${fix(yOf(at) + 3.5)}" text-anchor="end">${escapeText(label)}</text>`,
    );
  }
  for (const { at, label } of ticksWithLabels(x, Math.max(3, Math.round(inner.width / 60)))) {
    parts.push(`<line class="grid" x1="${fix(xOf(at))}" x2="${fix(xOf(at))}" y1="${top}" y2="${bottom}"/>`);
    parts.push(
      `<text class="tick" x="${fix(xOf(at))}" y="${bottom + 14}" text-anchor="middle">${escapeText(label)}</text>`,
    );
  }
  // An inner svg clips what lies outside its frame.
  parts.push(
    `<svg x="${left}" y="${top}" width="${inner.width}" height="${inner.height}" viewBox="${left} ${top} ${inner.width} ${inner.height}">`,
    ...plot.marks.map((mark) => renderMark(mark, xOf, yOf, top, bottom)),
    '</svg>',
  );
  const middle = left + inner.width / 2;
  parts.push(`<text class="label" x="${middle}" y="${height - 6}" text-anchor="middle">${escapeText(x.label)}</text>`);
  if (y.label !== '') {
    const at = top + inner.height / 2;
    parts.push(
      `<text class="label" transform="translate(11 ${fix(at)}) rotate(-90)" text-anchor="middle">${escapeText(y.label)}</text>`,
    );
  }
  if (plot.title !== undefined) {
    parts.push(`<text class="title" x="${left}" y="15">${escapeText(plot.title)}</text>`);
  }
  const trial = plot.trial === undefined ? '' : ` data-trial="${escapeText(plot.trial)}"`;
  return `<svg class="plot"${trial} viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeText(plot.description)}">${parts.join('')}</svg>`;
}

/** Text safe in HTML and SVG, in elements and in quoted attributes. */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function renderMark(
  mark: Mark,
  xOf: (value: number) => number,
  yOf: (value: number) => number,
  top: number,
  bottom: number,
): string {
  switch (mark.kind) {
    case 'line': {
      const path = mark.points.map(([x, y], at) => `${at === 0 ? 'M' : 'L'}${fix(xOf(x))} ${fix(yOf(y))}`).join('');
      return `<path class="${mark.className}" d="${path}"/>`;
    }
    case 'dots': {
      const radius = mark.radius ?? 2.6;
      return mark.points
        .map(([x, y], at) => {
          const circle = `circle class="${mark.className}" cx="${fix(xOf(x))}" cy="${fix(yOf(y))}" r="${radius}"`;
          const trial = mark.trials?.[at];
          if (trial === undefined) return `<${circle}/>`;
          return `<${circle} data-trial="${escapeText(trial.key)}"><title>${escapeText(trial.text)}</title></circle>`;
        })
        .join('');
    }
    case 'intervals':
      return mark.at
        .map(
          ({ x, low, high }) =>
            `<line class="${mark.className}" x1="${fix(xOf(x))}" x2="${fix(xOf(x))}" y1="${fix(yOf(low))}" y2="${fix(yOf(high))}"/>`,
        )
        .join('');
    case 'bars':
      return mark.at
        .map(({ y, to, low, high }) => {
          const thick = Math.abs(yOf(y + mark.thickness) - yOf(y));
          const middle = fix(yOf(y));
          return (
            `<rect class="${mark.className}" x="${fix(xOf(0))}" y="${fix(yOf(y) - thick / 2)}" ` +
            `width="${fix(xOf(to) - xOf(0))}" height="${fix(thick)}"/>` +
            `<line class="whisker" x1="${fix(xOf(low))}" x2="${fix(xOf(high))}" y1="${middle}" y2="${middle}"/>`
          );
        })
        .join('');
    case 'rule':
      return `<line class="${mark.className}" x1="${fix(xOf(mark.x))}" x2="${fix(xOf(mark.x))}" y1="${top}" y2="${bottom}"/>`;
  }
}

function ticksWithLabels({ domain, ticks }: Axis, count: number): readonly { at: number; label: string }[] {
  if (ticks !== undefined) return ticks;
  const values = ticksOf(domain, count);
  const labels = tickLabels(values);
  return values.map((at, index) => ({ at, label: labels[index] }));
}

function equalAxes(x: Axis, y: Axis, size: { readonly width: number; readonly height: number }): [Axis, Axis] {
  const perPixel = Math.max((x.domain[1] - x.domain[0]) / size.width, (y.domain[1] - y.domain[0]) / size.height);
  const widen = (axis: Axis, pixels: number): Axis => {
    const middle = (axis.domain[0] + axis.domain[1]) / 2;
    const half = (perPixel * pixels) / 2;
    return { ...axis, domain: [middle - half, middle + half] };
  };
  return [widen(x, size.width), widen(y, size.height)];
}

function fix(value: number): string {
  return value.toFixed(1);
}
