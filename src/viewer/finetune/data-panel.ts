// The data to train on: shards that are dropped or picked, and datasets that the viewer was given.

import { type PageContext, type Problem, ProblemError, type SourceItem } from '../page.js';
import { button, element } from '../shell/elements.js';
import { problemOf } from '../shell/problem.js';
import {
  MOST_TRAINING_BYTES,
  openTrainingShard,
  type ShardFile,
  shardOfBlob,
  shardOfSource,
  type TrainingShard,
} from './training-shards.js';

/** Key of the chosen shards in the page's memory. */
const SHARDS = 'shards';
/** Key of the promise that settles when nothing is being read into them any more, also for a page that was left. */
const WORK = 'work';

export interface DataPanel {
  readonly element: HTMLElement;
  readonly shards: readonly TrainingShard[];
  /** Takes in files that were dropped anywhere on the page. */
  drop(files: readonly File[]): void;
  setDatasets(items: readonly SourceItem[]): void;
  /** Takes in a dataset by its path; nothing where there is none. */
  addDataset(path: string): void;
  setEnabled(isEnabled: boolean): void;
}

export interface DataHooks {
  readonly onChange: () => void;
  readonly onProblem: (problem: Problem) => void;
}

export function createDataPanel({ source, memory }: PageContext, hooks: DataHooks): DataPanel {
  // Found again by who comes back from driving.
  const shards = (memory.get(SHARDS) as TrainingShard[] | undefined) ?? [];
  memory.set(SHARDS, shards);
  let datasets: readonly SourceItem[] = [];
  // One at a time, in the order that they came.
  let work = (memory.get(WORK) as Promise<void> | undefined) ?? Promise.resolve();

  const input = element('input', {
    class: 'visually-hidden',
    attributes: { type: 'file', multiple: true, accept: '.arrow', id: 'finetune-files' },
    on: {
      change: () => {
        drop([...(input.files ?? [])]);
        input.value = '';
      },
    },
  });
  const chooser = element('select', {
    class: 'field',
    attributes: { 'aria-label': 'Add a dataset' },
    on: {
      change: () => {
        addDataset(chooser.value);
        chooser.value = '';
      },
    },
  });
  const list = element('ul', { class: 'finetune-shards' });
  const total = element('p', { class: 'muted finetune-total', attributes: { 'aria-live': 'polite' } });
  const pick = element('label', { class: 'finetune-drop', attributes: { for: 'finetune-files' } }, [
    element('strong', { text: 'Drop shards here' }),
    element('span', { class: 'muted', text: 'or choose .arrow files' }),
  ]);
  const fieldset = element('fieldset', { class: 'finetune-fields' }, [input, pick, chooser, list, total]);

  const drawList = () => {
    list.replaceChildren(
      ...shards.map((shard) =>
        element('li', {}, [
          element('span', { class: 'finetune-shard' }, [
            element('span', { text: shard.file.name }),
            element('span', { class: 'muted', text: shardText(shard) }),
          ]),
          button(
            `Leave out ${shard.file.name}`,
            () => {
              shards.splice(shards.indexOf(shard), 1);
              draw();
            },
            { icon: 'close', iconOnly: true },
          ),
        ]),
      ),
    );
    total.textContent = shards.length === 0 ? '' : totalText(shards);
  };
  const draw = () => {
    drawList();
    hooks.onChange();
  };
  const add = async (file: ShardFile) => {
    const bytes = shards.reduce((sum, shard) => sum + shard.file.bytes, file.bytes);
    if (bytes > MOST_TRAINING_BYTES) {
      throw new ProblemError({
        what: `With ${file.name} it is too much for a page`,
        fix: `A page trains on ${megabytes(MOST_TRAINING_BYTES)} of shards at the most. Leave some out, or train with nextgait train, which has no such limit.`,
      });
    }
    const shard = await openTrainingShard(file);
    const before = shards.findIndex((known) => known.file.name === file.name);
    shards.splice(before < 0 ? shards.length : before, before < 0 ? 0 : 1, shard);
  };
  const queue = (task: () => Promise<void>) => {
    work = work
      .then(task)
      .catch((error: unknown) => hooks.onProblem(problemOf(error)))
      .then(draw);
    memory.set(WORK, work);
  };
  const drop = (files: readonly File[]) => {
    // A whole dataset folder's files may come: its manifest says nothing that the shards do not.
    for (const file of files.filter(({ name }) => name !== 'manifest.json')) {
      queue(() => add(shardOfBlob(file, file.name)));
    }
  };
  const addDataset = (path: string) => {
    const item = datasets.find((dataset) => dataset.path === path);
    if (item === undefined) return;
    queue(async () => {
      const manifest = await source.readJson<{ shards: { file: string; bytes: number }[] }>(`${path}/manifest.json`);
      for (const { file, bytes } of manifest.shards) {
        await add(shardOfSource(source, `${path}/${file}`, `${item.name}/${file}`, bytes));
        draw();
      }
    });
  };

  drawList();
  // What a page that was left still reads is trained on too: it is shown when it is there.
  void work.then(draw);
  return {
    element: element('section', { class: 'panel' }, [
      element('div', { class: 'panel-head' }, [element('h2', { text: 'Data' })]),
      fieldset,
    ]),
    shards,
    drop,
    addDataset,
    setDatasets(items) {
      datasets = items;
      chooser.hidden = items.length === 0;
      chooser.replaceChildren(
        element('option', { text: 'Add a dataset…', attributes: { value: '' } }),
        ...items.map(({ name, path }) => element('option', { text: name, attributes: { value: path } })),
      );
    },
    setEnabled(isEnabled) {
      fieldset.disabled = !isEnabled;
    },
  };
}

function shardText({ episodes, seconds, labelledCount }: TrainingShard): string {
  const without = episodes.length - labelledCount;
  const actions = without === 0 ? '' : `, ${without} without actions`;
  return `${countText(episodes.length, 'episode')} · ${timeText(seconds)}${actions}`;
}

function totalText(shards: readonly TrainingShard[]): string {
  const episodes = shards.reduce((sum, shard) => sum + shard.episodes.length, 0);
  const seconds = shards.reduce((sum, shard) => sum + shard.seconds, 0);
  const bytes = shards.reduce((sum, shard) => sum + shard.file.bytes, 0);
  return `${shards[0].robot.name}: ${countText(episodes, 'episode')}, ${timeText(seconds)}, ${megabytes(bytes)}`;
}

function countText(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

function timeText(seconds: number): string {
  return seconds < 120 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
