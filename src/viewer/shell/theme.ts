// Light and dark: the system's choice until the user makes one, which is remembered.

import type { Theme } from '../page.js';

const KEY = 'nextgait.theme';

export interface ThemeSwitch {
  readonly current: Theme;
  toggle(): void;
  /** Calls back at each change; returns how to stop that. */
  listen(listener: (theme: Theme) => void): () => void;
}

export function createThemeSwitch(): ThemeSwitch {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const listeners = new Set<(theme: Theme) => void>();
  let chosen = stored();
  let current: Theme = 'light';
  const apply = () => {
    const next = chosen ?? (system.matches ? 'dark' : 'light');
    document.documentElement.dataset.theme = next;
    if (next === current) return;
    current = next;
    for (const listener of listeners) listener(next);
  };
  apply();
  system.addEventListener('change', apply);
  return {
    get current() {
      return current;
    },
    toggle() {
      chosen = current === 'dark' ? 'light' : 'dark';
      try {
        localStorage.setItem(KEY, chosen);
      } catch {
        // Storage may be forbidden; the choice then holds for this visit.
      }
      apply();
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function stored(): Theme | undefined {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The value of a custom property of the theme, for canvases and WebGL: `cssColour('--accent')`. */
export function cssColour(property: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(property).trim();
}
