// Drives the built app in Debian's Chromium, with software rendering, from plain node tests.
//
// Where there is no Chromium the tests are skipped and say so. NEXTGAIT_SCREENSHOTS=1 lets them write the pictures of the
// documentation to docs/images.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const ROOT = join(import.meta.dirname, '..', '..');
const CANDIDATES = [
  process.env.NEXTGAIT_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

export const CHROMIUM = CANDIDATES.find((path): path is string => path !== undefined && existsSync(path));
export const IS_BUILT =
  existsSync(join(ROOT, 'dist/viewer/index.html')) && existsSync(join(ROOT, 'dist/src/cli/main.js'));

/** Why browser tests cannot run here; undefined where they can. */
export const NO_BROWSER: string | undefined =
  CHROMIUM === undefined
    ? 'no Chromium: apt-get install -y chromium, or set NEXTGAIT_CHROMIUM'
    : IS_BUILT
      ? undefined
      : 'the app is not built: npm run build';
if (NO_BROWSER !== undefined) process.stderr.write(`browser tests are skipped: ${NO_BROWSER}\n`);

/** Starts Chromium with WebGL in software; `webgl: false` takes WebGL away, `webgpu: true` adds WebGPU in software. */
export function openBrowser(options: { readonly webgl?: boolean; readonly webgpu?: boolean } = {}): Promise<Browser> {
  // Nothing is said of GL: the page is then composed without it, which costs a quarter of composing it in software GL.
  const graphics = options.webgl === false ? ['--disable-3d-apis'] : ['--enable-unsafe-swiftshader'];
  const gpu = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan,WebGPU'];
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--enable-precise-memory-info',
      ...graphics,
      ...(options.webgpu ? gpu : []),
    ],
  });
}

export interface OpenedPage {
  readonly page: Page;
  /** What the page wrote to its console as errors, and what it threw. */
  readonly errors: readonly string[];
}

/** A page of a fresh profile, 1440 x 900 unless said otherwise. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<OpenedPage> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.stack ?? error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  return { page, errors };
}

export interface RunningViewer {
  readonly address: string;
  stop(): Promise<void>;
}

/** Runs `nextgait view` of the build on these paths, on a free port. */
export async function startViewer(paths: readonly string[], flags: readonly string[] = []): Promise<RunningViewer> {
  const command = [join(ROOT, 'dist/src/cli/main.js'), 'view', ...paths, '--no-open', '--port', '0', ...flags];
  const child = spawn(process.execPath, command, { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] });
  const address = await addressOf(child);
  return { address, stop: () => stopped(child) };
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const found = /Viewer at (http\S+)/.exec(text);
      if (found !== null) resolve(found[1]);
    });
    child.once('exit', (code) => reject(new Error(`nextgait view ended with ${code}: ${text}`)));
  });
}

function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

/** Writes a picture of the documentation, where NEXTGAIT_SCREENSHOTS asks for it. @param name without ending */
export async function screenshot(page: Page, name: string): Promise<void> {
  if (process.env.NEXTGAIT_SCREENSHOTS === undefined) return;
  const folder = join(ROOT, 'docs', 'images');
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `viewer-${name}.png`) });
}
