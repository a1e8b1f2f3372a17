// What comes into a folder while it is viewed is there without a reload, on whichever page one is.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_BROWSER, openBrowser, openPage, type RunningViewer, startViewer } from './browser.js';

const ROOT = join(import.meta.dirname, '..', '..');
const SAMPLES = join(ROOT, 'data', 'samples', 'rollouts');

describe.skipIf(NO_BROWSER !== undefined)('a folder that is empty at first', () => {
  let folder: string;
  let browser: Browser;
  let viewer: RunningViewer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nextgait-live-'));
    mkdirSync(join(folder, 'all'));
    viewer = await startViewer([join(folder, 'all')]);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says what to do, then shows datasets, runs and policies as they come', { timeout: 400_000 }, async () => {
    const ingest = (name: string) => {
      const words = ['ingest', 'rollout', SAMPLES, '--map', 'mujoco-npz', '--robot', 'g1', '--quiet'];
      const out = ['--out', join(folder, name)];
      execFileSync(process.execPath, [join(ROOT, 'dist/src/cli/main.js'), ...words, ...out], { cwd: ROOT });
    };
    ingest('walks');
    const { page, errors } = await openPage(browser);
    const tabs = () => page.locator('.tab').allTextContents();
    await page.goto(viewer.address);
    await page.locator('.problem').getByText('There is nothing here for the page "Dataset"').waitFor();
    // One that is there before the app has looked again, and one that takes its time.
    renameSync(join(folder, 'walks'), join(folder, 'all', 'walks'));
    await page.locator('.stage-title').filter({ hasText: 'g1_walk_0' }).waitFor();
    expect(await tabs()).toEqual(['Dataset', 'Fine-tune']);
    const chooser = page.getByLabel('Dataset', { exact: true });
    expect(await chooser.isVisible()).toBe(false);
    ingest('all/more-walks');
    await chooser.waitFor();
    // The address of what is looked at stays what it was.
    expect(await chooser.locator('option:checked').textContent()).toBe('walks');
    // What there is answers late: of two choices meanwhile the last counts.
    await page.route('**/source.json', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 700));
      await route.continue();
    });
    await chooser.selectOption({ label: 'more-walks' });
    await chooser.selectOption({ label: 'walks' });
    await page.waitForURL(/item=data%2F0/);
    await chooser.selectOption({ label: 'more-walks' });
    await page.waitForURL(/item=data%2F1/);
    await page.unrouteAll({ behavior: 'wait' });
    // A page that ended in a problem at the start looks for what comes too.
    const { page: lost } = await openPage(browser);
    await lost.goto(`${viewer.address}#/dataset?item=nobody`);
    await lost.locator('.problem').getByText('There is no dataset "nobody" here').waitFor();
    cpSync(join(ROOT, 'data', 'pretrained', 'g1-walk'), join(folder, 'all', 'policy'), { recursive: true });
    await expect.poll(tabs, { timeout: 60_000 }).toEqual(['Dataset', 'Drive', 'Fine-tune']);
    expect(await page.locator('.tab[aria-current]').textContent()).toBe('Dataset');
    await lost.locator('.tab').getByText('Drive').waitFor();
    await lost.context().close();
    rmSync(join(folder, 'all', 'policy'), { recursive: true });
    await expect.poll(tabs, { timeout: 60_000 }).toEqual(['Dataset', 'Fine-tune']);
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
