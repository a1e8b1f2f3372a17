// The motion of trials as a dataset: what is written is what was measured.

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/base/config.js';
import { Random } from '../../src/base/random.js';
import { openDataset } from '../../src/dataset/dataset.js';
import { type EvaluateOptions, evaluate } from '../../src/evaluate/evaluate.js';
import { bytesOfTrial, type TrialOptions, writingTrials } from '../../src/evaluate/trial-episodes.js';
import { measureTrial } from '../../src/evaluate/trial-metrics.js';
import { MOTION_CHANNELS } from '../../src/evaluate/trial-recorder.js';
import { modelConfigSchema } from '../../src/model/model-config.js';
import { initialParameters, parameterSpecs } from '../../src/model/parameters.js';
import { encodeBundle } from '../../src/policy/bundle.js';
import { loadRobot } from '../../src/sim/load-robot.js';
import { createTokenSpec, rowWidth, tokenConfigSchema } from '../../src/tokens/token-spec.js';
import { TINY_ROBOT } from '../fixtures.js';

let folder: string;

beforeAll(async () => {
  const { robot } = await loadRobot('g1');
  const tokens = createTokenSpec(parseConfig(tokenConfigSchema, { context: 2 }, 'test'), robot, robot.control.rate_hz);
  const model = parseConfig(modelConfigSchema, { width: 8, heads: 1, blocks: 1 }, 'test');
  const width = rowWidth(tokens);
  folder = await mkdtemp(join(tmpdir(), 'nextgait-trials-'));
  const bundle = encodeBundle({
    name: 'untrained',
    model,
    tokens,
    normaliser: { mean: new Array(width).fill(0), deviation: new Array(width).fill(1) },
    robot,
    parameters: initialParameters(parameterSpecs(model, tokens), new Random(1)),
    provenance: {},
  });
  for (const [name, bytes] of Object.entries(bundle)) await writeFile(join(folder, name), bytes);
}, 60_000);

afterAll(() => rm(folder, { recursive: true }));

const config = { trials: 3, duration_s: 2, slots: 2, bootstrap: 100, modelBased: false, commands: { set: 'paper' } };
const run = (options: Partial<EvaluateOptions>) => evaluate({ policy: folder, config, ...options });

describe('trials that are written', () => {
  it('hold what the metrics were measured on, for every trial of the policy, and its kicks and fall in time', async () => {
    const place = join(folder, 'all');
    const evaluation = await run({ saveTrials: { folder: place } });
    expect(evaluation).toEqual(await run({}));
    const dataset = await openDataset(place, { verify: 'open' });
    expect(dataset.episodes.map(({ id }) => id)).toEqual(
      ['undisturbed/0', 'undisturbed/1', 'kicked/0', 'kicked/1', 'undisturbed/2', 'kicked/2'].map(
        (id) => `policy/${id}`,
      ),
    );
    for await (const episode of dataset.readEpisodes()) {
      const { condition, number, commands, drawn, duration_s } = episode.provenance.options as unknown as TrialOptions;
      const measured = measureTrial(episode, commands, { duration_s, settle_s: evaluation.config.settle_s });
      const found = evaluation.contenders[0].conditions[condition as 'kicked']!.trials.find(
        (trial) => trial.number === number,
      )!;
      // The same float32 values through the same sums: equal to the bit.
      expect(measured.tracking_m).toBe(found.tracking_m);
      expect(measured.stretches).toEqual(found.stretches);
      expect(Object.keys(episode.channels)).toEqual([...MOTION_CHANNELS]);
      expect(episode.fell).toBe(found.fell);
      const kicks = drawn.kicks.filter(({ time_s }) => time_s < episode.frameCount / episode.rate_hz);
      expect(drawn.kicks).toHaveLength(condition === 'kicked' ? 2 : 0);
      expect(episode.findings.map(({ kind }) => kind)).toEqual([
        ...kicks.map(() => 'kick'),
        ...(found.fell ? ['fall'] : []),
      ]);
      for (const { frames } of episode.findings) expect(frames![1]).toBeLessThanOrEqual(episode.frameCount);
    }
    dataset.close();
  });

  it('are as many as are asked for', async () => {
    const place = join(folder, 'one');
    await run({ saveTrials: { folder: place, count: 1 } });
    const dataset = await openDataset(place);
    expect(dataset.episodes.map(({ id }) => id)).toEqual(['policy/undisturbed/0', 'policy/kicked/0']);
    dataset.close();
  });

  it('leave nothing behind where the evaluation fails', async () => {
    const place = join(folder, 'failed');
    await expect(
      writingTrials(place, TINY_ROBOT, async () => {
        throw new Error('no physics');
      }),
    ).rejects.toThrow('no physics');
    expect(await readdir(folder)).not.toContain('failed');
  });

  it('are as large as foretold', async () => {
    const { robot } = await loadRobot('g1');
    // Base 3 + 4, 29 joints, command 3, two feet, and the columns episode and frame: 43 values of 4 bytes, 500 times.
    expect(bytesOfTrial(robot, 10)).toBe(500 * 43 * 4);
  });
});
