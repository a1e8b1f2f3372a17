// Routes in the address.

import { describe, expect, it } from 'vitest';
import { keyName } from '../../../src/viewer/shell/keyboard.js';
import { parseRoute, routeText } from '../../../src/viewer/shell/router.js';

describe('routes', () => {
  it.each([
    ['#/dataset', { page: 'dataset', parameters: {} }],
    ['#/dataset?episode=a%2Fb%201&frame=3', { page: 'dataset', parameters: { episode: 'a/b 1', frame: '3' } }],
    ['#/drive?', { page: 'drive', parameters: {} }],
  ])('%s', (text, route) => {
    expect(parseRoute(text)).toEqual(route);
  });

  it.each(['', '#', '#/', '#/nothing', '#/dataset/more', 'dataset'])('"%s" names no page', (text) => {
    expect(parseRoute(text)).toBeUndefined();
  });

  it('come back as they went', () => {
    const route = { page: 'evaluation', parameters: { item: 'data/1', trial: 'a&b=c#d ä' } } as const;
    expect(parseRoute(routeText(route))).toEqual(route);
  });
});

it('keys are named as shortcuts write them', () => {
  expect(keyName({ key: 'ArrowLeft', shiftKey: true })).toBe('Shift+ArrowLeft');
  // A letter says itself whether it is large.
  expect(keyName({ key: '?', shiftKey: true })).toBe('?');
  expect(keyName({ key: ' ', shiftKey: false })).toBe(' ');
});
