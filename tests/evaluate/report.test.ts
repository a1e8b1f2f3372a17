import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/base/config.js';
import { evaluateConfigSchema } from '../../src/evaluate/evaluate-config.js';
import {
  type ContenderResult,
  EVALUATION_FORMAT,
  type Evaluation,
  type TrialRecord,
} from '../../src/evaluate/evaluation.js';
import { renderReport } from '../../src/evaluate/report.js';
import { domainOf, tickLabels, ticksOf } from '../../src/evaluate/scale.js';
import { summariseTrials } from '../../src/evaluate/summarise.js';
import { formatEvaluation } from '../../src/evaluate/table.js';

const OPTIONS = { resamples: 200, seed: 1 };

function trial(number: number, values: Partial<TrialRecord> = {}): TrialRecord {
  return {
    number,
    fell: false,
    survival_s: 10,
    tracking_m: 0.5,
    stretches: [
      { commanded: [0.1 * number, 0, -0.02 * number], achieved: [0.09 * number, 0.01, -0.01 * number], duration_s: 9 },
    ],
    velocityError: [0.01 * number, 0.01, 0.01 * number],
    actionRate_radps: 2,
    torque_Nm: 11,
    ...values,
  };
}

function contender(
  role: ContenderResult['role'],
  key: string,
  trials: readonly TrialRecord[],
  teacher?: readonly TrialRecord[],
): ContenderResult {
  const byNumber = teacher && new Map(teacher.map((one) => [one.number, one]));
  const result = { summary: summariseTrials(trials, { ...OPTIONS, teacher: byNumber }), trials };
  return {
    key,
    role,
    name: role === 'policy' ? 'walk <b>"fast"</b>' : key,
    conditions: { undisturbed: result, kicked: result },
  };
}

function sampleEvaluation(): Evaluation {
  const teachers = [1, 2, 3, 4].map((number) => trial(number));
  const policies = [1, 2, 3, 4].map((number) =>
    trial(number, { tracking_m: 0.3, fell: number === 2, survival_s: number === 2 ? 4 : 10 }),
  );
  const run = (key: string) => ({
    contender: key,
    fell: false,
    x_m: [0, 0.1, 0.2],
    y_m: [0, 0, 0.1],
    vx_mps: [0, 1, 1],
    wz_radps: [0, 0.1, 0.1],
  });
  const { contender: _, fell: _fell, ...planned } = run('');
  return {
    format: EVALUATION_FORMAT,
    tool: 'nextgait test',
    policy: 'runs/walk',
    robot: { name: 'g1', hash: '0', jointNames: [] },
    rate_hz: 50,
    seed: 7,
    config: parseConfig(evaluateConfigSchema, { trials: 4 }, 'test'),
    commandRange: { vx_mps: [0, 0.4], vy_mps: [0, 0], wz_radps: [-0.1, 0] },
    complete: true,
    contenders: [
      contender('policy', 'policy', policies, teachers),
      contender('teacher', 'teacher', teachers, teachers),
      contender('baseline', 'copy-last-action', [trial(1, { tracking_m: 2, fell: true })], teachers),
    ],
    prediction: {
      data: ['datasets/walks'],
      split: 'held-out',
      command: 'hindsight',
      episodes: 3,
      windows: 120,
      rows: [
        {
          key: 'policy',
          name: 'walk',
          errors: { state: { mean: 0.0123, interval95: [0.01, 0.015], count: 3 }, action: null, both: null },
        },
      ],
    },
    notes: ['something was <left out>'],
    samples: {
      trials: [
        {
          number: 1,
          condition: 'undisturbed',
          command: [1, 0, 0.1],
          kicks_s: [],
          planned,
          runs: [run('policy'), run('teacher')],
        },
        { number: 1, condition: 'kicked', command: [1, 0, 0.1], kicks_s: [0.1], planned, runs: [run('policy')] },
      ],
      phase: {
        joint: 'left_knee_joint',
        speed_mps: 0.5,
        runs: [{ contender: 'policy', position_rad: [0, 0.1, 0], velocity_radps: [1, 0, -1] }],
      },
    },
  };
}

describe('summary', () => {
  it('counts falls, and compares with the teacher in the same trials', () => {
    const teacher = new Map([1, 2].map((number) => [number, trial(number, { tracking_m: 0.5 })]));
    const trials = [
      trial(1, { tracking_m: 0.4 }),
      trial(2, { tracking_m: 0.2, fell: true }),
      trial(3, { tracking_m: 9 }),
    ];
    const summary = summariseTrials(trials, { ...OPTIONS, teacher });
    expect(summary.falls).toMatchObject({ count: 1, of: 3 });
    expect(summary.tracking_m!.mean).toBeCloseTo(3.2, 12);
    // Trial 3 has no counterpart.
    expect(summary.trackingOfTeacher).toMatchObject({ mean: expect.closeTo(0.6, 12), count: 2 });
  });

  it('has slopes of achieved on commanded where commands vary', () => {
    const { slope } = summariseTrials(
      [1, 2, 3, 4].map((number) => trial(number)),
      OPTIONS,
    );
    expect(slope[0]!.mean).toBeCloseTo(0.9, 12);
    expect(slope[1]).toBeNull();
    expect(slope[2]!.mean).toBeCloseTo(0.5, 12);
  });

  it('is the same twice, and holds nothing for no trials', () => {
    const trials = [1, 2, 3].map((number) => trial(number, { tracking_m: number / 7 }));
    expect(summariseTrials(trials, OPTIONS)).toEqual(summariseTrials(trials, OPTIONS));
    expect(summariseTrials([], OPTIONS)).toMatchObject({ trials: 0, tracking_m: null, slope: [null, null, null] });
  });
});

describe('table', () => {
  const lines = formatEvaluation(sampleEvaluation()).split('\n');

  it('aligns its numbers under their titles', () => {
    const at = lines.findIndex((line) => line.includes('tracking m'));
    const end = lines[at].indexOf('tracking m') + 'tracking m'.length;
    for (const row of [lines[at + 2], lines[at + 4], lines[at + 6]]) {
      expect(row.slice(0, end)).toMatch(/ \d?\.\d{3}$/);
    }
    expect(lines[at + 1]).toBe('-'.repeat(lines[at + 1].length));
  });

  it('shows what counts', () => {
    const text = lines.join('\n');
    expect(text).toMatch(/1\/4/);
    expect(text).toMatch(/With 2 kicks of 0\.5 m\/s: 4 trials of 10 s/);
    expect(text).toMatch(/teacher \(teacher\)/);
    expect(text).toMatch(/120 held-out windows of 3 episodes/);
    expect(text).toMatch(/note: something was <left out>/);
    expect(text).not.toMatch(/NaN|undefined|null/);
  });

  it('leaves the share of the teacher out where there is none', () => {
    const evaluation = sampleEvaluation();
    const alone = { ...evaluation, contenders: evaluation.contenders.filter(({ role }) => role !== 'teacher') };
    expect(formatEvaluation(alone)).not.toMatch(/of teacher/);
    expect(formatEvaluation(evaluation)).toMatch(/of teacher/);
  });
});

describe('report', () => {
  const html = renderReport(sampleEvaluation());

  it('needs nothing but itself', () => {
    expect(html).not.toMatch(/<script|<link|<img|@import|url\(|https?:/);
    expect(html).toMatch(/prefers-color-scheme: dark/);
    expect(html).toMatch(/name="viewport"/);
  });

  it('has every plot, with numbers in it', () => {
    // Falls, vx and wz (vy was never commanded), two turn plots, two paths, two trials of two velocities, the knee.
    expect(html.match(/<svg class="plot"/g)).toHaveLength(1 + 2 + 2 + 2 + 4 + 1);
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('escapes names and closes its elements', () => {
    expect(html).toContain('walk &lt;b&gt;&quot;fast&quot;&lt;/b&gt;');
    expect(html).toContain('something was &lt;left out&gt;');
    for (const element of ['svg', 'table', 'figure', 'div', 'tr', 'td', 'th', 'ul', 'li', 'h2', 'p', 'text']) {
      const opened = html.match(new RegExp(`<${element}[ >]`, 'g'))?.length ?? 0;
      expect(html.match(new RegExp(`</${element}>`, 'g'))?.length ?? 0, element).toBe(opened);
    }
  });

  it('can be made from evaluation.json', () => {
    expect(renderReport(JSON.parse(JSON.stringify(sampleEvaluation())))).toBe(html);
  });

  it('can be made of an evaluation that was interrupted before anything was done', () => {
    const evaluation = sampleEvaluation();
    const empty = evaluation.contenders.map((one) => ({
      ...one,
      conditions: { undisturbed: { summary: summariseTrials([], OPTIONS), trials: [] } },
    }));
    const nothing = { ...evaluation, contenders: empty, prediction: null, samples: { trials: [], phase: null } };
    expect(renderReport(nothing)).not.toMatch(/NaN|Infinity|undefined/);
    expect(formatEvaluation(nothing)).not.toMatch(/NaN|undefined/);
  });
});

describe('ticks', () => {
  it('are round numbers within the domain', () => {
    expect(ticksOf([-0.23, 1.04], 5)).toEqual([0, 0.5, 1]);
    expect(ticksOf([0, 1], 4)).toEqual([0, 0.5, 1]);
    expect(ticksOf([12, 87], 5)).toEqual([20, 40, 60, 80]);
    expect(tickLabels([-0.5, 0, 0.5])).toEqual(['−0.5', '0', '0.5']);
  });

  it('hold for data without extent', () => {
    const [low, high] = domainOf([3, 3], 0.05, 0.5);
    expect([low, high]).toEqual([2.75, 3.25]);
    expect(domainOf([])).toEqual([0, 1]);
  });
});
