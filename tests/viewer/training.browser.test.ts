// The training page on a training that runs: curves that grow, hover values, comparison, and how runs end.

import { cp, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CliRun, startCli, succeed, temporaryFolder, tinySettings, writeTinyDataset } from '../cli/run-cli.js';
import { NO_BROWSER, openBrowser, openPage, type RunningViewer, screenshot, startViewer } from './browser.js';

describe.skipIf(NO_BROWSER !== undefined)('the training page', () => {
  let folder: string;
  let remove: () => Promise<void>;
  let training: CliRun;
  let viewer: RunningViewer;
  let browser: Browser;
  let page: Page;
  let errors: readonly string[];
  const received: number[] = [];

  const train = (out: string, settings: Readonly<Record<string, number>>) => [
    ...['train', 'tiny', '--data', 'data', '--out', out, '--quiet'],
    ...tinySettings({ 'log.metricsEvery': 5, 'log.validateEvery': 20, 'log.checkpointEvery': 100_000, ...settings }),
  ];
  const card = (run: string) => page.locator(`.run-card[data-run="${run}"]`);

  beforeAll(async () => {
    ({ folder, remove } = await temporaryFolder());
    await writeTinyDataset(join(folder, 'data'));
    await succeed(train('short', { 'train.steps': 60 }), { cwd: folder });
    await cp(join(folder, 'short'), join(folder, 'broken'), { recursive: true });
    const status = JSON.parse(await readFile(join(folder, 'short/status.json'), 'utf8'));
    const failed = { ...status, state: 'failed', step: 60, message: 'the loss is not finite' };
    await writeFile(join(folder, 'broken/status.json'), JSON.stringify(failed));
    // More steps than any test waits for; one thread, so that the browser has its share of the machine.
    const long = {
      'train.steps': 1_000_000,
      'model.width': 64,
      'train.batch': 32,
      'train.seed': 2,
      'runtime.threads': 1,
    };
    training = startCli(train('long', long), { cwd: folder });
    await waitForFile(join(folder, 'long/metrics.jsonl'));
    viewer = await startViewer(['short', 'broken', 'long'].map((name) => join(folder, name)));
    browser = await openBrowser();
    ({ page, errors } = await openPage(browser));
    page.on('response', async (response) => {
      if (response.url().endsWith('data/2/metrics.jsonl')) received.push(Number(response.headers()['content-length']));
    });
    await page.goto(`${viewer.address}#/training`);
    await page.locator('.chart canvas').first().waitFor();
  });

  afterAll(async () => {
    training?.kill('SIGKILL');
    await browser?.close();
    await viewer?.stop();
    await remove?.();
  });

  afterEach(async () => {
    expect(await page.locator('.problem').allTextContents()).toEqual([]);
  });

  it('says how each run stands', async () => {
    await expect.poll(() => card('long').getAttribute('data-state'), { timeout: 30_000 }).toBe('going');
    expect(await card('short').getAttribute('data-state')).toBe('finished');
    expect(await card('broken').getAttribute('data-state')).toBe('failed');
    expect(await card('broken').innerText()).toContain('the loss is not finite');
    expect(await card('long').innerText()).toMatch(/Step \d+ of 1000000/);
  });

  it('shows a curve for every source and modality, and grows while it trains', async () => {
    const titles = await page.locator('.chart-head h3').allInnerTexts();
    expect(titles).toEqual([
      ...['Loss', 'State error', 'Action error'],
      ...['rollouts: state', 'rollouts: action', 'free: state'],
      ...['Learning rate', 'Gradient norm', 'Throughput'],
    ]);
    const stepOf = async () => Number(/Step (\d+)/.exec(await card('long').innerText())![1]);
    const first = await stepOf();
    await expect.poll(stepOf, { timeout: 60_000 }).toBeGreaterThan(first + 20);
    const newest = () => page.locator('.chart').first().locator('.chart-values').last().locator('span[title]').first();
    const before = await newest().getAttribute('title');
    await expect.poll(() => newest().getAttribute('title'), { timeout: 60_000 }).not.toBe(before);
  });

  it('reads what is new and never the whole again', async () => {
    const asked = received.length;
    await expect.poll(() => received.length, { timeout: 60_000 }).toBeGreaterThan(asked + 3);
    const { size } = await stat(join(folder, 'long/metrics.jsonl'));
    const total = received.reduce((sum, bytes) => sum + bytes, 0);
    // Each byte once, an unfinished line now and then (under 1 kB), and 512 bytes of anchor a request.
    expect(total).toBeLessThan(size + received.length * 1600);
  });

  it('shows values under the cursor, in all charts at once', async () => {
    const plot = page.locator('.chart .u-over').first();
    const box = (await plot.boundingBox())!;
    await page.mouse.move(box.x + 0.3 * box.width, box.y + 40);
    await expect.poll(() => page.locator('.chart-cursor').innerText()).toMatch(/^step \d+$/);
    // At one moment: the training goes on, and curves move under the cursor.
    const { text, titles } = await page.evaluate(() => ({
      text: document.querySelector('.chart-cursor')!.textContent!,
      titles: [...document.querySelectorAll<HTMLElement>('.chart-values span[title^="training"]')].map(
        ({ title }) => title,
      ),
    }));
    const step = Number(text.replace('step ', ''));
    expect(titles.length).toBeGreaterThan(10);
    // Steps of lines are 5 apart, and short runs end at 60.
    for (const title of titles) {
      const found = Number(/step (\d+)/.exec(title)![1]);
      expect(Math.abs(found - step) <= 3 || (found === 60 && step > 60)).toBe(true);
    }
    await page.mouse.move(5, 5);
  });

  it('compares runs: what differs, and which are shown; the address remembers', async () => {
    const keys = await page.locator('.config-panel tbody th').allInnerTexts();
    expect(keys).toEqual(expect.arrayContaining(['model.width', 'train.steps', 'train.seed']));
    expect(keys).not.toContain('train.beta1');
    await card('broken').getByRole('checkbox').click();
    await expect.poll(() => page.locator('.chart').first().locator('.chart-values').count()).toBe(2);
    await page.getByLabel('Logarithmic errors').click();
    await page.locator('.smoothing').fill('0.6');
    expect(page.url()).toMatch(/smoothing=0\.6.*axis=linear.*hidden=broken/);
    await page.reload();
    await page.locator('.chart canvas').first().waitFor();
    expect(await page.getByLabel('Logarithmic errors').isChecked()).toBe(false);
    expect(await card('broken').getByRole('checkbox').isChecked()).toBe(false);
    await page.getByLabel('Logarithmic errors').click();
    await card('broken').getByRole('checkbox').click();
    await screenshot(page, 'training');
  });

  it('zooms by dragging, and back', async () => {
    const box = (await page.locator('.chart .u-over').first().boundingBox())!;
    await page.mouse.move(box.x + 0.2 * box.width, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.5 * box.width, box.y + 60, { steps: 4 });
    await page.mouse.up();
    const whole = page.getByRole('button', { name: 'Whole run' });
    await whole.waitFor();
    await whole.click();
    await expect.poll(() => whole.isVisible()).toBe(false);
  });

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    const widest = () => page.locator('.training').evaluate((root) => root.scrollWidth - root.clientWidth);
    await expect.poll(widest).toBeLessThanOrEqual(0);
    await page.setViewportSize({ width: 1440, height: 900 });
  });

  it('says that a run was stopped, and how to go on', async () => {
    training.kill('SIGINT');
    await training.result;
    await expect.poll(() => card('long').getAttribute('data-state'), { timeout: 30_000 }).toBe('stopped');
    expect(await card('long').innerText()).toContain('nextgait train --resume long');
    expect(errors).toEqual([]);
  });
});

async function waitForFile(path: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if ((await stat(path).catch(() => undefined)) !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${path} did not come`);
}
