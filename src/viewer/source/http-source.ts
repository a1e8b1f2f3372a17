// Reads the viewer's data over HTTP: from `nextgait view`, or from the files of a static build on any host.
//
// Big files are read by byte ranges. A host that does not know ranges sends whole files: those are kept as blobs, which
// the browser may put on disk, so that each is sent once: until it is known whether a file comes in ranges, reads of it
// wait for the one that asks.

import { type Problem, ProblemError, type SourceDescription, type ViewerSource } from '../page.js';

export const DESCRIPTION_PATH = 'source.json';
const MOST_WHOLE_FILES = 3;
const PARTIAL = 206;
const BEYOND_END = 416;

/** @param base address of the app's folder, with a slash at its end */
export function createHttpSource(base: URL, get: typeof fetch = (input, init) => fetch(input, init)): ViewerSource {
  const wholeFiles = new Map<string, Promise<Blob>>();
  const filesInRanges = new Set<string>();
  const asking = new Map<string, Promise<unknown>>();

  const addressOf = (path: string) => new URL(path.split('/').map(encodeURIComponent).join('/'), base);

  const request = async (path: string, headers: Record<string, string> = {}): Promise<Response> => {
    const address = addressOf(path);
    let response: Response;
    try {
      response = await get(address, { headers, cache: 'no-cache' });
    } catch (error) {
      throw new ProblemError(connectionProblem(address), { cause: error });
    }
    if (response.ok || response.status === BEYOND_END) return response;
    throw new ProblemError(statusProblem(path, address, response.status));
  };

  /** An answer may also break off after its head. */
  const bodyOf = async <T>(path: string, body: Promise<T>): Promise<T> => {
    try {
      return await body;
    } catch (error) {
      throw new ProblemError(connectionProblem(addressOf(path)), { cause: error });
    }
  };

  const keep = (path: string, whole: Promise<Blob>) => {
    wholeFiles.set(path, whole);
    if (wholeFiles.size > MOST_WHOLE_FILES) wholeFiles.delete(wholeFiles.keys().next().value!);
    // One that broke off is asked for again.
    whole.catch(() => wholeFiles.get(path) === whole && wholeFiles.delete(path));
  };

  /** The answer with the bytes, or the whole file where the host sends that: it is then kept. */
  const askRange = async (path: string, start: number, end: number): Promise<Response | { whole: Promise<Blob> }> => {
    const response = await request(path, { Range: `bytes=${start}-${end - 1}` });
    if (response.status === PARTIAL || response.status === BEYOND_END) {
      filesInRanges.add(path);
      return response;
    }
    const whole = bodyOf(path, response.blob());
    keep(path, whole);
    return { whole };
  };

  const readRange = async (path: string, start: number, end: number): Promise<Uint8Array> => {
    if (end <= start) return new Uint8Array(0);
    while (asking.has(path)) await asking.get(path);
    const kept = wholeFiles.get(path);
    if (kept !== undefined) return sliceOf(await kept, start, end);
    const answer = askRange(path, start, end);
    if (!filesInRanges.has(path)) {
      const done = () => asking.delete(path);
      asking.set(path, answer.then(done, done));
    }
    const given = await answer;
    if ('whole' in given) return sliceOf(await given.whole, start, end);
    if (given.status === BEYOND_END) return new Uint8Array(0);
    return new Uint8Array(await bodyOf(path, given.arrayBuffer()));
  };

  const source: ViewerSource = {
    describe: () => source.readJson<SourceDescription>(DESCRIPTION_PATH),
    async readJson<T>(path: string): Promise<T> {
      const text = await bodyOf(path, (await request(path)).text());
      try {
        return JSON.parse(text) as T;
      } catch (error) {
        throw new ProblemError(
          {
            what: `${path} is not JSON`,
            fix: 'The file is damaged or still being written. Reload; if it stays, write it again.',
            detail: String(error),
          },
          { cause: error },
        );
      }
    },
    async readBytes(path, range) {
      if (range !== undefined) return readRange(path, range.start, range.end);
      return new Uint8Array(await bodyOf(path, (await request(path)).arrayBuffer()));
    },
  };
  return source;
}

async function sliceOf(blob: Blob, start: number, end: number): Promise<Uint8Array> {
  return new Uint8Array(await blob.slice(start, end).arrayBuffer());
}

function connectionProblem(address: URL): Problem {
  return {
    what: 'The viewer lost its data',
    fix: 'Is `nextgait view` still running in its terminal? Start it again and reload this page.',
    detail: String(address),
  };
}

function statusProblem(path: string, address: URL, status: number): Problem {
  const detail = `${address}: HTTP status ${status}`;
  if (path === DESCRIPTION_PATH) {
    return {
      what: 'This copy of the viewer has no data',
      fix: 'Run `nextgait view <dataset|run|bundle>`, or build a static copy with data in it: `nextgait view <dataset> --build <folder>`',
      detail,
    };
  }
  if (status === 404) {
    return {
      what: `${path} is not there`,
      fix: 'It was moved or deleted since the viewer started. Put it back, or start the viewer again.',
      detail,
    };
  }
  return {
    what: `${path} cannot be read`,
    fix: 'Start the viewer again from the terminal; its message there says more.',
    detail,
  };
}
