// A trial being watched: the scene, what it says in numbers at this moment, and its plots with a hair line that follows.

import type { Evaluation } from '../../evaluate/evaluation.js';
import { pathPlot, velocityPlotsOf } from '../../evaluate/report-plots.js';
import { createPlayer, type Player } from '../dataset/player.js';
import type { PageContext } from '../page.js';
import type { LoadedDescription } from '../scene/load-description.js';
import { createStage } from '../scene/stage.js';
import { element, svgElement } from '../shell/elements.js';
import { createReplayControls } from './replay-controls.js';
import { type Replay, type ReplayRun, readoutAt, shareOfPlot } from './replay-model.js';
import { createReplayScene } from './replay-scene.js';
import { commandText } from './trials.js';

export interface ReplayPanel {
  readonly root: HTMLElement;
  readonly player: Player;
  show(replay: Replay, frame: number): void;
  look(view: 'robot' | 'above'): void;
  dispose(): void;
}

/** How long the word of a kick or a fall stays (s). */
const WORD_S = 1.2;

/** @throws ProblemError where the browser has no WebGL */
export function createReplayPanel(
  context: PageContext,
  evaluation: Evaluation,
  description: LoadedDescription,
): ReplayPanel {
  const player = createPlayer();
  player.setLoop(false);
  const place = element('div', { class: 'replay-stage' });
  const title = element('div', { class: 'replay-title' });
  const word = element('div', { class: 'replay-word', attributes: { role: 'status' } });
  const numbers = element('div', { class: 'replay-numbers' });
  const plots = element('div', { class: 'plots' });
  const note = element('p', { class: 'muted', text: description.note ?? '' });
  const root = element('div', { class: 'replay' });
  const stage = createStage(place, {
    theme: context.theme,
    onProblem: context.showProblem,
    onSlow: (text) => context.notify(text),
  });
  place.append(title, word);
  const scene = createReplayScene(stage, description, root);
  const controls = createReplayControls(player, scene.lookFrom);
  root.append(
    element('div', { class: 'panel replay-view' }, [place, controls.root, numbers]),
    ...(description.note === undefined ? [] : [note]),
    plots,
  );
  context.onTheme((theme) => {
    stage.setTheme(theme);
    scene.setTheme(theme);
  });

  let replay: Replay | undefined;
  let hairs: SVGElement[] = [];
  let cells: ReturnType<typeof numberTable> | undefined;
  const follow = () => {
    if (replay === undefined) return;
    const { frame, rate_hz } = player.state;
    scene.setFrame(frame);
    controls.update(player.state);
    cells?.update(replay, frame);
    const share = shareOfPlot(replay, frame);
    for (const hair of hairs) hair.setAttribute('transform', `translate(${share * Number(hair.dataset.width)} 0)`);
    const time_s = frame / rate_hz;
    const said = replay.marks.filter((mark) => mark.time_s <= time_s && time_s < mark.time_s + WORD_S).at(-1);
    word.textContent = said?.text ?? '';
    word.className = `replay-word ${said === undefined ? '' : `is-shown is-${said.kind}`}`;
  };
  player.listen(() => {
    follow();
    stage.invalidate();
  });
  stage.onFrame((elapsed_s) => player.advance(elapsed_s));

  return {
    root,
    player,
    look: scene.lookFrom,
    show(next, frame) {
      replay = next;
      root.dataset.trial = `${next.condition}/${next.number}`;
      const kind = next.condition === 'kicked' ? 'with kicks' : 'undisturbed';
      title.replaceChildren(
        element('strong', { text: `Trial ${next.number}, ${kind}` }),
        element('span', { text: commandText(next.sample.command) }),
      );
      cells = numberTable(next.runs);
      numbers.replaceChildren(cells.root);
      // Text of the evaluation is escaped by the plots.
      plots.innerHTML = [
        pathPlot(next.sample, evaluation.contenders),
        ...velocityPlotsOf(next.sample, evaluation.contenders, next.duration_s),
      ]
        .map((plot) => `<figure>${plot}</figure>`)
        .join('');
      hairs = [...plots.querySelectorAll<SVGSVGElement>('figure:not(:first-child) svg.plot > svg')].map(addHair);
      scene.show(next);
      controls.show(next);
      player.load(next.frameCount, next.rate_hz, frame);
      follow();
    },
    dispose() {
      scene.dispose();
      stage.dispose();
    },
  };
}

/** A line over a plot's frame, moved by its group's transform. */
function addHair(frame: SVGSVGElement): SVGElement {
  const { x, y, width, height } = frame.viewBox.baseVal;
  const line = svgElement('line', { class: 'hair', x1: x, x2: x, y1: y, y2: y + height });
  const group = svgElement('g', { 'data-width': width }, [line]);
  frame.append(group);
  return group;
}

const COLUMNS = ['vx m/s', 'vy m/s', 'wz rad/s', 'off path m'] as const;

/** What is commanded, and what each robot does, at the frame. */
function numberTable(runs: readonly ReplayRun[]) {
  const cell = () => element('td', { class: 'number' });
  const commanded = COLUMNS.map(cell);
  const rows = runs.map((run) => ({ run, cells: COLUMNS.map(cell) }));
  const row = (name: string, className: string, cells: readonly HTMLElement[]) =>
    element('tr', { class: className }, [element('th', { text: name, attributes: { scope: 'row' } }), ...cells]);
  const root = element('table', { class: 'table' }, [
    element('thead', {}, [
      element('tr', {}, [
        element('th'),
        ...COLUMNS.map((text) => element('th', { class: 'number', text, attributes: { scope: 'col' } })),
      ]),
    ]),
    element('tbody', {}, [
      row('commanded', 'planned', commanded),
      ...rows.map(({ run, cells }) =>
        row(run.role === 'teacher' ? `${run.name} (teacher)` : run.name, run.role, cells),
      ),
    ]),
  ]);
  const write = (target: HTMLElement, value: number) => {
    target.textContent = Number.isFinite(value) ? value.toFixed(2).replace('-', '−') : '–';
  };
  return {
    root,
    update(replay: Replay, frame: number) {
      rows.forEach(({ run, cells }, at) => {
        const readout = readoutAt(replay, run, frame);
        readout.achieved.forEach((value, axis) => {
          write(cells[axis], value);
          if (at === 0) write(commanded[axis], readout.commanded[axis]);
        });
        write(cells[3], readout.offPath_m);
        cells[0].parentElement!.classList.toggle('is-down', readout.isDown);
      });
    },
  };
}
