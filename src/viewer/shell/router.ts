// Routes as the fragment of the address: deep links work from any static host.

import { PAGE_NAMES, type PageName, type Route } from '../page.js';

/** The route of a fragment such as `#/dataset?episode=a&frame=3`; undefined where it names no page. */
export function parseRoute(fragment: string): Route | undefined {
  const match = /^#\/([a-z]+)(?:\?(.*))?$/.exec(fragment);
  if (match === null || !PAGE_NAMES.includes(match[1] as PageName)) return undefined;
  return { page: match[1] as PageName, parameters: Object.fromEntries(new URLSearchParams(match[2] ?? '')) };
}

/** The fragment of a route, with `#`; parameters keep their order. */
export function routeText({ page, parameters }: Route): string {
  const text = new URLSearchParams(parameters).toString();
  return text === '' ? `#/${page}` : `#/${page}?${text}`;
}
