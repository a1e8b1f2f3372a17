// The evaluation page on an evaluation of the bundled policy: numbers, plots that lead to trials, a trial watched.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../src/dataset/dataset.js';
import { integrateCommands } from '../../src/evaluate/command-path.js';
import type { Evaluation } from '../../src/evaluate/evaluation.js';
import type { TrialOptions } from '../../src/evaluate/trial-episodes.js';
import { REPOSITORY, succeed, temporaryFolder } from '../cli/run-cli.js';
import { NO_BROWSER, openBrowser, openPage, type RunningViewer, screenshot, startViewer } from './browser.js';

describe.skipIf(NO_BROWSER !== undefined)('the evaluation page', () => {
  let folder: string;
  let remove: () => Promise<void>;
  let evaluation: Evaluation;
  let viewer: RunningViewer;
  let browser: Browser;
  let page: Page;
  let errors: readonly string[];
  const slider = () => page.getByLabel('Time', { exact: true });

  beforeAll(async () => {
    ({ folder, remove } = await temporaryFolder());
    const policy = join(REPOSITORY, 'data/pretrained/g1-walk');
    // Kicks that no walker stands: some trials end in a fall.
    const settings = [
      '--set',
      'kicks.speed_mps=3',
      '--set',
      'bootstrap=100',
      '--set',
      'modelBased=false',
      '--duration',
      '4',
      '--workers',
      '1',
    ];
    await succeed(['evaluate', policy, '--trials', '2', '--out', 'walk', ...settings], { cwd: folder });
    evaluation = JSON.parse(await readFile(join(folder, 'walk/evaluation.json'), 'utf8'));
    viewer = await startViewer([join(folder, 'walk')]);
    browser = await openBrowser();
    ({ page, errors } = await openPage(browser));
    await page.goto(`${viewer.address}#/evaluation`);
    await page.locator('.replay[data-trial]').waitFor();
  });

  afterAll(async () => {
    await browser?.close();
    await viewer?.stop();
    await remove?.();
  });

  afterEach(async () => {
    expect(await page.locator('.problem').allTextContents()).toEqual([]);
  });

  it('shows the numbers and plots of the report', async () => {
    const falls = evaluation.contenders[0].conditions.kicked!.summary.falls;
    expect(await page.locator('.tile').allInnerTexts()).toContain(`${falls.count} of ${falls.of}\nfalls, kicked`);
    const names = await page.locator('.report-part table').first().locator('tbody th').allInnerTexts();
    expect(names).toEqual(evaluation.contenders.map(({ name }) => name));
    const headings = await page.locator('.report-part h2').allInnerTexts();
    expect(headings).toEqual(expect.arrayContaining(['Falls', 'Paths from above', 'Velocity over time']));
  });

  it('lists every trial, the worst first', async () => {
    const rows = page.locator('.trial-row');
    expect(await rows.count()).toBe(4);
    const { trials } = evaluation.contenders[0].conditions.kicked!;
    const fallen = trials.filter(({ fell }) => fell).sort((a, b) => a.survival_s - b.survival_s);
    expect(fallen.length).toBeGreaterThan(0);
    expect(await rows.first().getAttribute('data-trial')).toBe(`kicked/${fallen[0].number}`);
    expect(await rows.first().innerText()).toContain(`fell at ${fallen[0].survival_s.toFixed(1)} s`);
  });

  it('plays a trial to its fall, with the kick and the fall marked in time', async () => {
    expect(await page.locator('.replay-mark.is-kick').count()).toBeGreaterThan(0);
    expect(await page.locator('.replay-mark.is-fall').count()).toBe(1);
    expect(await slider().inputValue()).toBe('0');
    await page.locator('.replay-stage canvas').focus();
    await page.keyboard.press(' ');
    await expect.poll(async () => Number(await slider().inputValue()), { timeout: 60_000 }).toBeGreaterThan(20);
    // The mark leads to the moment before it. A step holds the clock, which would otherwise run past it meanwhile.
    await page.keyboard.press('ArrowRight');
    await page.locator('.replay-mark.is-fall').click();
    await page.locator('.replay-stage canvas').focus();
    await page.keyboard.press(' ');
    await expect.poll(() => page.locator('.replay-word').innerText(), { timeout: 60_000 }).toBe('g1-walk fell');
    const end = Number(await slider().getAttribute('max'));
    await expect.poll(async () => Number(await slider().inputValue()), { timeout: 60_000 }).toBe(end);
    expect(await page.locator('.replay-numbers .policy').getAttribute('class')).toContain('is-down');
  });

  it('follows a link to a trial and frame, and says where the robot is against its path', async () => {
    await page.goto(`${viewer.address}#/evaluation?item=walk&trial=undisturbed%2F1&frame=150`);
    await page.reload();
    await page.locator('.replay[data-trial]').waitFor();
    await expect.poll(() => page.locator('.replay').getAttribute('data-trial')).toBe('undisturbed/1');
    expect(await slider().inputValue()).toBe('150');
    const dataset = await openDataset(join(folder, 'walk/trials'));
    const info = dataset.episodes.find(({ id }) => id === 'policy/undisturbed/1')!;
    const { channels, provenance } = await dataset.readEpisode(info.index);
    dataset.close();
    const { commands } = provenance.options as unknown as TrialOptions;
    const { position_m } = integrateCommands(commands, 151, 50, { x_m: 0, y_m: 0, yaw_rad: 0 });
    const [x, y] = channels.basePosition!.data.subarray(450);
    const off_m = Math.hypot(x - position_m[300], y - position_m[301]);
    const cells = await page.locator('.replay-numbers .policy td').allInnerTexts();
    expect(cells[3]).toBe(off_m.toFixed(2));
    const commanded = await page.locator('.replay-numbers .planned td').allInnerTexts();
    expect(commanded[0]).toBe(commands[0].command[0].toFixed(2).replace('-', '−'));
    await screenshot(page, 'evaluation');
  });

  it('opens a trial from a dot of a plot, and the next one by key', async () => {
    await page.locator('circle[data-trial="policy/undisturbed/0"]').first().click();
    await expect.poll(() => page.locator('.replay').getAttribute('data-trial')).toBe('undisturbed/0');
    await page.getByRole('button', { name: 'From above' }).click();
    const before = await page.locator('.trial-row[aria-selected="true"]').getAttribute('data-trial');
    await page.keyboard.press('k');
    await expect
      .poll(() => page.locator('.trial-row[aria-selected="true"]').getAttribute('data-trial'))
      .not.toBe(before);
  });

  it('shows the trial that was chosen last, although the one before fails later; the address has its last frame', async () => {
    const { page: other } = await openPage(browser);
    await other.goto(`${viewer.address}#/evaluation`);
    await other.locator('.replay[data-trial]').waitFor();
    let asked = 0;
    await other.route('**/trials/*.arrow', async (route) => {
      asked += 1;
      if (asked > 1) return route.continue();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return route.abort();
    });
    const failed = other.waitForEvent('requestfailed');
    const rows = other.locator('.trial-row');
    await rows.nth(2).click();
    await rows.nth(3).click();
    const wanted = await rows.nth(3).getAttribute('data-trial');
    await expect.poll(() => other.locator('.replay').getAttribute('data-trial')).toBe(wanted);
    await failed;
    await other.waitForTimeout(100);
    expect(await other.locator('.problem').count()).toBe(0);
    await other.locator('.replay-stage canvas').focus();
    await other.keyboard.press('Home');
    for (let step = 0; step < 4; step++) await other.keyboard.press('ArrowRight');
    const frame = await other.getByLabel('Time', { exact: true }).inputValue();
    await other.waitForURL(new RegExp(`frame=${frame}$`));
    await other.unrouteAll({ behavior: 'ignoreErrors' });
    await other.context().close();
  });

  it('fits a phone, light and dark', async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    const widest = () => page.locator('.page-root').evaluate((root) => root.scrollWidth - root.clientWidth);
    await expect.poll(widest).toBeLessThanOrEqual(0);
    await page.keyboard.press('t');
    await expect.poll(widest).toBeLessThanOrEqual(0);
    expect(errors).toEqual([]);
  });
});

describe.skipIf(NO_BROWSER !== undefined)('the evaluation page without WebGL', () => {
  it('still shows numbers and plots, and says why no trial can be watched', async () => {
    const { folder, remove } = await temporaryFolder();
    const policy = join(REPOSITORY, 'data/pretrained/g1-walk');
    await succeed(
      [
        'evaluate',
        policy,
        '--trials',
        '1',
        '--duration',
        '1.5',
        '--no-kicks',
        '--set',
        'modelBased=false',
        '--out',
        'walk',
        '--workers',
        '1',
      ],
      { cwd: folder },
    );
    const viewer = await startViewer([join(folder, 'walk')]);
    const browser = await openBrowser({ webgl: false });
    const { page } = await openPage(browser);
    await page.goto(`${viewer.address}#/evaluation`);
    await page.locator('.problem').waitFor();
    expect(await page.locator('.problem').innerText()).toMatch(/WebGL/);
    expect(await page.locator('.report-part svg.plot').count()).toBeGreaterThan(3);
    await browser.close();
    await viewer.stop();
    await remove();
  });
});
