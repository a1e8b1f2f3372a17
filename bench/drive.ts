// Driving in a browser: does the control loop hold its rate, and what does a control step cost there?
//
// The built app over `nextgait view` in Chromium with software rendering, the bundled policy under a key that is held.
// The rate is control steps over wall time, so that a machine with other work shows less; the processor time of
// Chromium's processes says what it needs of a machine that has none.

import type { CDPSession, Page } from 'playwright-core';
import { type BenchResult, commandOf, machineNote } from './result.js';
import { type BrowserUse, browserUse, withViewer } from './viewer-session.js';

export interface DriveBenchOptions {
  /** Each of one measurement (s). */
  readonly seconds: number;
  /** Measurements. */
  readonly rounds: number;
  readonly chromium: string;
  readonly policy: string;
}

interface Reading extends BrowserUse {
  readonly steps: number;
  readonly frames: number;
  readonly dropped_ms: number;
  readonly time_ms: number;
}

export async function driveBench(options: DriveBenchOptions): Promise<BenchResult> {
  const { seconds, rounds, policy } = options;
  return withViewer(policy, options.chromium, async ({ address, browser, session }) => {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    const start = performance.now();
    await page.goto(`${address}#/drive`);
    const root = page.locator('.page-root[data-steps]');
    await root.waitFor({ timeout: 240_000 });
    const firstStep_ms = performance.now() - start;
    const head = page.locator('.drive-head');
    const open_ms = Number(await head.getAttribute('data-open-ms'));
    await page.keyboard.down('w');
    await page.waitForTimeout(3000);
    const readings = [await read(page, session)];
    const policy_ms: number[] = [];
    const physics_ms: number[] = [];
    for (let round = 0; round < rounds; round++) {
      for (let second = 0; second < seconds; second++) {
        await page.waitForTimeout(1000);
        const [inPolicy, inPhysics] = await times(page);
        policy_ms.push(inPolicy);
        physics_ms.push(inPhysics);
      }
      readings.push(await read(page, session));
    }
    const pairs = readings.slice(1).map((after, at) => ({ before: readings[at], after }));
    const perSecond = (of: (reading: Reading) => number) =>
      pairs.map(({ before, after }) => (1000 * (of(after) - of(before))) / (after.time_ms - before.time_ms));
    const share = (kind: string) => perSecond((reading) => reading.processor_s[kind] ?? 0);
    const last = readings[readings.length - 1];
    const fact = (name: string, value: number, unit: string) => [name, value.toFixed(1), unit];
    return {
      bench: 'drive',
      about: `The page "Drive" in Chromium, software rendering, 1280 x 800: ${policy} walks; ${rounds} times ${seconds} s.`,
      command: commandOf('drive', { policy, rounds, seconds }),
      machine: await machineNote(),
      tables: [
        {
          title: 'control steps',
          unit: 'a second',
          better: 'more',
          rows: [
            row(
              'control loop',
              perSecond((r) => r.steps),
            ),
          ],
        },
        {
          title: 'pictures',
          unit: 'a second',
          better: 'more',
          rows: [
            row(
              'drawn',
              perSecond((r) => r.frames),
            ),
          ],
        },
        {
          title: 'policy of a control step',
          unit: 'ms',
          better: 'less',
          rows: [row('onnxruntime-web, one thread', policy_ms)],
        },
        {
          title: 'physics of a control step',
          unit: 'ms',
          better: 'less',
          rows: [row('MuJoCo in WebAssembly', physics_ms)],
        },
        {
          title: 'processor time',
          unit: 's a second',
          better: 'less',
          rows: [row('page and worker (policy, physics)', share('renderer')), row('software rendering', share('GPU'))],
        },
      ],
      facts: [
        {
          title: 'once',
          header: ['what', 'value', 'unit'],
          rows: [
            fact('from opening the page to the first control step', firstStep_ms / 1000, 's'),
            fact('engines loaded and compiled, in the worker', open_ms / 1000, 's'),
            fact('time dropped, all rounds', last.dropped_ms / 1000, 's'),
            fact('memory of the page and its worker, first round', readings[1].renderer_MB, 'MB'),
            fact('memory of the page and its worker, last round', last.renderer_MB, 'MB'),
          ],
        },
      ],
    };
  });
}

function row(name: string, rounds: readonly number[]) {
  return { name, rounds };
}

async function read(page: Page, session: CDPSession): Promise<Reading> {
  const shown = await page.evaluate(() => {
    const { steps, frames } = document.querySelector<HTMLElement>('.page-root')!.dataset;
    const dropped = document.querySelector<HTMLElement>('[data-rate]')?.dataset.droppedMs;
    return { steps: Number(steps), frames: Number(frames), dropped_ms: Number(dropped), time_ms: performance.now() };
  });
  return { ...shown, ...(await browserUse(session)) };
}

async function times(page: Page): Promise<[number, number]> {
  const text = (await page.locator('[data-times]').textContent()) ?? '';
  const [inPolicy, inPhysics] = Array.from(text.matchAll(/[\d.]+/g), Number);
  return [inPolicy, inPhysics];
}
