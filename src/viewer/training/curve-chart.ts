// One chart: the curves of all shown runs of one quantity, their values under the cursor, zoom by dragging.
//
// Colour tells runs apart; a dashed line with dots is held-out data. Where curves are smoothed, the raw one stays behind
// the smoothed one, faint. Cursor and zoom go through all charts of the page together.

import uPlot from 'uplot';
import { element } from '../shell/elements.js';
import { cssColour } from '../shell/theme.js';
import { alignCurves, nearestIndex } from './align.js';
import { type ChartSpec, valueText } from './charts.js';
import type { Curve, Split } from './curves.js';
import { logarithmicTicks } from './log-ticks.js';
import { smooth } from './smoothing.js';

/** A run's part in a chart. */
export interface ChartRun {
  readonly name: string;
  /** Custom property of its colour. */
  readonly colour: string;
  readonly curve: (split: Split) => Curve | undefined;
}

export interface ChartView {
  readonly runs: readonly ChartRun[];
  /** Span of the smoothing (steps); 0 for none. */
  readonly span_steps: number;
  readonly logarithmic: boolean;
  /** Steps that are shown. */
  readonly range: readonly [number, number];
}

export interface ChartHooks {
  /** The step under the cursor in any chart; undefined where there is none. */
  readonly onCursor: (step: number | undefined) => void;
  /** Steps to zoom to; undefined for all. */
  readonly onZoom: (range: readonly [number, number] | undefined) => void;
}

export interface CurveChart {
  readonly root: HTMLElement;
  show(view: ChartView): void;
  /** Values at a step in the legend; the newest ones without. */
  point(step: number | undefined): void;
  dispose(): void;
}

interface Line {
  readonly run: ChartRun;
  readonly split: Split;
  readonly curve: Curve;
  /** Drawn faint behind its smoothed self. */
  readonly isRaw: boolean;
}

const HEIGHT_PX = 190;
const SPLIT_TEXTS: Readonly<Record<Split, string>> = { train: 'training', validation: 'held out' };

export function createCurveChart(spec: ChartSpec, syncKey: string, hooks: ChartHooks): CurveChart {
  const place = element('div', { class: 'chart-plot' });
  const legend = element('div', { class: 'chart-legend' });
  const root = element('figure', { class: 'chart panel' }, [
    element('figcaption', { class: 'chart-head' }, [
      element('h3', { text: spec.title }),
      element('span', { class: 'muted', text: spec.unit }),
    ]),
    place,
    legend,
  ]);
  let plot: uPlot | undefined;
  let shape = '';
  let lines: readonly Line[] = [];
  let range: readonly [number, number] = [0, 1];

  const point = (step: number | undefined) => {
    legend.replaceChildren(...legendRows(spec.splits, lines, step));
  };
  const width = () => Math.max(120, place.clientWidth);
  // In the next frame: a change of size while sizes are being told makes the browser report an error.
  let resizing = 0;
  const observer = new ResizeObserver(() => {
    cancelAnimationFrame(resizing);
    resizing = requestAnimationFrame(() => plot?.setSize({ width: width(), height: HEIGHT_PX }));
  });
  observer.observe(place);

  return {
    root,
    point,
    show(view) {
      lines = linesOf(spec, view);
      range = view.range;
      const { steps, columns } = alignCurves(lines.map(({ curve }) => curve));
      const data = [steps, ...columns] as uPlot.AlignedData;
      const isLogarithmic = view.logarithmic && spec.canBeLogarithmic;
      const colours = lines.map(({ run }) => cssColour(run.colour));
      const next = JSON.stringify([
        isLogarithmic,
        colours,
        cssColour('--text'),
        lines.map(({ split, isRaw }) => [split, isRaw]),
      ]);
      if (plot === undefined || next !== shape) {
        shape = next;
        plot?.destroy();
        const options = plotOptions(lines, colours, isLogarithmic, () => range, syncKey, hooks);
        plot = new uPlot({ ...options, width: width(), height: HEIGHT_PX }, data, place);
      } else {
        plot.setData(data);
      }
      root.classList.toggle('is-empty', steps.length === 0);
      point(undefined);
    },
    dispose() {
      observer.disconnect();
      cancelAnimationFrame(resizing);
      plot?.destroy();
      plot = undefined;
    },
  };
}

function linesOf({ splits, canBeLogarithmic }: ChartSpec, { runs, span_steps, logarithmic }: ChartView): Line[] {
  const lines: Line[] = [];
  for (const run of runs) {
    for (const split of splits) {
      const curve = run.curve(split);
      if (curve === undefined || curve.steps.length === 0) continue;
      // A logarithmic axis has no place for 0.
      const shown = logarithmic && canBeLogarithmic ? positiveOf(curve) : curve;
      const isSmoothed = span_steps > 0 && split === 'train';
      lines.push({ run, split, curve: shown, isRaw: isSmoothed });
      if (isSmoothed) {
        // The run's own arrays go on growing: what was smoothed keeps the steps that it was made of.
        const smoothed = { steps: shown.steps.slice(), values: smooth(shown, span_steps) };
        lines.push({ run, split, curve: smoothed, isRaw: false });
      }
    }
  }
  // Faint ones first, so that no smoothed line is under another's noise.
  return lines.sort((a, b) => Number(b.isRaw) - Number(a.isRaw));
}

function positiveOf(curve: Curve): Curve {
  if (curve.values.every((value) => value > 0)) return curve;
  const kept = curve.values.map((_, at) => at).filter((at) => curve.values[at] > 0);
  return { steps: kept.map((at) => curve.steps[at]), values: kept.map((at) => curve.values[at]) };
}

function plotOptions(
  lines: readonly Line[],
  colours: readonly string[],
  isLogarithmic: boolean,
  range: () => readonly [number, number],
  syncKey: string,
  hooks: ChartHooks,
): Omit<uPlot.Options, 'width' | 'height'> {
  const axis: uPlot.Axis = {
    stroke: cssColour('--text-muted'),
    grid: { stroke: cssColour('--border'), width: 1 },
    ticks: { show: false },
    font: `11px ${cssColour('--font')}`,
    gap: 6,
  };
  return {
    scales: {
      x: { time: false, range: () => [...range()] as [number, number] },
      y: isLogarithmic ? { distr: 3, log: 10, range: logarithmicRange } : {},
    },
    axes: [
      { ...axis, size: 26, space: 60, values: (_, steps) => steps.map(stepText) },
      {
        ...axis,
        size: 46,
        space: 26,
        // The library's own logarithmic ticks take for granted that the ends are powers of ten.
        ...(isLogarithmic
          ? {
              splits: (_plot: uPlot, _axis: number, low: number, high: number) => logarithmicTicks(low, high),
              filter: every,
              grid: { ...axis.grid, filter: every },
            }
          : {}),
        values: (_, values) => values.map((value) => (value === null ? '' : tickText(value))),
      },
    ],
    series: [
      {},
      ...lines.map(({ split, isRaw, curve }, at): uPlot.Series => {
        const isHeldOut = split === 'validation';
        return {
          stroke: colours[at],
          alpha: isRaw ? 0.25 : 1,
          width: isRaw ? 1 : 1.8,
          dash: isHeldOut ? [5, 4] : undefined,
          spanGaps: true,
          points: { show: isHeldOut ? curve.steps.length < 60 : curve.steps.length === 1, size: 5, fill: colours[at] },
        };
      }),
    ],
    cursor: {
      sync: { key: syncKey },
      drag: { x: true, y: false, setScale: false },
      points: { show: false },
      y: false,
    },
    legend: { show: false },
    padding: [8, 10, 0, 0],
    hooks: {
      setCursor: [
        ({ cursor, posToVal }) => {
          const left = cursor.left ?? -1;
          hooks.onCursor(left < 0 ? undefined : posToVal(left, 'x'));
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          hooks.onZoom([plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')]);
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      ready: [(plot) => plot.over.addEventListener('dblclick', () => hooks.onZoom(undefined))],
    },
  };
}

function every(_plot: uPlot, ticks: number[]): number[] {
  return ticks;
}

/** The data and a little more: whole decades would leave most of the plot empty. */
function logarithmicRange(_plot: uPlot, low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0.1, 1];
  const margin = Math.max(1.05, (high / low) ** 0.06);
  return [low / margin, high * margin];
}

function tickText(value: number): string {
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(0).replace('-', '−').replace('+', '');
  return String(Number(value.toPrecision(4))).replace('-', '−');
}

function stepText(step: number): string {
  return step >= 10_000 ? `${Number((step / 1000).toPrecision(4))}k` : String(step);
}

function legendRows(splits: readonly Split[], lines: readonly Line[], step: number | undefined): HTMLElement[] {
  const runs = [...new Set(lines.map(({ run }) => run))];
  return runs.map((run) => {
    const values = splits.map((split) => {
      const line = lines.find((one) => one.run === run && one.split === split && !one.isRaw);
      if (line === undefined) return element('span');
      const { steps, values: all } = line.curve;
      const at = step === undefined ? steps.length - 1 : nearestIndex(steps, step);
      const mark = element('i', { class: 'dashed', attributes: { 'aria-label': 'held out' } });
      return element('span', { title: `${SPLIT_TEXTS[split]}, step ${steps[at]}` }, [
        ...(split === 'validation' ? [mark] : []),
        valueText(all[at]),
      ]);
    });
    const row = element('div', { class: 'chart-values' }, [
      element('span', { class: 'swatch', attributes: { style: `--colour: var(${run.colour})` } }),
      element('span', { class: 'chart-run', text: run.name }),
      ...values,
    ]);
    return row;
  });
}
