// The dataset browser in Chromium: episodes, scrubbing, masks, findings, deep links, and what goes wrong.

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_BROWSER, openBrowser, openPage, type RunningViewer, screenshot, startViewer } from '../browser.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const SAMPLES = join(ROOT, 'data', 'samples');

function nextgait(...words: string[]): void {
  execFileSync(process.execPath, [join(ROOT, 'dist/src/cli/main.js'), ...words, '--quiet'], { cwd: ROOT });
}

interface Listed {
  readonly id: string;
  readonly kind: string;
  readonly offset: number;
  readonly length: number;
}

function manifestOf(folder: string): { readonly shards: readonly { readonly episodes: readonly Listed[] }[] } {
  return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
}

const clockOf = (page: Page) => page.locator('.transport-clock').textContent();
const laneState = (page: Page, name: string) => page.locator(`[data-lane=${name}]`).getAttribute('data-state');
/** Frames that the stage has drawn. */
const drawn = (page: Page) =>
  page.locator('.stage-canvas').evaluate((canvas) => Number((canvas as HTMLElement).dataset.frames ?? 0));

describe.skipIf(NO_BROWSER !== undefined)('the dataset browser', () => {
  let folder: string;
  let dataset: string;
  let browser: Browser;
  let viewer: RunningViewer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nextgait-view-'));
    dataset = join(folder, 'samples');
    nextgait('ingest', 'rollout', join(SAMPLES, 'rollouts'), '--map', 'mujoco-npz', '--robot', 'g1', '--out', dataset);
    nextgait(
      'ingest',
      'controller',
      join(SAMPLES, 'logs', 'g1_squat'),
      '--map',
      'sample-squat-csv',
      '--robot',
      'g1',
      '--out',
      dataset,
      '--append',
    );
    nextgait('ingest', 'bvh', join(SAMPLES, 'motion'), '--robot', 'g1', '--out', dataset, '--append');
    viewer = await startViewer([dataset], ['--originals', join(SAMPLES, 'motion')]);
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await viewer?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const episodeId = (kind: string): string =>
    manifestOf(dataset)
      .shards.flatMap(({ episodes }) => episodes)
      .find((episode) => episode.kind === kind)!.id;
  const link = (parameters: Record<string, string>) => `${viewer.address}#/dataset?${new URLSearchParams(parameters)}`;

  it('opens the first episode, draws it, and lists the others', async () => {
    const { page, errors } = await openPage(browser);
    await page.goto(viewer.address);
    await page.locator('.stage-title').filter({ hasText: 'g1_walk_0' }).waitFor();
    await page.locator('.plot canvas').first().waitFor();
    expect(await page.locator('.filter-count').textContent()).toMatch(/^4 episodes/);
    expect(await page.locator('[role=option]').count()).toBe(4);
    await expect.poll(() => drawn(page)).toBeGreaterThan(0);
    expect(await laneState(page, 'action')).toBe('whole');
    await screenshot(page, 'dataset');
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('scrubs by mouse and keys; the address follows', async () => {
    const { page, errors } = await openPage(browser);
    await page.goto(viewer.address);
    const track = page.locator('.timeline-track');
    await page.locator('.plot canvas').first().waitFor();
    const box = (await track.boundingBox())!;
    await page.mouse.move(box.x + 0.25 * box.width, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.5 * box.width, box.y + 60, { steps: 3 });
    await page.mouse.up();
    // 1.5 s at 50 Hz: frames 0 to 74.
    expect(await clockOf(page)).toContain('frame 37 of 74');
    await page.keyboard.press('ArrowRight');
    expect(await clockOf(page)).toContain('frame 38');
    await page.keyboard.press('Shift+ArrowLeft');
    expect(await clockOf(page)).toContain('frame 0');
    await page.keyboard.press('End');
    expect(await track.getAttribute('aria-valuenow')).toBe('74');
    await page.waitForURL(/frame=74/);
    const before = await drawn(page);
    await page.keyboard.press(' ');
    await page.waitForFunction(
      (count) => Number(document.querySelector<HTMLElement>('.stage-canvas')?.dataset.frames) > count + 3,
      before,
    );
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('does not hold a visitor who leaves while its address is still to be written', async () => {
    const { page, errors } = await openPage(browser);
    await page.goto(viewer.address);
    await page.locator('.plot canvas').first().waitFor();
    // What there is answers later than the page writes the frame into its address.
    await page.route('**/source.json', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await route.continue();
    });
    // At one moment: nothing is written before the choice.
    const clock = await page.evaluate(() => {
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true, cancelable: true }));
      document.querySelector<HTMLElement>('.tab[data-page=finetune]')!.click();
      return document.querySelector('.transport-clock')!.textContent;
    });
    expect(clock).toContain('frame 1');
    await page.locator('.page-finetune').waitFor({ timeout: 20_000 });
    expect(new URL(page.url()).hash).toBe('#/finetune');
    expect(errors).toEqual([]);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.context().close();
  });

  it('shows what was asked for last, also while the page is built', async () => {
    const { page, errors } = await openPage(browser);
    const late = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    await page.route('**/manifest.json', async (route) => {
      await late(500);
      await route.continue();
    });
    const go = (frame: string) =>
      page.evaluate(
        (hash) => {
          location.hash = hash;
        },
        new URL(link({ episode: episodeId('bvh'), frame })).hash,
      );
    await page.goto(viewer.address);
    await page.locator('.page-dataset').waitFor({ state: 'attached' });
    // Of one episode at two frames the first comes last.
    let asked = 0;
    await page.route('**/originals/*.json', async (route) => {
      asked += 1;
      if (asked === 1) await late(1500);
      await route.continue();
    });
    const first = page.waitForRequest('**/originals/*.json');
    let answers = 0;
    page.on('requestfinished', (request) => {
      if (request.url().includes('/originals/')) answers += 1;
    });
    await go('10');
    await first;
    await go('40');
    await page.locator('.stage-title').filter({ hasText: 'bvh/' }).waitFor();
    expect(await clockOf(page)).toContain('frame 40');
    await expect.poll(() => answers).toBe(2);
    await late(600);
    expect(await clockOf(page)).toContain('frame 40');
    expect(new URL(page.url()).hash).toContain('frame=40');
    expect(errors).toEqual([]);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.context().close();
  });

  it('shows the masks of an action-free episode, its findings, and the person behind it', async () => {
    const { page, errors } = await openPage(browser);
    await page.goto(link({ episode: episodeId('bvh'), frame: '60' }));
    await page.locator('.stage-title').filter({ hasText: 'bvh/' }).waitFor();
    expect(await clockOf(page)).toContain('frame 60');
    expect(await laneState(page, 'action')).toBe('masked');
    expect(await laneState(page, 'command')).toBe('masked');
    expect(await laneState(page, 'jointPosition')).toBe('whole');
    const plot = (title: string) => page.locator('.plot', { has: page.locator(`.plot-title:text-is("${title}")`) });
    await plot('Keypoints').locator('canvas').waitFor();
    expect(await plot('Action').getAttribute('class')).toContain('is-masked');
    expect(await plot('Position').getAttribute('class')).not.toContain('is-masked');
    await screenshot(page, 'human');
    await page.getByRole('button', { name: 'Person' }).click();
    expect(await page.getByRole('button', { name: 'Person' }).textContent()).toBe('Person: beside');
    await page.getByRole('tab', { name: 'Details' }).click();
    expect(await page.locator('.side-details').textContent()).toMatch(/Retargeting.*SHA-256/s);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('filters, and goes through the list by keys', async () => {
    const { page } = await openPage(browser);
    await page.goto(viewer.address);
    await page.locator('[role=option]').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('walk-');
    expect(await page.locator('.filter-count').textContent()).toMatch(/^1 of 4/);
    await page.locator('.filter-search').fill('');
    await page.getByText('Filters and order').click();
    await page.getByLabel('Quality').selectOption('no-action');
    expect(await page.locator('.filter-count').textContent()).toMatch(/^2 of 4/);
    await page.locator('.episode-list').focus();
    await page.keyboard.press('Home');
    await page.locator('.stage-title').filter({ hasText: 'g1_squat' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.locator('.stage-title').filter({ hasText: 'bvh/' }).waitFor();
    await page.context().close();
  });

  it('lists its keys, and changes the theme', async () => {
    const { page } = await openPage(browser, { colorScheme: 'dark' });
    await page.goto(viewer.address);
    await page.locator('[role=option]').first().waitFor();
    expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
    await page.keyboard.press('t');
    expect(await page.locator('html').getAttribute('data-theme')).toBe('light');
    await page.keyboard.press('?');
    expect(await page.locator('dialog.help').textContent()).toContain('to the next finding in time');
    await page.keyboard.press('Escape');
    await page.context().close();
  });

  it('fits a phone without scrolling sideways', async () => {
    const { page } = await openPage(browser, {
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      colorScheme: 'dark',
    });
    await page.goto(viewer.address);
    await page.locator('.plot canvas').first().waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.getByRole('tab', { name: 'Episodes' }).click();
    expect(await page.locator('[role=option]').first().isVisible()).toBe(true);
    await page.getByRole('tab', { name: 'Plots' }).click();
    await screenshot(page, 'phone');
    await page.context().close();
  });

  describe('never a blank page', () => {
    it('an episode that is not there: the first, and a notice', async () => {
      const { page } = await openPage(browser);
      await page.goto(link({ episode: 'nobody/7' }));
      await page.locator('.notice.is-shown').filter({ hasText: 'nobody/7' }).waitFor();
      await page.locator('.stage-title').filter({ hasText: 'g1_walk_0' }).waitFor();
      await page.context().close();
    });

    it('a page without data says how to get some', async () => {
      const { page } = await openPage(browser);
      await page.goto(`${viewer.address}#/training`);
      expect(await page.locator('.problem').textContent()).toMatch(/nothing here.*nextgait view runs/i);
      await page.context().close();
    });

    it('no WebGL: a message in place of the picture, all else works', async () => {
      const blind = await openBrowser({ webgl: false });
      try {
        const { page } = await openPage(blind);
        await page.goto(viewer.address);
        await page.locator('.stage-message').filter({ hasText: 'WebGL' }).waitFor();
        expect(await laneState(page, 'action')).toBe('whole');
        await page.keyboard.press('ArrowRight');
        expect(await clockOf(page)).toContain('frame 1');
      } finally {
        await blind.close();
      }
    });

    it('a damaged shard: which one, and what to do', async () => {
      const { page } = await openPage(browser);
      const broken = join(folder, 'broken');
      execFileSync('cp', ['-r', dataset, broken]);
      const shard = join(broken, 'shard-00000.arrow');
      const [first] = manifestOf(broken).shards[0].episodes;
      const file = openSync(shard, 'r+');
      writeSync(file, Uint8Array.of(255, 255, 255, 255), 0, 4, first.offset + first.length / 2);
      closeSync(file);
      const other = await startViewer([broken]);
      try {
        await page.goto(other.address);
        await page.locator('.problem').waitFor();
        expect(await page.locator('.problem').textContent()).toMatch(/shard-00000\.arrow is damaged.*--verify/s);
      } finally {
        await other.stop();
        await page.context().close();
      }
    });

    it('the server has gone', async () => {
      const { page } = await openPage(browser);
      const other = await startViewer([dataset]);
      await page.goto(other.address);
      await page.locator('.stage-title').filter({ hasText: 'g1_walk_0' }).waitFor();
      await other.stop();
      await page.locator('[role=option]').nth(3).click();
      await page.locator('.problem').waitFor();
      expect(await page.locator('.problem').textContent()).toContain('nextgait view');
      await page.context().close();
    });
  });

  describe('a static build', () => {
    let host: Server;
    let address: string;

    /** A plain host that knows neither ranges nor anything else. */
    beforeAll(async () => {
      const out = join(folder, 'site');
      nextgait('view', dataset, '--originals', join(SAMPLES, 'motion'), '--build', out);
      const types: Record<string, string> = {
        html: 'text/html',
        js: 'text/javascript',
        css: 'text/css',
        svg: 'image/svg+xml',
        json: 'application/json',
      };
      host = createServer((request, response) => {
        const path = decodeURIComponent(new URL(request.url!, 'http://x').pathname).replace(/^\/sub\//, '');
        try {
          const bytes = readFileSync(join(out, path === '' ? 'index.html' : path));
          response.setHeader(
            'Content-Type',
            types[path.split('.').pop()!] ?? (path === '' ? 'text/html' : 'application/octet-stream'),
          );
          response.end(bytes);
        } catch {
          response.writeHead(404).end();
        }
      });
      await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
      address = `http://127.0.0.1:${(host.address() as AddressInfo).port}/sub/`;
    });
    afterAll(() => host?.close());

    it('works from a folder of any host, with its data and deep links', async () => {
      const { page, errors } = await openPage(browser);
      await page.goto(`${address}#/dataset?${new URLSearchParams({ episode: episodeId('bvh'), frame: '33' })}`);
      await page.locator('.stage-title').filter({ hasText: 'bvh/' }).waitFor();
      expect(await clockOf(page)).toContain('frame 33');
      expect(await laneState(page, 'action')).toBe('masked');
      expect(await page.getByRole('button', { name: 'Person' }).isVisible()).toBe(true);
      await expect.poll(() => drawn(page)).toBeGreaterThan(0);
      expect(errors).toEqual([]);
      await page.context().close();
    });
  });
});
