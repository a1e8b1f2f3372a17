// Keyboard shortcuts, and the list of them that `?` shows.

import type { Shortcut } from '../page.js';
import { button, element } from './elements.js';

export interface Keyboard {
  /** Adds shortcuts under a heading; returns how to remove them. */
  bind(heading: string, shortcuts: readonly Shortcut[]): () => void;
  showHelp(): void;
}

interface Group {
  readonly heading: string;
  readonly shortcuts: readonly Shortcut[];
}

/** The name of a key event as shortcuts write it. Letters say their case themselves. */
export function keyName(event: Pick<KeyboardEvent, 'key' | 'shiftKey'>): string {
  return event.shiftKey && event.key.length > 1 ? `Shift+${event.key}` : event.key;
}

export function createKeyboard(): Keyboard {
  const groups: Group[] = [];
  const dialog = element('dialog', { class: 'help', attributes: { 'aria-label': 'Keyboard shortcuts' } });
  document.body.append(dialog);
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open || takesKeys(event)) return;
    const name = keyName(event);
    for (const { shortcuts } of [...groups].reverse()) {
      const found = shortcuts.find(({ keys }) => keys.includes(name));
      if (found === undefined) continue;
      event.preventDefault();
      found.run(event);
      return;
    }
  });
  return {
    bind(heading, shortcuts) {
      const group = { heading, shortcuts };
      groups.push(group);
      return () => groups.splice(groups.indexOf(group), 1);
    },
    showHelp() {
      dialog.replaceChildren(...helpContent(groups, () => dialog.close()));
      dialog.showModal();
    },
  };
}

/** True where the focused element has a use of its own for the key. */
function takesKeys(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement)
    return true;
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'button'].includes(target.type);
  const presses = event.key === ' ' || event.key === 'Enter';
  if (presses && target.closest('button, a, summary, input, [role=option]') !== null) return true;
  return event.key.startsWith('Arrow') && target.closest('[role=listbox], [role=tablist], [role=separator]') !== null;
}

function helpContent(groups: readonly Group[], close: () => void): Node[] {
  const head = element('header', { class: 'help-head' }, [
    element('h2', { text: 'Keyboard shortcuts' }),
    button('Close', close, { icon: 'close', iconOnly: true, keys: 'Esc' }),
  ]);
  const lists = groups.map(({ heading, shortcuts }) =>
    element('section', {}, [
      element('h3', { text: heading }),
      element(
        'dl',
        { class: 'help-list' },
        shortcuts.flatMap(({ keys, about }) => [
          element(
            'dt',
            {},
            keys.map((key) => element('kbd', { text: keyText(key) })),
          ),
          element('dd', { text: about }),
        ]),
      ),
    ]),
  );
  return [head, ...lists];
}

const KEY_TEXTS: Readonly<Record<string, string>> = {
  ' ': 'Space',
  ArrowLeft: '←',
  ArrowRight: '→',
  ArrowUp: '↑',
  ArrowDown: '↓',
};

function keyText(key: string): string {
  return key
    .split('+')
    .map((part) => KEY_TEXTS[part] ?? part)
    .join(' ');
}
