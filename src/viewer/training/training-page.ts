// Training: the curves of runs while they train, side by side.
//
// What is shown (runs that are hidden, smoothing, axis) is in the address, so that a link shows the same.

import type { Page, PageContext, Route, SourceItem } from '../page.js';
import { button, element } from '../shell/elements.js';
import { createChartWall } from './chart-wall.js';
import { configPanel } from './config-table.js';
import { createRunCard, type RunCard } from './run-card.js';
import { type FollowedRun, followRun } from './run-follower.js';
import './training.css';

const COLOUR_COUNT = 8;
/** Between looks at the files: while something trains, and while nothing does. */
const POLL_MS = { going: 1500, quiet: 8000 } as const;
/** Looks at the files between looks at which files there are. */
const POLLS_PER_LIST = 4;

interface ShownRun {
  readonly run: FollowedRun;
  readonly card: RunCard;
  readonly colour: string;
  isShown: boolean;
}

interface View {
  /** Position of the slider, 0 to 1. */
  smoothing: number;
  logarithmic: boolean;
  hidden: Set<string>;
}

export function createPage(): Page {
  let stop: () => void = () => {};
  return {
    title: 'Training',
    async mount(root, context) {
      stop = await mountTraining(root, context);
    },
    unmount: () => stop(),
  };
}

async function mountTraining(root: HTMLElement, context: PageContext): Promise<() => void> {
  const { source } = context;
  const view = viewOf(context.route);
  const runs: ShownRun[] = [];
  const list = element('section', { class: 'runs', attributes: { 'aria-label': 'Runs' } });
  const differences = element('div');
  const cursor = element('output', { class: 'muted chart-cursor' });
  let timer = 0;
  let isOver = false;

  const remember = () => context.navigate(routeOf(view), { replace: true });
  const shown = () => runs.filter(({ isShown }) => isShown);
  const resetZoom = button('Whole run', () => wall.resetZoom(), { class: 'zoom-reset' });
  resetZoom.hidden = true;
  const wall = createChartWall('training', {
    onCursor(step) {
      cursor.textContent = step === undefined ? '' : `step ${Math.round(step)}`;
    },
    onZoom(isZoomed) {
      resetZoom.hidden = !isZoomed;
    },
  });
  const draw = () =>
    wall.show(
      shown().map(({ run, colour }) => ({ name: run.item.name, colour, curves: run.curves })),
      view,
    );
  const drawDifferences = () => {
    const configured = shown().map(({ run, colour }) => ({ name: run.item.name, colour, config: run.config }));
    differences.replaceChildren(...(configured.length === 0 ? [] : [configPanel(configured)]));
  };
  const refreshCards = () => {
    for (const { card } of runs) card.refresh(new Date());
  };

  const readRun = async (item: SourceItem) => {
    const run = await followRun(source, item, () => performance.now());
    await run.poll(item);
    return run;
  };
  const addRun = (run: FollowedRun) => {
    const { item } = run;
    const colour = `--series-${(runs.length % COLOUR_COUNT) + 1}`;
    const isShown = !view.hidden.has(item.name);
    const card = createRunCard(run, colour, isShown, (isNowShown) => {
      made.isShown = isNowShown;
      if (isNowShown) view.hidden.delete(item.name);
      else view.hidden.add(item.name);
      remember();
      draw();
      drawDifferences();
    });
    const made: ShownRun = { run, card, colour, isShown };
    runs.push(made);
    list.append(card.root);
  };

  root.append(
    element('div', { class: 'training' }, [
      element('aside', { class: 'training-side' }, [list]),
      element('div', { class: 'training-main' }, [
        toolbar(view, cursor, resetZoom, () => {
          remember();
          draw();
        }),
        wall.root,
        differences,
      ]),
    ]),
  );
  const description = await source.describe();
  let items = description.items.filter(({ kind }) => kind === 'run');
  for (const run of await Promise.all(items.map(readRun))) addRun(run);
  draw();
  drawDifferences();
  refreshCards();
  context.onTheme(draw);

  let round = 0;
  const poll = async () => {
    if (document.hidden) return;
    round += 1;
    if (round % POLLS_PER_LIST === 0) {
      items = (await source.describe()).items.filter(({ kind }) => kind === 'run');
      for (const item of items) {
        if (!isOver && !runs.some(({ run }) => run.item.path === item.path)) {
          addRun(await readRun(item));
          drawDifferences();
        }
      }
    }
    let isNew = false;
    for (const { run } of runs) {
      const item = items.find(({ path }) => path === run.item.path);
      if (item !== undefined) isNew = (await run.poll(item)) || isNew;
    }
    if (isOver) return;
    refreshCards();
    if (isNew) draw();
  };
  const schedule = () => {
    if (isOver) return;
    const isGoing = runs.some(({ card }) => ['going', 'unknown'].includes(card.root.dataset.state ?? ''));
    timer = window.setTimeout(
      async () => {
        try {
          await poll();
        } catch (error) {
          // The server may be started again: curves stay, and the next look tells.
          if (!isOver) context.notify(error instanceof Error ? error.message : String(error));
        }
        schedule();
      },
      isGoing ? POLL_MS.going : POLL_MS.quiet,
    );
  };
  if (description.live) schedule();
  bindKeys(context, root);

  return () => {
    isOver = true;
    clearTimeout(timer);
    wall.dispose();
  };
}

function toolbar(view: View, cursor: HTMLElement, resetZoom: HTMLElement, onChange: () => void): HTMLElement {
  const slider = element('input', {
    class: 'smoothing',
    attributes: { type: 'range', min: 0, max: 1, step: 0.05, value: view.smoothing },
    on: {
      input: (event) => {
        view.smoothing = Number((event.target as HTMLInputElement).value);
        onChange();
      },
    },
  });
  const logarithmic = element('input', {
    class: 'logarithmic',
    attributes: { type: 'checkbox', checked: view.logarithmic },
    on: {
      change: (event) => {
        view.logarithmic = (event.target as HTMLInputElement).checked;
        onChange();
      },
    },
  });
  return element('div', { class: 'training-tools' }, [
    element('label', { class: 'tool' }, ['Smoothing', slider]),
    element('label', { class: 'tool' }, [logarithmic, 'Logarithmic errors']),
    element('span', { class: 'tool muted line-key' }, [
      element('i', { class: 'solid' }),
      'training',
      element('i', { class: 'dashed' }),
      'held out',
    ]),
    resetZoom,
    cursor,
  ]);
}

function bindKeys(context: PageContext, root: HTMLElement): void {
  const slide = (by: number) => {
    const slider = root.querySelector<HTMLInputElement>('.smoothing')!;
    slider.value = String(Number(slider.value) + by);
    slider.dispatchEvent(new Event('input'));
  };
  context.bindShortcuts([
    {
      keys: ['l'],
      about: 'logarithmic or linear errors',
      run: () => root.querySelector<HTMLInputElement>('.logarithmic')!.click(),
    },
    { keys: ['s'], about: 'smooth more', run: () => slide(0.1) },
    { keys: ['S'], about: 'smooth less', run: () => slide(-0.1) },
  ]);
}

function viewOf({ parameters }: Route): View {
  const smoothing = Number(parameters.smoothing ?? 0.3);
  return {
    smoothing: Number.isFinite(smoothing) ? Math.min(1, Math.max(0, smoothing)) : 0,
    logarithmic: parameters.axis !== 'linear',
    hidden: new Set((parameters.hidden ?? '').split(',').filter((name) => name !== '')),
  };
}

function routeOf({ smoothing, logarithmic, hidden }: View): Route {
  return {
    page: 'training',
    parameters: {
      smoothing: String(smoothing),
      axis: logarithmic ? 'log' : 'linear',
      ...(hidden.size > 0 ? { hidden: [...hidden].join(',') } : {}),
    },
  };
}
