// How a training stands: step, loss, time left, what it said of the data; and what can be done with it.

import { button, element, setButton } from '../shell/elements.js';
import { valueText } from '../training/charts.js';
import { durationText } from '../training/run-state.js';
import type { FinetuneJob, JobState } from './finetune-job.js';

export interface JobActions {
  readonly start: () => void;
  readonly hold: () => void;
  readonly stop: () => void;
  readonly drive: () => void;
  readonly download: () => void;
}

export interface JobPanel {
  readonly element: HTMLElement;
  /** @param obstacle why a training cannot be started now; undefined where it can */
  show(job: FinetuneJob | undefined, obstacle: string | undefined): void;
}

const CHIPS: Readonly<Record<JobState, readonly [label: string, style: string]>> = {
  preparing: ['preparing', 'chip-accent'],
  training: ['going', 'chip-accent'],
  held: ['paused', 'chip-warning'],
  finished: ['finished', 'chip-ok'],
  stopped: ['stopped', 'chip-warning'],
  failed: ['failed', 'chip-danger'],
};

export function createJobPanel(actions: JobActions): JobPanel {
  const chip = element('span', { class: 'chip' });
  const name = element('strong');
  const bar = element('progress', { attributes: { max: 1, value: 0, 'aria-label': 'Progress of the training' } });
  const text = element('p', { class: 'finetune-text', attributes: { 'aria-live': 'polite' } });
  const notes = element('div', { class: 'finetune-notes' });
  const start = button('Train', actions.start, { class: 'button-primary' });
  const hold = button('Pause', actions.hold, { icon: 'pause', keys: 'space' });
  const stop = button('Stop', actions.stop, { icon: 'close' });
  const drive = button('Drive it', actions.drive, { icon: 'play', keys: 'd' });
  const download = button('Download the policy', actions.download, { keys: 'b' });
  const holdText = hold.querySelector('span')!;
  const root = element('section', { class: 'panel finetune-job', attributes: { 'aria-label': 'Training' } }, [
    element('div', { class: 'finetune-job-head' }, [
      name,
      chip,
      element('div', { class: 'finetune-buttons' }, [start, hold, stop, drive, download]),
    ]),
    bar,
    text,
    notes,
  ]);
  return {
    element: root,
    show(job, obstacle) {
      const state = job?.state;
      const isGoing = state === 'preparing' || state === 'training' || state === 'held';
      root.dataset.state = state ?? 'none';
      name.textContent = job?.name ?? 'No training yet';
      chip.hidden = state === undefined;
      if (state !== undefined) {
        const [label, style] = CHIPS[state];
        chip.textContent = label;
        chip.className = `chip ${style}`;
      }
      start.hidden = isGoing;
      start.disabled = obstacle !== undefined;
      hold.hidden = state !== 'training' && state !== 'held';
      setButton(hold, state === 'held' ? 'play' : 'pause', state === 'held' ? 'Go on' : 'Pause', 'space');
      hold.removeAttribute('aria-label');
      holdText.textContent = state === 'held' ? 'Go on' : 'Pause';
      stop.hidden = !isGoing;
      drive.hidden = job?.policy === undefined;
      download.hidden = job?.policy === undefined;
      bar.hidden = job === undefined;
      text.textContent =
        job === undefined ? (obstacle ?? 'Ready: press Train.') : textOf(job, isGoing ? undefined : obstacle);
      if (job === undefined) {
        notes.replaceChildren();
        return;
      }
      const step = stepOf(job);
      bar.value = step / job.steps;
      root.dataset.step = String(step);
      const losses = lossesOf(job);
      root.dataset.losses = losses === undefined ? '' : `${losses.first} ${losses.last}`;
      if (notes.childElementCount !== job.notes.length) {
        notes.replaceChildren(...job.notes.map((note) => element('p', { class: 'finetune-note', text: note })));
      }
    },
  };
}

function stepOf({ curves, policy, state }: FinetuneJob): number {
  const line = curves.latest('train')?.step ?? 0;
  return state === 'training' || state === 'held' ? line : Math.max(line, policy?.step ?? 0);
}

/** Means of the first lines and of the last: a single batch says little. */
function lossesOf({ curves }: FinetuneJob): { readonly first: number; readonly last: number } | undefined {
  const { values } = curves.get({ kind: 'loss' }, 'train') ?? { values: [] };
  if (values.length === 0) return undefined;
  const count = Math.min(10, Math.ceil(values.length / 3));
  const mean = (some: readonly number[]) => some.reduce((sum, value) => sum + value, 0) / some.length;
  return { first: mean(values.slice(0, count)), last: mean(values.slice(-count)) };
}

function textOf(job: FinetuneJob, obstacle: string | undefined): string {
  const { state, prepared, curves, steps, policy } = job;
  if (state === 'preparing') return 'Reading the data and starting the engine…';
  const rate = curves.latest('train')?.stepsPerSecond;
  const step = stepOf(job);
  const parts = [`Step ${step} of ${steps}`];
  const losses = lossesOf(job);
  if (losses !== undefined) parts.push(`loss ${valueText(losses.last)}, at first ${valueText(losses.first)}`);
  if (rate !== undefined) parts.push(`${rate.toFixed(1)} steps/s`);
  if (state === 'training' && rate) parts.push(`about ${durationText((steps - step) / rate)} left`);
  if (state === 'held' && policy !== undefined) parts.push(`the policy below is that of step ${policy.step}`);
  if (prepared !== undefined) {
    const { parameterCount, report, engine } = prepared;
    const labelled = `${(100 * report.labelledShare).toFixed(0)} % of frames with an action`;
    parts.push(`${(parameterCount / 1e6).toFixed(2)} M parameters`, labelled, engine);
  }
  return `${parts.join(' · ')}${obstacle === undefined ? '' : `. ${obstacle}`}`;
}
