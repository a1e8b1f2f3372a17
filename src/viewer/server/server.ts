// The local server of `nextgait view`: the built app and the files that it was given, on loopback, for reading.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DataError } from '../../base/errors.js';
import { describeItems } from './describe.js';
import { isLoopback, refusalOf } from './guard.js';
import type { GivenItem } from './items.js';
import { openInside, pathParts } from './resolve-path.js';
import { sendBytes, sendFile } from './send.js';

export interface ViewerServerOptions {
  /** May grow, at its end. */
  readonly items: readonly GivenItem[];
  /** Takes in what has come since, before the app is told what there is. */
  readonly look?: () => Promise<void>;
  /** Real path of the built app. */
  readonly app: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** True where `port` may be replaced by a free one if it is taken. */
  readonly anyPort: boolean;
  /** Told what the server itself did wrong. */
  onError(error: unknown): void;
}

export interface ViewerServer {
  /** Where a browser on this machine finds it, with a slash at its end. */
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

const APP_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self' data: blob:",
  "worker-src 'self' blob:",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');
/** MuJoCo's bindings and the writer of ONNX models make functions from text; they run in workers and nowhere else. */
const WORKER = /^(?:drive|finetune)-worker-[\w-]+\.js$/;
const WORKER_POLICY = APP_POLICY.replace("script-src 'self'", "script-src 'self' 'unsafe-eval'");
/** Given files are data, whatever they contain: a report is shown, nothing in it runs. */
const DATA_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

const HEADERS = {
  'Cache-Control': 'no-cache',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
} as const;

/** @throws DataError where the port is taken or the host is none of this machine */
export async function startViewerServer(options: ViewerServerOptions): Promise<ViewerServer> {
  let port = options.port;
  const server = createServer((request, response) => {
    answer(options, port, request, response).catch((error: unknown) => {
      // A browser that turns away while it is being answered is no error.
      if (!request.destroyed && !response.writableEnded) options.onError(error);
      response.destroy();
    });
  });
  await listen(server, options.host, port).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE' && options.anyPort) return listen(server, options.host, 0);
    throw listenError(error, options);
  });
  port = (server.address() as AddressInfo).port;
  const host = isLoopback(options.host) ? options.host : 'localhost';
  return {
    address: `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}/`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: host.replace(/^\[|\]$/g, ''), port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function listenError(error: NodeJS.ErrnoException, { host, port }: ViewerServerOptions): Error {
  if (error.code === 'EADDRINUSE') {
    return new DataError({ where: `--port ${port}`, what: 'port is taken', fix: 'Leave --port out for a free one' });
  }
  if (error.code === 'EACCES') {
    return new DataError({ where: `--port ${port}`, what: 'port may not be used', fix: 'Use one above 1023' });
  }
  return new DataError({ where: `--host ${host}`, what: 'host is no address of this machine', found: error.code });
}

async function answer(
  { items, look, app, host }: ViewerServerOptions,
  port: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  const refusal = refusalOf(request, host, port);
  if (refusal !== undefined) return refuse(response, 403, refusal);
  const parts = pathParts(request.url ?? '');
  if (parts === undefined) return refuse(response, 400, 'no such path');
  if (parts[0] === 'source.json' && parts.length === 1) {
    await look?.();
    const text = JSON.stringify(await describeItems(items, true));
    return sendBytes(request, response, 'source.json', new TextEncoder().encode(text));
  }
  if (parts[0] === 'data') return answerData(items, parts, request, response);
  const inner = parts.length === 1 && parts[0] === '' ? ['index.html'] : parts;
  const name = inner[inner.length - 1];
  response.setHeader('Content-Security-Policy', WORKER.test(name) ? WORKER_POLICY : APP_POLICY);
  const handle = await openInside(app, inner);
  if (handle === undefined) return refuse(response, 404, 'no such file');
  return sendFile(request, response, name, handle);
}

async function answerData(
  items: readonly GivenItem[],
  [, number, ...parts]: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('Content-Security-Policy', DATA_POLICY);
  const item = /^\d{1,6}$/.test(number ?? '') ? items[Number(number)] : undefined;
  if (item === undefined || parts.length === 0) return refuse(response, 404, 'no such file');
  const path = parts.join('/');
  const made = await item.made.get(path)?.();
  if (made !== undefined) return sendBytes(request, response, path, made);
  const isGiven = item.only === undefined || item.only.includes(path);
  const handle = isGiven ? await openInside(item.folder, parts) : undefined;
  if (handle === undefined) return refuse(response, 404, 'no such file');
  return sendFile(request, response, path, handle);
}

function refuse(response: ServerResponse, status: number, why: string): void {
  const text = `${why}\n`;
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': text.length });
  response.end(text);
}
