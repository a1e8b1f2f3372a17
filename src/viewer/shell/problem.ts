// What is shown where something went wrong: what it is, what to do, and the detail for those who want it.

import { type Problem, ProblemError } from '../page.js';
import { button, element, icon } from './elements.js';

/** The problem that an error stands for; an error of our own says so. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  // DataError and FindingsError of the shared rooms write for the user too.
  if (error instanceof Error && (error.name === 'DataError' || error.name === 'FindingsError')) {
    return { what: 'The data cannot be shown', fix: error.message };
  }
  return {
    what: 'The viewer met an error of its own',
    fix: 'Reload the page. If it comes again, please report it with the text below.',
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

export function problemPanel({ what, fix, detail }: Problem): HTMLElement {
  return element('section', { class: 'problem', attributes: { role: 'alert' } }, [
    element('div', { class: 'problem-card' }, [
      element('div', { class: 'problem-icon' }, [icon('warning')]),
      element('h1', { text: what }),
      element('p', { text: fix }),
      ...(detail === undefined
        ? []
        : [element('details', {}, [element('summary', { text: 'Details' }), element('pre', { text: detail })])]),
      button('Reload', () => location.reload(), { class: 'button-primary' }),
    ]),
  ]);
}
