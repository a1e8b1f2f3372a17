// Who may ask the local server: the page that it served itself, in a browser on this machine.
//
// A web page elsewhere must not read local data through the user's browser. Its requests carry its origin, or, where it
// had its own name resolve to this machine (DNS rebinding), its name as Host: both are refused.

import { hostname } from 'node:os';

export interface RequestHead {
  readonly method?: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host) || host === '::1';
}

/**
 * Why a request is refused; undefined where it may pass.
 * @param bound the host that the server was asked to listen on
 */
export function refusalOf({ method, headers }: RequestHead, bound: string, port: number): string | undefined {
  if (method !== 'GET' && method !== 'HEAD') return 'only GET and HEAD are answered';
  const host = headers.host;
  if (typeof host !== 'string' || !isKnownHost(host, bound, port)) return 'unknown Host';
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${host}`) return "another site's origin";
  // Browsers say so for every request of another site's page, also for those without an origin; links may be followed.
  const site = headers['sec-fetch-site'];
  const follows = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if ((site === 'cross-site' || site === 'same-site') && !follows) return "another site's request";
  return undefined;
}

function isKnownHost(header: string, bound: string, port: number): boolean {
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d+))?$/i.exec(header);
  if (match === null || Number(match[2] ?? 80) !== port) return false;
  const name = match[1].toLowerCase();
  if (LOOPBACK.has(name)) return true;
  if (isLoopback(bound)) return false;
  // An address cannot be rebound; a name can, so that only this machine's own and the one asked for are known.
  const isAddress = name.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(name);
  return isAddress || name === bound.toLowerCase() || name === hostname().toLowerCase();
}
