// What the viewer was given, and what was made in the page since: policies trained there stand beside those on disk.

import { ProblemError, type SessionSource, type SourceItem, type ViewerSource } from '../page.js';

export function createSessionSource(base: ViewerSource): SessionSource {
  const items: SourceItem[] = [];
  const files = new Map<string, Uint8Array>();
  const own = (path: string): Uint8Array | undefined => {
    const bytes = files.get(path);
    if (bytes !== undefined || !path.startsWith(PREFIX)) return bytes;
    throw new ProblemError({
      what: `${path} is not there`,
      fix: 'Make it again: what a page makes lasts until reload.',
    });
  };
  return {
    async describe() {
      const described = await base.describe();
      return { ...described, items: [...described.items, ...items] };
    },
    async readJson<T>(path: string): Promise<T> {
      const bytes = own(path);
      return bytes === undefined ? base.readJson<T>(path) : (JSON.parse(new TextDecoder().decode(bytes)) as T);
    },
    async readBytes(path, range) {
      const bytes = own(path);
      // A copy: a reader may hand it to a worker for good.
      return bytes?.slice(range?.start, range?.end) ?? base.readBytes(path, range);
    },
    add({ kind, name, files: made }) {
      const path = `${PREFIX}${items.length}`;
      const item: SourceItem = {
        kind,
        name,
        path,
        files: Object.entries(made).map(([file, { byteLength: bytes }]) => ({ path: file, bytes })),
      };
      for (const [file, bytes] of Object.entries(made)) files.set(`${path}/${file}`, bytes);
      items.push(item);
      return item;
    },
  };
}

const PREFIX = 'session/';
