// The local server gives out what it was given, to the page that it served, and nothing else to nobody else.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isUserError } from '../../../src/base/errors.js';
import type { SourceDescription } from '../../../src/viewer/page.js';
import { itemsAt, watchItems } from '../../../src/viewer/server/items.js';
import { startViewerServer, type ViewerServer } from '../../../src/viewer/server/server.js';

const CONTENT = 'abcdefghij';
let root: string;
let server: ViewerServer;

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** A request whose path is sent as it is: fetch would tidy it first. */
function ask(path: string, headers: Record<string, string> = {}, method = 'GET', to = server): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: to.port, path, headers, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

beforeAll(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'nextgait-view-')));
  const evaluation = join(root, 'evaluation');
  mkdirSync(join(evaluation, 'plots'), { recursive: true });
  mkdirSync(join(root, 'app', 'assets'), { recursive: true });
  writeFileSync(join(root, 'app', 'index.html'), '<!doctype html>app');
  writeFileSync(join(root, 'app', 'assets', 'main.js'), 'app()');
  writeFileSync(join(root, 'secret.txt'), 'secret');
  writeFileSync(join(evaluation, 'evaluation.json'), '{}');
  writeFileSync(join(evaluation, 'letters.txt'), CONTENT);
  writeFileSync(join(evaluation, 'empty.txt'), '');
  writeFileSync(join(evaluation, 'report.html'), '<script>1</script>');
  writeFileSync(join(evaluation, '.hidden'), 'hidden');
  writeFileSync(join(evaluation, 'plots', 'ä b.txt'), 'umlaut');
  symlinkSync(join(root, 'secret.txt'), join(evaluation, 'link.txt'));
  symlinkSync(root, join(evaluation, 'up'));
  symlinkSync(join(evaluation, 'letters.txt'), join(evaluation, 'inner.txt'));
  const items = await itemsAt(evaluation);
  server = await start({ items });
});

const start = (options: Partial<Parameters<typeof startViewerServer>[0]>) =>
  startViewerServer({
    items: [],
    app: join(root, 'app'),
    host: '127.0.0.1',
    port: 0,
    anyPort: true,
    onError: (error) => {
      throw error;
    },
    ...options,
  });

afterAll(async () => {
  await server.close();
  rmSync(root, { recursive: true });
});

describe('what it gives out', () => {
  it('the app', async () => {
    expect((await ask('/')).text).toBe('<!doctype html>app');
    const script = await ask('/assets/main.js?v=1');
    expect([script.text, script.headers['content-type']]).toEqual(['app()', 'text/javascript; charset=utf-8']);
    expect(script.headers['x-content-type-options']).toBe('nosniff');
  });

  it('what there is, without hidden files and links', async () => {
    const description = JSON.parse((await ask('/source.json')).text);
    expect(description.live).toBe(true);
    const [item] = description.items;
    expect([item.kind, item.name, item.path]).toEqual(['evaluation', 'evaluation', 'data/0']);
    const paths = item.files.map(({ path }: { path: string }) => path);
    expect(paths).toEqual(['empty.txt', 'evaluation.json', 'letters.txt', 'plots/ä b.txt', 'report.html']);
  });

  it('given files, also with names that need encoding, and links that stay inside', async () => {
    expect((await ask('/data/0/letters.txt')).text).toBe(CONTENT);
    expect((await ask('/data/0/inner.txt')).text).toBe(CONTENT);
    expect((await ask('/data/0/plots/%C3%A4%20b.txt')).text).toBe('umlaut');
    expect((await ask('/data/0/empty.txt')).status).toBe(200);
  });

  it('a given page, in which nothing runs', async () => {
    const { headers } = await ask('/data/0/report.html');
    expect(headers['content-security-policy']).toMatch(/^sandbox; default-src 'none'/);
  });

  it('the head alone for HEAD', async () => {
    const { text, headers } = await ask('/data/0/letters.txt', {}, 'HEAD');
    expect([text, headers['content-length']]).toEqual(['', '10']);
  });
});

describe('byte ranges', () => {
  it.each([
    ['bytes=2-4', 206, 'cde', 'bytes 2-4/10'],
    ['bytes=7-', 206, 'hij', 'bytes 7-9/10'],
    ['bytes=7-99', 206, 'hij', 'bytes 7-9/10'],
    ['bytes=-3', 206, 'hij', 'bytes 7-9/10'],
    ['bytes=-99', 206, CONTENT, 'bytes 0-9/10'],
    ['bytes=10-12', 416, '', 'bytes */10'],
    ['bytes=-0', 416, '', 'bytes */10'],
    ['bytes=4-2', 200, CONTENT, undefined],
    ['bytes=1-2,4-5', 200, CONTENT, undefined],
    ['lines=1-2', 200, CONTENT, undefined],
  ])('%s', async (range, status, text, contentRange) => {
    const answer = await ask('/data/0/letters.txt', { Range: range });
    expect([answer.status, answer.text, answer.headers['content-range']]).toEqual([status, text, contentRange]);
  });
});

describe('paths outside are refused', () => {
  it.each([
    '/data/0/../../secret.txt',
    '/data/0/%2e%2e/%2e%2e/secret.txt',
    '/data/0/..%2f..%2fsecret.txt',
    '/data/0/%2e%2e%5c%2e%2e%5csecret.txt',
    '/data/0/..\\..\\secret.txt',
    '/data/0/plots/..%00/secret.txt',
    '/data/0/link.txt',
    '/data/0/up/secret.txt',
    '/data/0/.hidden',
    '/data/0/%2ehidden',
    '/data/0//etc/passwd',
    '/data/0/plots',
    '/data/0/',
    '/data/0',
    '/data/1/letters.txt',
    '/data/-1/letters.txt',
    '/data/__proto__/letters.txt',
    '/../secret.txt',
    '/assets/%2e%2e/%2e%2e/secret.txt',
    '/assets',
    '/%zz',
    '//127.0.0.1/secret.txt',
    'http://127.0.0.1/secret.txt',
  ])('%s', async (path) => {
    const { status, text } = await ask(path);
    expect([400, 404]).toContain(status);
    expect(text).not.toContain('secret');
    expect(text).not.toContain('hidden');
  });
});

describe('strangers are refused', () => {
  const own = () => `127.0.0.1:${server.port}`;

  it.each([
    ['another name (DNS rebinding)', () => ({ Host: `evil.example:${server.port}` })],
    ['a name that ends like ours', () => ({ Host: `localhost.evil.example:${server.port}` })],
    ['another port', () => ({ Host: '127.0.0.1:1' })],
    ['no port', () => ({ Host: '127.0.0.1' })],
    ["another site's origin", () => ({ Host: own(), Origin: 'https://evil.example' })],
    ['an opaque origin', () => ({ Host: own(), Origin: 'null' })],
    ['our address over https', () => ({ Host: own(), Origin: `https://${own()}` })],
    [
      "another page's request without origin",
      () => ({ Host: own(), 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' }),
    ],
    ['another port of this machine', () => ({ Host: own(), 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'cors' })],
    [
      'a frame on another page',
      () => ({ Host: own(), 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' }),
    ],
  ])('%s', async (_, headers) => {
    expect((await ask('/source.json', headers())).status).toBe(403);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s', async (method) => {
    expect((await ask('/source.json', {}, method)).status).toBe(403);
  });

  it('its own page and a followed link may pass', async () => {
    const headers = {
      Host: `localhost:${server.port}`,
      Origin: `http://localhost:${server.port}`,
      'Sec-Fetch-Site': 'same-origin',
    };
    expect((await ask('/source.json', headers)).status).toBe(200);
    const link = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
    expect((await ask('/', link)).status).toBe(200);
  });

  it('beyond loopback: addresses and this machine, but no names of others', async () => {
    const open = await start({ host: '0.0.0.0' });
    try {
      const status = async (host: string) => (await ask('/', { Host: `${host}:${open.port}` }, 'GET', open)).status;
      expect(await status('192.168.7.7')).toBe(200);
      expect(await status(hostname())).toBe(200);
      expect(await status('evil.example')).toBe(403);
      expect(open.address).toBe(`http://localhost:${open.port}/`);
    } finally {
      await open.close();
    }
  });
});

describe('where it listens', () => {
  it('takes a free port where the usual one is taken, and refuses where it was asked for', async () => {
    const other = await start({ port: server.port });
    expect(other.port).not.toBe(server.port);
    await other.close();
    const refused = await start({ port: server.port, anyPort: false }).catch((error: unknown) => error);
    expect(isUserError(refused)).toBe(true);
    expect(String(refused)).toContain('port is taken');
  });

  it('names a host that is none of this machine', async () => {
    // 192.0.2.0/24 is kept for documentation: no machine has it.
    await expect(start({ host: '192.0.2.1', anyPort: false })).rejects.toThrow(/--host 192\.0\.2\.1/);
  });
});

describe('what can be given', () => {
  it.each([
    ['nowhere', /no such file or folder/],
    ['app', /nothing to view/],
    ['secret.txt', /nothing to view/],
  ])('not %s', async (path, message) => {
    await expect(itemsAt(join(root, path))).rejects.toThrow(message);
  });

  it('a folder of our folders', async () => {
    expect((await itemsAt(root)).map(({ kind, name }) => [kind, name])).toEqual([['evaluation', 'evaluation']]);
  });

  it('a dataset whose manifest is lost, with what to do', async () => {
    const folder = join(root, 'lost');
    mkdirSync(folder);
    writeFileSync(join(folder, 'shard-00000.arrow'), '');
    await expect(itemsAt(folder)).rejects.toThrow(/inspect .*--rebuild/);
    rmSync(folder, { recursive: true });
  });
});

describe('a folder that is watched', () => {
  const write = (folder: string, ...files: string[]) => {
    mkdirSync(folder, { recursive: true });
    for (const file of files) writeFileSync(join(folder, file), '{}');
  };
  const described = async (running: ViewerServer) => {
    const { text } = await ask('/source.json', {}, 'GET', running);
    return (JSON.parse(text) as SourceDescription).items.map(({ kind, name, path }) => `${kind} ${name} at ${path}`);
  };

  it('gives what comes into it, at once and each once; what was there keeps its address', async () => {
    const runs = join(root, 'runs');
    mkdirSync(runs);
    const dressed: string[] = [];
    const { items, look } = await watchItems([runs, join(root, 'evaluation')], async (fresh) => {
      dressed.push(...fresh.map(({ name }) => name));
    });
    const running = await start({ items, look });
    try {
      expect(await described(running)).toEqual(['evaluation evaluation at data/0']);
      // A run is one from the moment that both of its first files are there.
      write(join(runs, 'b'), 'recipe.json');
      expect(await described(running)).toHaveLength(1);
      write(join(runs, 'b'), 'config.yaml');
      expect(await described(running)).toEqual(['evaluation evaluation at data/0', 'run b at data/1']);
      write(join(runs, 'a'), 'policy.json');
      write(join(runs, '.c'), 'policy.json');
      await Promise.all([described(running), described(running)]);
      expect((await described(running)).slice(1)).toEqual(['run b at data/1', 'bundle a at data/2']);
      expect((await ask('/data/2/policy.json', {}, 'GET', running)).text).toBe('{}');
      rmSync(join(runs, 'b'), { recursive: true });
      expect((await described(running)).slice(1)).toEqual(['bundle a at data/2']);
      rmSync(runs, { recursive: true });
      expect(await described(running)).toEqual(['evaluation evaluation at data/0']);
      expect(dressed).toEqual(['evaluation', 'b', 'a']);
    } finally {
      await running.close();
    }
  });
});
