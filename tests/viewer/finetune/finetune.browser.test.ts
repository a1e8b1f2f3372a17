// The page "Fine-tune" of the built app: a shard is dropped, the bundled policy trained further on it, driven, and saved.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../../src/dataset/dataset.js';
import { DatasetWriter } from '../../../src/dataset/dataset-writer.js';
import type { Episode } from '../../../src/motion/episode.js';
import { createPolicyController } from '../../../src/policy/policy-controller.js';
import type { RobotModel } from '../../../src/robot/robot-model.js';
import { onnxRuntime } from '../../../src/runtime/onnx.js';
import { readBundle } from '../../../src/sim/read-bundle.js';
import { NO_BROWSER, openBrowser, openPage, type RunningViewer, screenshot, startViewer } from '../browser.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const POLICY = join(ROOT, 'data', 'pretrained', 'g1-walk');
const SAMPLES = join(ROOT, 'data', 'samples', 'rollouts');

function nextgait(...words: string[]): void {
  execFileSync(process.execPath, [join(ROOT, 'dist/src/cli/main.js'), ...words, '--quiet'], { cwd: ROOT });
}

/** Drops a file of this machine on to the page. */
async function drop(page: Page, path: string, name: string): Promise<void> {
  const bytes = readFileSync(path).toString('base64');
  await page.evaluate(
    ({ content, file }) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], file));
      window.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    },
    { content: bytes, file: name },
  );
}

const job = (page: Page) => page.locator('.finetune-job');
const stepOf = async (page: Page) => Number((await job(page).getAttribute('data-step')) ?? 0);
const waitForState = (page: Page, state: string) =>
  page.locator(`.finetune-job[data-state=${state}]`).waitFor({ timeout: 300_000 });

const goTo = (page: Page, hash: string) =>
  page.evaluate((wanted) => {
    location.hash = wanted;
  }, hash);
const asksBeforeLeaving = (page: Page) =>
  page.evaluate(() => !window.dispatchEvent(new Event('beforeunload', { cancelable: true })));

describe.skipIf(NO_BROWSER !== undefined)('fine-tuning in the browser', () => {
  let folder: string;
  let shard: string;
  let browser: Browser;
  let viewer: RunningViewer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nextgait-finetune-page-'));
    const dataset = join(folder, 'walks');
    nextgait('ingest', 'rollout', SAMPLES, '--map', 'mujoco-npz', '--robot', 'g1', '--out', dataset);
    shard = join(dataset, 'shard-00000.arrow');
    viewer = await startViewer([POLICY, dataset]);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await viewer?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('trains the bundled policy on a dropped shard, holds, goes on, drives it, and saves it as a bundle', {
    timeout: 900_000,
  }, async () => {
    const { page, errors } = await openPage(browser);
    await page.goto(`${viewer.address}#/finetune`);
    await job(page).waitFor();
    expect(await page.getByRole('button', { name: 'Train' }).isDisabled()).toBe(true);
    await drop(page, shard, 'shard-00000.arrow');
    await page.locator('.finetune-shards li').getByText('2 episodes').waitFor();
    await page.locator('input[name=steps]').fill('40');
    await page.locator('input[name=batch]').fill('8');
    await page.locator('input[name=learningRate]').fill('0.0004');
    await page.getByRole('button', { name: 'Train' }).click();
    await expect.poll(() => stepOf(page), { timeout: 300_000 }).toBeGreaterThan(4);
    await page.keyboard.press(' ');
    await waitForState(page, 'held');
    await page.waitForTimeout(1500);
    const held = await stepOf(page);
    await page.waitForTimeout(1500);
    expect(await stepOf(page)).toBe(held);
    // The training goes on, so that a reload is asked about, on every page.
    await goTo(page, '#/dataset');
    await page.locator('.page-dataset').waitFor();
    expect(await asksBeforeLeaving(page)).toBe(true);
    await page.goBack();
    await waitForState(page, 'held');
    await page.getByRole('button', { name: 'Go on' }).click();
    await waitForState(page, 'finished');
    expect(await stepOf(page)).toBe(40);
    const [first, last] = (await job(page).getAttribute('data-losses'))!.split(' ').map(Number);
    expect(last).toBeLessThan(0.9 * first);
    expect(await page.locator('.chart canvas').count()).toBeGreaterThanOrEqual(6);
    await screenshot(page, 'finetune');

    const saving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download the policy' }).click();
    const zip = join(folder, 'tuned.zip');
    await (await saving).saveAs(zip);
    for (const [path, bytes] of Object.entries(unzipSync(readFileSync(zip)))) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), bytes);
    }

    await page.getByRole('button', { name: 'Drive it' }).click();
    await page.locator('.page-root[data-steps]').waitFor({ timeout: 240_000 });
    expect(await page.locator('.drive-head h1').textContent()).toBe('g1-walk-tuned');
    await page.getByRole('button', { name: 'Record', exact: true }).click();
    await page.keyboard.press('r');
    await page.keyboard.down('w');
    const from = Number(await page.locator('.page-root').getAttribute('data-steps'));
    await page.waitForFunction(
      (steps) => Number(document.querySelector<HTMLElement>('.page-root')?.dataset.steps) > steps,
      from + 80,
      { timeout: 240_000 },
    );
    const recording = page.waitForEvent('download', { timeout: 120_000 });
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    const driven = join(folder, 'driven');
    mkdirSync(driven);
    await (await recording).saveAs(join(driven, 'shard-00000.arrow'));
    nextgait('inspect', driven, '--rebuild');
    const dataset = await openDataset(driven);
    const found = dataset.episodes.find(({ startsAtReset, frameCount }) => startsAtReset && frameCount > 40)!;
    await expectActions(join(folder, 'g1-walk-tuned'), await dataset.readEpisode(found.index));
    dataset.close();

    await page.goBack();
    await waitForState(page, 'finished');
    expect(await page.locator('.finetune-shards li').count()).toBe(1);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('refuses other robots and other files with what to do; a new policy takes any robot', {
    timeout: 300_000,
  }, async () => {
    const { page, errors } = await openPage(browser, { viewport: { width: 390, height: 800 } });
    // What there is answers late: the page takes files before.
    let delay_ms = 700;
    let hidden = '';
    await page.route('**/source.json', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, delay_ms));
      const response = await route.fetch();
      const description = await response.json();
      const items = description.items.filter(({ name }: { name: string }) => name !== hidden);
      await route.fulfill({ response, json: { ...description, items } });
    });
    await page.goto(`${viewer.address}#/finetune`);
    await job(page).waitFor();
    const alert = page.locator('.finetune-alert');
    writeFileSync(join(folder, 'notes.txt'), 'nothing of the kind');
    await drop(page, join(folder, 'notes.txt'), 'notes.txt');
    await alert.getByText('notes.txt is not a shard of NextGait').waitFor();
    await drop(page, await otherRobot(folder, shard), 'other.arrow');
    await alert.getByText('joint 3 of robot stranger: expected left_knee_joint, found left_ankle').waitFor();
    expect(await page.getByRole('button', { name: 'Train' }).isDisabled()).toBe(true);
    await page.getByLabel('Policy', { exact: true }).selectOption({ label: 'nothing: a new policy' });
    await expect.poll(() => alert.isVisible()).toBe(false);
    expect(await page.getByRole('button', { name: 'Train' }).isEnabled()).toBe(true);
    await page.getByLabel('Add a dataset').selectOption({ label: 'walks' });
    await alert.getByText('walks/shard-00000.arrow does not belong to other.arrow').waitFor();
    await page.getByRole('button', { name: 'Leave out other.arrow' }).click();
    await page.locator('input[name=steps]').fill('3');
    await page.getByRole('button', { name: 'Train' }).click();
    await waitForState(page, 'finished');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    expect(await asksBeforeLeaving(page)).toBe(false);
    // A visitor who goes elsewhere while the policy is made ready to be driven stays there.
    let hasLeft = false;
    await page.route('**/robot.zip', async (route) => {
      if (!hasLeft) {
        hasLeft = true;
        delay_ms = 2500;
        await goTo(page, '#/dataset');
      }
      await route.continue();
    });
    const read = page.waitForResponse('**/robot.zip');
    await page.getByRole('button', { name: 'Drive it' }).click();
    await read;
    await page.locator('.page-dataset').waitFor();
    expect(new URL(page.url()).hash).toMatch(/^#\/dataset/);
    delay_ms = 0;
    await page.goBack();
    await waitForState(page, 'finished');

    // A policy that is away for one look stays the chosen one, and the settings stay.
    const chosen = page.getByLabel('Policy', { exact: true }).locator('option:checked');
    await expect.poll(() => chosen.textContent()).toBe('g1-walk');
    await page.locator('input[name=steps]').fill('3');
    hidden = 'g1-walk';
    await expect.poll(() => chosen.textContent()).not.toBe('g1-walk');
    hidden = '';
    await expect.poll(() => chosen.textContent()).toBe('g1-walk');
    expect(await page.locator('input[name=steps]').inputValue()).toBe('3');
    await page.route('**/finetune-worker-*.js', (route) => route.fulfill({ status: 404, body: 'gone' }));
    await page.getByRole('button', { name: 'Train' }).click();
    await alert.getByText('could not be loaded').waitFor();
    expect(errors.filter((text) => !text.includes('404'))).toEqual([]);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.context().close();
  });
});

/** The saved bundle, run in Node on what was recorded while it was driven in the page, gives the recorded actions. */
async function expectActions(bundleFolder: string, { channels, frameCount }: Episode): Promise<void> {
  const { bundle } = await readBundle(bundleFolder);
  const controller = await createPolicyController(bundle, await onnxRuntime());
  const { jointNames } = bundle.robot;
  const action = new Float64Array(jointNames.length);
  let worst = 0;
  for (let frame = 0; frame < frameCount; frame++) {
    const row = (name: keyof typeof channels) => {
      const { data, width } = channels[name]!;
      return Float64Array.from(data.subarray(frame * width, (frame + 1) * width));
    };
    const state = {
      basePosition_m: row('basePosition'),
      baseQuaternion: row('baseQuaternion'),
      baseAngularVelocity_radps: row('baseAngularVelocity'),
      baseLinearVelocity_mps: row('baseLinearVelocity'),
      projectedGravity: row('projectedGravity'),
      jointPosition_rad: row('jointPosition'),
      jointVelocity_radps: row('jointVelocity'),
      footContact: row('footContact'),
      torque_Nm: row('torque'),
      time_s: frame / bundle.tokens.rate_hz,
      sensors: {},
    };
    await controller.act([0], [state], row('command'), action);
    row('action').forEach((value, joint) => {
      worst = Math.max(worst, Math.abs(value - action[joint]));
    });
  }
  await controller.dispose();
  // Two engines in float32, on observations that the shard rounded to float32.
  expect(worst).toBeLessThan(1e-5);
}

/** The same motion on a robot whose fourth joint has another name. */
async function otherRobot(folder: string, shard: string): Promise<string> {
  const dataset = await openDataset(dirname(shard));
  const own = dataset.robotModel()!;
  const jointNames = own.jointNames.map((name, joint) => (joint === 3 ? 'left_ankle' : name));
  const robot: RobotModel = { ...own, name: 'stranger', hash: 'stranger', jointNames };
  const out = join(folder, 'stranger');
  const writer = await DatasetWriter.open(out, { robot, rate_hz: dataset.rate_hz });
  await writer.append({ ...(await dataset.readEpisode(0)), robot: { name: 'stranger', hash: 'stranger', jointNames } });
  await writer.close();
  dataset.close();
  return join(out, 'shard-00000.arrow');
}
