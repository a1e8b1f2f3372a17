// The whole training step on WebGPU, in software where there is no graphics card: the losses of WebAssembly.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_BROWSER, openBrowser, openPage, type RunningViewer, startViewer } from '../browser.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');

describe.skipIf(NO_BROWSER !== undefined)('training on WebGPU', () => {
  let folder: string;
  let browser: Browser;
  let viewer: RunningViewer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nextgait-webgpu-'));
    const words = ['ingest', 'rollout', join(ROOT, 'data/samples/rollouts'), '--map', 'mujoco-npz', '--robot', 'g1'];
    const out = ['--out', join(folder, 'walks'), '--quiet'];
    execFileSync(process.execPath, [join(ROOT, 'dist/src/cli/main.js'), ...words, ...out], { cwd: ROOT });
    viewer = await startViewer([join(folder, 'walks')]);
    browser = await openBrowser({ webgpu: true });
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const losses = async (page: Page, engine: string): Promise<number[]> => {
    await page.goto('about:blank');
    await page.goto(`${viewer.address}#/finetune?dataset=data%2F0`);
    await page.locator('.finetune-shards li').first().waitFor();
    await page.locator('input[name=steps]').fill('4');
    await page.locator('input[name=batch]').fill('4');
    await page.getByLabel('Engine').selectOption(engine);
    await page.getByRole('button', { name: 'Train' }).click();
    const job = page.locator('.finetune-job');
    const ended = () => job.getAttribute('data-state');
    await expect.poll(ended, { timeout: 600_000 }).toMatch(/finished|failed/);
    expect(await page.locator('.finetune-alert').textContent()).toBe('');
    expect(await page.locator('.finetune-text').textContent()).toContain(engine);
    return (await job.getAttribute('data-losses'))!.split(' ').map(Number);
  };

  it('gives the losses of WebAssembly', { timeout: 1_300_000 }, async (context) => {
    const { page, errors } = await openPage(browser);
    await page.goto(viewer.address);
    const adapter = await page.evaluate(async () => {
      const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<unknown> } };
      return (await gpu?.requestAdapter()) != null;
    });
    if (!adapter) context.skip('this Chromium has no WebGPU');
    const onProcessor = await losses(page, 'wasm');
    const onGpu = await losses(page, 'webgpu');
    expect(onGpu).toHaveLength(2);
    // float32 in another order of sums; four steps of Adam, whose first ones move by the sign of small gradients.
    onGpu.forEach((loss, at) => {
      expect(Math.abs(loss / onProcessor[at] - 1)).toBeLessThan(1e-3);
    });
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
