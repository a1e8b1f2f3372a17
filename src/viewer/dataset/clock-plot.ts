// A plot over time that is locked to the clock: a hair line at the frame that is shown, its values beside the title, and
// a press or a drag in it moves the clock.

import uPlot from 'uplot';
import { element } from '../shell/elements.js';
import { cssColour } from '../shell/theme.js';
import type { PlotContent } from './plot-series.js';

export interface LineStyle {
  readonly label: string;
  /** Custom property of the theme. */
  readonly colour: string;
  readonly dashed?: boolean;
}

export interface ClockPlotOptions {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly LineStyle[];
  /** The range of y is at least this wide, so that noise is not blown up to a storm. */
  readonly leastRange: number;
  /** False where the names of the lines stand elsewhere. */
  readonly named?: boolean;
  onSeek(seconds: number): void;
}

export interface ClockPlot {
  readonly element: HTMLElement;
  /** @param limits horizontal lines, for instance a joint's limits */
  show(seconds: number[], content: PlotContent, limits?: readonly number[]): void;
  setFrame(frame: number, seconds: number): void;
  repaint(): void;
  dispose(): void;
}

const HEIGHT_PX = 84;

export function createClockPlot({
  title,
  unit,
  lines,
  leastRange,
  named = lines.length > 1,
  onSeek,
}: ClockPlotOptions): ClockPlot {
  const values = lines.map(() => element('span', { class: 'plot-value' }));
  const legend = lines.map((line, at) => lineKey(named ? line : { ...line, label: '' }, values[at]));
  const place = element('div', { class: 'plot-place' });
  const masked = element('div', { class: 'plot-masked', text: 'masked: this episode does not have it' });
  const root = element('figure', { class: 'plot' }, [
    element('figcaption', { class: 'plot-head' }, [
      element('span', { class: 'plot-title', text: title }),
      element('span', { class: 'plot-unit', text: unit }),
      ...legend,
    ]),
    place,
    masked,
  ]);
  const hair = element('div', { class: 'plot-hair' });
  let plot: uPlot | undefined;
  let shown: { seconds: number[]; content: PlotContent; limits: readonly number[] } | undefined;
  let clock_s = 0;

  const moveHair = () => {
    if (plot !== undefined) hair.style.transform = `translateX(${plot.valToPos(clock_s, 'x')}px)`;
  };
  const build = () => {
    plot?.destroy();
    plot = undefined;
    if (shown === undefined || place.clientWidth < 40) return;
    const { seconds, content, limits } = shown;
    const curves = lines.map((_, at) => content.lines[at]?.curve ?? seconds.map(() => null));
    const data = [seconds, ...curves] as uPlot.AlignedData;
    plot = new uPlot(options(lines, leastRange, place.clientWidth, limits, moveHair), data, place);
    plot.over.append(hair);
    followPointer(plot, onSeek);
  };
  const observer = new ResizeObserver(() => {
    const width = place.clientWidth;
    if (plot === undefined) build();
    else if (width >= 40 && width !== plot.width) {
      plot.setSize({ width, height: HEIGHT_PX });
      moveHair();
    }
  });
  observer.observe(place);

  return {
    element: root,
    show(seconds, content, limits = []) {
      shown = { seconds, content, limits };
      const isThere = content.lines.some((line) => line?.curve.some((value) => value !== null));
      root.classList.toggle('is-masked', !isThere);
      for (const [at, key] of legend.entries()) key.classList.toggle('is-absent', content.lines[at] === undefined);
      build();
    },
    setFrame(frame, seconds) {
      clock_s = seconds;
      moveHair();
      values.forEach((value, at) => {
        const number = shown?.content.lines[at]?.curve[frame];
        const text = number === undefined || number === null ? '–' : number.toFixed(2);
        if (value.textContent !== text) value.textContent = text;
      });
    },
    repaint: build,
    dispose() {
      observer.disconnect();
      plot?.destroy();
    },
  };
}

function options(
  lines: readonly LineStyle[],
  leastRange: number,
  width: number,
  limits: readonly number[],
  onDrawn: () => void,
): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: cssColour('--text-muted'),
    grid: { stroke: cssColour('--border'), width: 1 },
    ticks: { show: false },
    font: `11px ${cssColour('--font')}`,
  };
  return {
    width,
    height: HEIGHT_PX,
    padding: [6, 6, 4, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false },
      y: { range: (_, low, high) => rangeOf(low, high, leastRange) },
    },
    axes: [
      { ...axis, size: 0, values: () => [] },
      { ...axis, size: 42, space: 22 },
    ],
    series: [
      {},
      ...lines.map(
        ({ label, colour, dashed }): uPlot.Series => ({
          label,
          stroke: cssColour(colour),
          width: 1.5,
          dash: dashed ? [5, 4] : undefined,
          points: { show: false },
          spanGaps: false,
        }),
      ),
    ],
    // The scales are known once it is drawn.
    hooks: { draw: [(drawn) => drawLimits(drawn, limits), onDrawn] },
  };
}

function rangeOf(low: number | null, high: number | null, least: number): [number, number] {
  if (low === null || high === null) return [-least / 2, least / 2];
  const missing = Math.max(0, least - (high - low)) / 2;
  const margin = 0.08 * Math.max(least, high - low);
  return [low - missing - margin, high + missing + margin];
}

function drawLimits(plot: uPlot, limits: readonly number[]): void {
  const { ctx: pen, bbox } = plot;
  pen.save();
  pen.beginPath();
  pen.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  pen.clip();
  pen.strokeStyle = cssColour('--danger');
  pen.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const limit of limits) {
    if (!Number.isFinite(limit)) continue;
    const y = Math.round(plot.valToPos(limit, 'y', true));
    pen.beginPath();
    pen.moveTo(bbox.left, y);
    pen.lineTo(bbox.left + bbox.width, y);
    pen.stroke();
  }
  pen.restore();
}

function followPointer(plot: uPlot, onSeek: (seconds: number) => void): void {
  const { over } = plot;
  const seek = (event: PointerEvent) => onSeek(plot.posToVal(event.clientX - over.getBoundingClientRect().left, 'x'));
  over.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    over.setPointerCapture(event.pointerId);
    seek(event);
  });
  over.addEventListener('pointermove', (event) => {
    if (over.hasPointerCapture(event.pointerId)) seek(event);
  });
}

/** A line's swatch and name, and what else belongs to it. */
export function lineKey({ label, colour, dashed }: LineStyle, ...others: readonly Node[]): HTMLElement {
  const swatch = element('span', { class: `plot-swatch${dashed ? ' is-dashed' : ''}` });
  swatch.style.color = `var(${colour})`;
  return element('span', { class: 'plot-key' }, [swatch, label, ...others]);
}
