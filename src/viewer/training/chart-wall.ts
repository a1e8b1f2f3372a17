// The charts of one or more runs, in groups: which there are follows from what the runs have; cursor and zoom go through
// all of them.

import { element } from '../shell/elements.js';
import './charts.css';
import { type ChartGroup, chartGroups } from './charts.js';
import { type CurveChart, createCurveChart } from './curve-chart.js';
import { type Curves, keyOf } from './curves.js';
import { spanOf } from './smoothing.js';

export interface WallRun {
  readonly name: string;
  /** Custom property of its colour. */
  readonly colour: string;
  readonly curves: Curves;
}

export interface WallView {
  /** Position of the slider, 0 to 1. */
  readonly smoothing: number;
  readonly logarithmic: boolean;
}

export interface ChartWall {
  readonly root: HTMLElement;
  /** Draws the runs as they are now. */
  show(runs: readonly WallRun[], view: WallView): void;
  /** All steps again. */
  resetZoom(): void;
  dispose(): void;
}

export interface WallHooks {
  /** The step under the cursor in any chart; undefined where there is none. */
  readonly onCursor?: (step: number | undefined) => void;
  readonly onZoom?: (isZoomed: boolean) => void;
}

/** @param syncKey tells the cursors of one wall from those of another */
export function createChartWall(syncKey: string, hooks: WallHooks = {}): ChartWall {
  const root = element('div', { class: 'chart-groups' });
  const charts = new Map<string, CurveChart>();
  let groups: readonly ChartGroup[] = [];
  let layout = '';
  let runs: readonly WallRun[] = [];
  let view: WallView = { smoothing: 0, logarithmic: false };
  let zoom: readonly [number, number] | undefined;

  const onCursor = (step: number | undefined) => {
    hooks.onCursor?.(step);
    for (const chart of charts.values()) chart.point(step);
  };
  const setZoom = (range: readonly [number, number] | undefined) => {
    zoom = range;
    hooks.onZoom?.(range !== undefined);
    drawCurves();
  };
  const drawCurves = () => {
    const reached = Math.max(1, ...runs.map(({ curves }) => curves.latest('train')?.step ?? 0));
    // An early run is shown over the steps that it has, not as a speck at the left of those that it will have.
    const range = zoom ?? ([0, reached * 1.02] as const);
    for (const spec of groups.flatMap(({ charts: specs }) => specs)) {
      charts.get(keyOf(spec.quantity))?.show({
        runs: runs.map(({ name, colour, curves }) => ({
          name,
          colour,
          curve: (split) => curves.get(spec.quantity, split),
        })),
        span_steps: spanOf(view.smoothing, reached),
        logarithmic: view.logarithmic,
        range,
      });
    }
  };
  const layOut = () => {
    for (const chart of charts.values()) chart.dispose();
    charts.clear();
    root.replaceChildren(
      ...groups.map((group) => {
        const made = group.charts.map((spec) => {
          const chart = createCurveChart(spec, syncKey, { onCursor, onZoom: setZoom });
          charts.set(keyOf(spec.quantity), chart);
          return chart.root;
        });
        return element('section', { class: 'chart-group' }, [
          element('header', {}, [
            element('h2', { text: group.title }),
            element('span', { class: 'muted', text: group.about }),
          ]),
          element('div', { class: 'chart-grid' }, made),
        ]);
      }),
    );
  };

  return {
    root,
    show(shown, as) {
      runs = shown;
      view = as;
      const sources = [...new Set(runs.flatMap(({ curves }) => curves.sources))];
      groups = chartGroups(sources, (quantity) =>
        runs.some(({ curves }) => (curves.get(quantity, 'train') ?? curves.get(quantity, 'validation')) !== undefined),
      );
      const next = groups.flatMap(({ charts: specs }) => specs.map(({ quantity }) => keyOf(quantity))).join(' ');
      if (next !== layout) {
        layout = next;
        layOut();
      }
      drawCurves();
    },
    resetZoom: () => setZoom(undefined),
    dispose() {
      for (const chart of charts.values()) chart.dispose();
    },
  };
}
