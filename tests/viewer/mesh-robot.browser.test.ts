// A robot with meshes in the built app: drawn with the dataset, driven, and left aside where it is another robot.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_BROWSER, openBrowser, openPage, type RunningViewer, startViewer } from './browser.js';
import { writeMeshRobot } from './mesh-robot.js';

const ROOT = join(import.meta.dirname, '..', '..');
const SAMPLES = join(ROOT, 'data', 'samples', 'rollouts');
const POLICY = join(ROOT, 'data', 'pretrained', 'g1-walk');
const SMALL = { viewport: { width: 1000, height: 640 } } as const;

describe.skipIf(NO_BROWSER !== undefined)('a robot with meshes', () => {
  let folder: string;
  let config: string;
  let dataset: string;
  let browser: Browser;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nextgait-mesh-page-'));
    config = writeMeshRobot(folder);
    dataset = join(folder, 'walks');
    const words = ['ingest', 'rollout', SAMPLES, '--map', 'mujoco-npz', '--robot', 'g1', '--out', dataset, '--quiet'];
    execFileSync(process.execPath, [join(ROOT, 'dist/src/cli/main.js'), ...words], { cwd: ROOT });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const withViewer = async (robot: string, use: (viewer: RunningViewer) => Promise<void>) => {
    const viewer = await startViewer([dataset, POLICY], ['--robot', robot]);
    try {
      await use(viewer);
    } finally {
      await viewer.stop();
    }
  };
  const walks = async (page: Page) => {
    await page.waitForFunction(
      () => Number(document.querySelector<HTMLElement>('.page-root')?.dataset.steps ?? 0) > 50,
      undefined,
      { timeout: 240_000 },
    );
    expect(await page.locator('.page-root').getAttribute('data-fallen')).toBe('false');
  };

  it('is drawn with the data, and walks', { timeout: 400_000 }, async () => {
    await withViewer(config, async ({ address }) => {
      const { page, errors } = await openPage(browser, SMALL);
      const meshes = page.waitForResponse((response) => response.url().endsWith('robot-meshes.bin'));
      await page.goto(`${address}#/dataset`);
      // Four triangles of three corners: 4 x 12 bytes of vertices at the least, as many of faces.
      expect((await (await meshes).body()).byteLength).toBeGreaterThanOrEqual(96);
      await page.locator('.plot canvas').first().waitFor();
      expect(await page.locator('.stage-note').textContent()).toBe('');
      // Light red of the mesh on a grey robot.
      await expect.poll(() => countRed(page), { timeout: 60_000 }).toBeGreaterThan(200);
      await page.goto(`${address}#/drive`);
      await walks(page);
      // A busy machine draws later than it steps.
      await expect.poll(() => countRed(page), { timeout: 60_000 }).toBeGreaterThan(200);
      expect(errors).toEqual([]);
      await page.context().close();
    });
  });

  it('that is another robot to physics is drawn, and the policy walks on its own', { timeout: 400_000 }, async () => {
    const other = join(folder, 'other.yaml');
    writeFileSync(other, readFileSync(config, 'utf8').replace('"*_knee_joint": 0.3', '"*_knee_joint": 0.4'));
    await withViewer(other, async ({ address }) => {
      const { page, errors } = await openPage(browser, SMALL);
      await page.goto(`${address}#/drive`);
      await walks(page);
      expect(await countRed(page)).toBe(0);
      expect(errors).toEqual([]);
      await page.context().close();
    });
  });
});

/** Pixels of the stage in the colour of the mesh. */
async function countRed(page: Page): Promise<number> {
  const png = (await page.locator('.stage-canvas').screenshot()).toString('base64');
  return page.evaluate(async (content) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${content}`)).blob());
    const pen = new OffscreenCanvas(image.width, image.height).getContext('2d')!;
    pen.drawImage(image, 0, 0);
    const { data } = pen.getImageData(0, 0, image.width, image.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      if (data[at] > 140 && data[at + 1] < 0.6 * data[at] && data[at + 2] < 0.45 * data[at]) count++;
    }
    return count;
  }, png);
}
