// A field to choose among things of one kind; not there while there is one alone.

import type { SourceItem } from '../page.js';
import { element } from './elements.js';

export interface ItemChooser {
  readonly element: HTMLElement;
  /** Shows what there is now. */
  set(items: readonly SourceItem[]): void;
}

export interface ItemChooserOptions {
  readonly label: string;
  readonly isLabelShown?: boolean;
  readonly current: SourceItem;
  readonly items: readonly SourceItem[];
  onChoose(item: SourceItem): void;
}

export function createItemChooser(options: ItemChooserOptions): ItemChooser {
  let items = options.items;
  const field = element('select', {
    class: 'field',
    attributes: { 'aria-label': options.label },
    on: {
      change: () => {
        const chosen = items.find(({ path }) => path === field.value);
        if (chosen !== undefined) options.onChoose(chosen);
      },
    },
  });
  const root = options.isLabelShown
    ? element('label', { class: 'label' }, [options.label, field])
    : element('div', { class: 'item-chooser' }, [field]);
  const set = (now: readonly SourceItem[]) => {
    items = now;
    root.hidden = now.length < 2;
    field.replaceChildren(
      ...now.map(({ name, path, kind }) =>
        element('option', { text: kind === 'run' ? `${name} (run)` : name, attributes: { value: path } }),
      ),
    );
    field.value = options.current.path;
  };
  set(items);
  return { element: root, set };
}
