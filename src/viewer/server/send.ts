// Sends a file or bytes as an HTTP answer, whole or a range of it.

import type { FileHandle } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  jsonl: 'text/plain; charset=utf-8',
  yaml: 'text/plain; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  wasm: 'application/wasm',
};

export function contentType(path: string): string {
  return TYPES[path.slice(path.lastIndexOf('.') + 1).toLowerCase()] ?? 'application/octet-stream';
}

export interface ByteRange {
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

/**
 * The range that a header asks for, cut to the size.
 * @returns undefined for the whole (no range, or one of a form that is not served); 'beyond' where none of it is there
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'beyond' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  if (match[1] === '') {
    const start = Math.max(0, size - Number(match[2]));
    return start < size ? { start, end: size } : 'beyond';
  }
  const start = Number(match[1]);
  if (match[2] !== '' && Number(match[2]) < start) return undefined;
  const end = match[2] === '' ? size : Math.min(size, Number(match[2]) + 1);
  return start < size ? { start, end } : 'beyond';
}

/** Answers with a file's content, and closes the file. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  handle: FileHandle,
): Promise<void> {
  try {
    const { size } = await handle.stat();
    const range = startAnswer(request, response, path, size);
    if (range === undefined || range.end <= range.start) response.end();
    else {
      const { start, end } = range;
      await pipeline(handle.createReadStream({ start, end: end - 1, autoClose: false }), response);
    }
  } finally {
    await handle.close();
  }
}

export function sendBytes(request: IncomingMessage, response: ServerResponse, path: string, bytes: Uint8Array): void {
  const range = startAnswer(request, response, path, bytes.byteLength);
  response.end(range === undefined ? undefined : bytes.subarray(range.start, range.end));
}

/** Writes the head of the answer. @returns the bytes to send; undefined for none */
function startAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  size: number,
): ByteRange | undefined {
  const range = parseRange(request.headers.range, size);
  response.setHeader('Content-Type', contentType(path));
  response.setHeader('Accept-Ranges', 'bytes');
  if (range === 'beyond') {
    response.writeHead(416, { 'Content-Range': `bytes */${size}`, 'Content-Length': 0 });
    return undefined;
  }
  const { start, end } = range ?? { start: 0, end: size };
  const partial = range === undefined ? {} : { 'Content-Range': `bytes ${start}-${end - 1}/${size}` };
  response.writeHead(range === undefined ? 200 : 206, { ...partial, 'Content-Length': end - start });
  return request.method === 'HEAD' ? undefined : { start, end };
}
