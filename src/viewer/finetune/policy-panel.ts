// What is trained, and how: a policy that goes on from where it is or a new one, steps, batch, rate, engine.

import { decodeBundle, type PolicyBundle } from '../../policy/bundle.js';
import { drivable, readPolicyFiles } from '../drive/drive-source.js';
import type { PageContext, Problem, SourceItem } from '../page.js';
import { element } from '../shell/elements.js';
import { problemOf } from '../shell/problem.js';
import { type FinetuneSettings, FRESH_MODELS, type FreshModel, SETTINGS_DEFAULTS } from './finetune-config.js';
import type { EngineName } from './protocol.js';

/** A policy to go on from. */
export interface StartPolicy {
  readonly item: SourceItem;
  readonly bundle: PolicyBundle;
  readonly description: Uint8Array;
  readonly weights: Uint8Array;
}

export interface PolicyPanel {
  readonly element: HTMLElement;
  /** Undefined for a new policy, and while one is read. */
  readonly start: StartPolicy | undefined;
  /** The network of a new policy; undefined for one that goes on. */
  readonly model: FreshModel | undefined;
  readonly settings: FinetuneSettings;
  readonly engine: EngineName;
  setItems(items: readonly SourceItem[]): void;
  setEnabled(isEnabled: boolean): void;
  allowWebgpu(): void;
}

export interface PolicyHooks {
  readonly onChange: () => void;
  readonly onProblem: (problem: Problem) => void;
}

const FRESH = '';

export function createPolicyPanel({ source, route }: PageContext, hooks: PolicyHooks): PolicyPanel {
  let items: readonly SourceItem[] = [];
  let start: StartPolicy | undefined;
  /** Path of the policy that was chosen, also while it is away; undefined until there was something to choose from. */
  let wanted: string | undefined;
  let read: string | undefined;

  const policy = element('select', {
    class: 'field',
    attributes: { 'aria-label': 'Policy' },
    on: { change: () => choose() },
  });
  const model = element(
    'select',
    { class: 'field', attributes: { 'aria-label': 'Network' }, on: { change: hooks.onChange } },
    Object.entries(FRESH_MODELS).map(([name, { text }]) => element('option', { text, attributes: { value: name } })),
  );
  const modelLabel = element('label', { class: 'label' }, ['Network', model]);
  const number = (
    name: keyof FinetuneSettings,
    text: string,
    attributes: Readonly<Record<string, string | number>>,
  ) => {
    const field = element('input', {
      class: 'field',
      attributes: { type: 'number', name, required: true, ...attributes },
      on: { input: hooks.onChange },
    });
    return { field, label: element('label', { class: 'label' }, [text, field]) };
  };
  const fields = {
    steps: number('steps', 'Steps', { min: 1, max: 1_000_000, step: 1 }),
    batch: number('batch', 'Batch', { min: 1, max: 1024, step: 1 }),
    learningRate: number('learningRate', 'Learning rate', { min: 1e-7, max: 0.1, step: 'any' }),
  };
  const engine = element('select', { class: 'field', attributes: { 'aria-label': 'Engine' } }, [
    element('option', { text: 'processor (WebAssembly)', attributes: { value: 'wasm' } }),
    element('option', {
      text: 'graphics card (WebGPU): none here',
      attributes: { value: 'webgpu', disabled: true },
    }),
  ]);
  const fieldset = element('fieldset', { class: 'finetune-fields' }, [
    element('label', { class: 'label' }, ['Go on from', policy]),
    modelLabel,
    element(
      'div',
      { class: 'finetune-numbers' },
      Object.values(fields).map(({ label }) => label),
    ),
    element('label', { class: 'label' }, ['Engine', engine]),
  ]);

  const isFresh = () => policy.value === FRESH;
  const fill = () => {
    const defaults = isFresh() ? SETTINGS_DEFAULTS.fresh : SETTINGS_DEFAULTS.further;
    for (const [name, value] of Object.entries(defaults))
      fields[name as keyof typeof fields].field.value = String(value);
  };
  const choose = () => {
    wanted = policy.value;
    fill();
    void readChosen();
  };
  const readChosen = async () => {
    const path = policy.value;
    read = path;
    start = undefined;
    modelLabel.hidden = !isFresh();
    hooks.onChange();
    const item = items.find((one) => one.path === path);
    if (item === undefined) return;
    try {
      const { description, weights } = await readPolicyFiles(source, item);
      if (read !== path) return;
      start = { item, description, weights, bundle: decodeBundle(description, weights, item.name) };
    } catch (error) {
      if (read === path) hooks.onProblem(problemOf(error));
    }
    hooks.onChange();
  };

  return {
    element: element('section', { class: 'panel' }, [
      element('div', { class: 'panel-head' }, [element('h2', { text: 'Policy' })]),
      fieldset,
    ]),
    get start() {
      return start;
    },
    get model() {
      return isFresh() ? (model.value as FreshModel) : undefined;
    },
    get settings() {
      const value = (name: keyof FinetuneSettings) => fields[name].field.valueAsNumber;
      return { steps: value('steps'), batch: value('batch'), learningRate: value('learningRate') };
    },
    get engine() {
      return engine.value as EngineName;
    },
    setItems(given) {
      items = drivable(given);
      policy.replaceChildren(
        ...items.map(({ name, path, kind }) =>
          element('option', { text: kind === 'run' ? `${name} (run)` : name, attributes: { value: path } }),
        ),
        element('option', { text: 'nothing: a new policy', attributes: { value: FRESH } }),
      );
      const path = wanted ?? route.parameters.policy ?? items[0]?.path ?? FRESH;
      policy.value = items.some((item) => item.path === path) ? path : FRESH;
      if (wanted === undefined) choose();
      // A folder that was away for a moment is read again; the visitor's settings stay.
      else if (policy.value !== read) void readChosen();
    },
    setEnabled(isEnabled) {
      fieldset.disabled = !isEnabled;
    },
    allowWebgpu() {
      const option = engine.options[1];
      option.disabled = false;
      option.text = 'graphics card (WebGPU)';
    },
  };
}
