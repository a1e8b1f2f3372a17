// The dataset browser: how long until the first picture, how many pictures a second while one scrubs, and what memory
// browsing takes.
//
// The built app over `nextgait view` in Chromium without a graphics card. Pictures a second are over wall time, so that a
// machine with other work shows fewer; the processor time a picture says what it needs of a machine that has none.

import type { Browser, CDPSession, Page } from 'playwright-core';
import { type BenchResult, commandOf, machineNote } from './result.js';
import { browserUse, withViewer } from './viewer-session.js';

export interface ViewerBenchOptions {
  readonly rounds: number;
  /** Dataset folder. */
  readonly data: string;
  /** Of scrubbing in a round. */
  readonly seconds: number;
  /** Episodes to go through, once. */
  readonly episodes: number;
  readonly chromium: string;
}

const STEP_MS = 30;

export async function viewerBench(options: ViewerBenchOptions): Promise<BenchResult> {
  const { rounds, data, seconds, episodes } = options;
  return withViewer(data, options.chromium, async ({ address, browser, session }) => {
    const first_s: number[] = [];
    const rates: number[] = [];
    const costs_ms: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const page = await openPage(browser);
      first_s.push(await firstPicture(page, address));
      await page.locator('.plot canvas').first().waitFor();
      const before_s = await processorTime(session);
      const [pictures, wall_s] = await scrub(page, seconds);
      const after_s = await processorTime(session);
      rates.push(pictures / wall_s);
      costs_ms.push((1000 * (after_s - before_s)) / Math.max(1, pictures));
      await page.context().close();
    }
    const memory = await browse(await openPage(browser), session, address, episodes);
    return {
      bench: 'viewer',
      about: `The dataset browser in Chromium, software rendering, 1440 x 900, on ${data}.`,
      command: commandOf('viewer', { data, rounds, seconds, episodes }),
      machine: await machineNote(),
      tables: [
        {
          title: 'first picture',
          unit: 's',
          better: 'less',
          rows: [{ name: 'from opening the page', rounds: first_s }],
        },
        { title: 'scrubbing', unit: 'pictures a second', better: 'more', rows: [{ name: 'drawn', rounds: rates }] },
        {
          title: 'a picture while scrubbing',
          unit: 'ms of processor time',
          better: 'less',
          rows: [{ name: 'all processes of the browser', rounds: costs_ms }],
        },
      ],
      facts: [
        { title: 'memory', header: ['episodes looked at', 'JavaScript heap (MB)', 'process (MB)'], rows: memory },
      ],
    };
  });
}

async function openPage(browser: Browser): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  page.setDefaultTimeout(240_000);
  return page;
}

async function firstPicture(page: Page, address: string): Promise<number> {
  const start = performance.now();
  await page.goto(address);
  await page.locator('.stage-canvas[data-frames]').waitFor();
  // The picture is on the screen when the next animation frame begins.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  return (performance.now() - start) / 1000;
}

/** Drags over the timeline to and fro. @returns pictures drawn and the time (s) */
async function scrub(page: Page, seconds: number): Promise<[number, number]> {
  const box = (await page.locator('.timeline-track').boundingBox())!;
  const drawn = () =>
    page.locator('.stage-canvas').evaluate((canvas) => Number((canvas as HTMLElement).dataset.frames));
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + 1, y);
  await page.mouse.down();
  const before = await drawn();
  const start = performance.now();
  for (let step = 1; performance.now() - start < 1000 * seconds; step++) {
    await page.mouse.move(box.x + box.width * (0.5 - 0.49 * Math.cos(step / 25)), y);
    await page.waitForTimeout(STEP_MS);
  }
  const wall_s = (performance.now() - start) / 1000;
  const pictures = (await drawn()) - before;
  await page.mouse.up();
  return [pictures, wall_s];
}

/** Goes through the list by its arrow keys. @returns rows of memory */
async function browse(page: Page, session: CDPSession, address: string, episodes: number): Promise<string[][]> {
  await page.goto(address);
  await page.locator('.stage-title').filter({ hasText: '/' }).waitFor();
  const own = await page.context().newCDPSession(page);
  const rows: string[][] = [];
  const note = async (count: number) => {
    await own.send('HeapProfiler.collectGarbage');
    const { usedSize } = await own.send('Runtime.getHeapUsage');
    const { renderer_MB } = await browserUse(session);
    rows.push([String(count), (usedSize / 1e6).toFixed(1), renderer_MB.toFixed(0)]);
  };
  await note(1);
  for (let count = 2; count <= episodes; count++) {
    const title = await page.locator('.stage-title').textContent();
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction((old) => document.querySelector('.stage-title')?.textContent !== old, title);
    if (count === 100 || count % 500 === 0 || count === episodes) await note(count);
  }
  return rows;
}

/** Processor time of all processes of the browser (s). */
async function processorTime(session: CDPSession): Promise<number> {
  const { processor_s } = await browserUse(session);
  return Object.values(processor_s).reduce((sum, one) => sum + one, 0);
}
