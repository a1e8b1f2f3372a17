// The report's plots, each made from an Evaluation: what was asked for against what came out.

import { Random } from '../base/random.js';
import type { ContenderResult, Evaluation, TrialRecord } from './evaluation.js';
import { type RunSample, SAMPLE_RATE_HZ, type TrialSample } from './samples.js';
import { domainOf, ticksOf } from './scale.js';
import { estimateMean } from './statistics.js';
import { type Mark, type Point, renderPlot } from './svg-plot.js';
import { type Condition, conditionsOf, trialKey } from './trial-plan.js';

const AXIS_LABELS = ['vx (m/s)', 'vy (m/s)', 'wz (rad/s)'] as const;

/** The policy and, where there is one, its teacher: whose single trials are drawn. The policy comes last, on top. */
function walkers({ contenders }: Evaluation): ContenderResult[] {
  return contenders.filter(({ role }) => role !== 'baseline').reverse();
}

/** Achieved over commanded velocity, one plot for each axis that was commanded; undisturbed. */
export function velocityScatters(evaluation: Evaluation): string[] {
  return AXIS_LABELS.flatMap((label, axis) => {
    const series = walkers(evaluation).map(({ key, role, conditions }) => {
      const trials = conditions.undisturbed?.trials ?? [];
      return {
        className: role,
        points: trials.flatMap(({ stretches }) =>
          stretches.map(({ commanded, achieved }): Point => [commanded[axis], achieved[axis]]),
        ),
        trials: trials.flatMap(({ number, stretches, tracking_m }) =>
          stretches.map(({ commanded, achieved }) => ({
            key: trialKey(key, 'undisturbed', number),
            text: `trial ${number}: ${commanded[axis].toFixed(2)} commanded, ${achieved[axis].toFixed(2)} achieved, tracking error ${tracking_m.toFixed(2)} m`,
          })),
        ),
      };
    });
    const commanded = series.flatMap(({ points }) => points.map(([x]) => x));
    if (commanded.every((value) => value === commanded[0])) return [];
    const x = domainOf(commanded);
    const y = domainOf(series.flatMap(({ points }) => points.flat()));
    const identity: Mark = {
      kind: 'line',
      className: 'planned',
      points: [
        [y[0], y[0]],
        [y[1], y[1]],
      ],
    };
    return renderPlot({
      title: label.replace(/ .*/, ''),
      description: `Achieved over commanded ${label}`,
      x: { label: `commanded ${label}`, domain: x },
      y: { label: 'achieved', domain: y },
      marks: [identity, ...series.map((one): Mark => ({ kind: 'dots', ...one }))],
    });
  });
}

/** Paths from above beside the integrated command. */
export function pathPlots({ samples, contenders }: Evaluation): string[] {
  return samples.trials.map((trial) => pathPlot(trial, contenders));
}

export function pathPlot(trial: TrialSample, contenders: readonly ContenderResult[]): string {
  const lines: Mark[] = [
    { kind: 'line', className: 'planned', points: pointsOf(trial.planned) },
    ...runsOf(trial, contenders).map(
      ({ role, run }): Mark => ({ kind: 'line', className: role, points: pointsOf(run) }),
    ),
  ];
  const points = lines.flatMap((mark) => (mark.kind === 'line' ? mark.points : []));
  return renderPlot({
    title: titleOf(trial),
    trial: trialKey(contenders[0].key, trial.condition, trial.number),
    description: `Paths from above in trial ${trial.number}, ${trial.condition}`,
    x: {
      label: 'x (m)',
      domain: domainOf(
        points.map(([x]) => x),
        0.06,
        0.5,
      ),
    },
    y: {
      label: 'y (m)',
      domain: domainOf(
        points.map(([, y]) => y),
        0.06,
        0.5,
      ),
    },
    marks: lines,
    equal: true,
  });
}

/** Forward and turning velocity over time in a few trials. */
export function velocityPlots({ samples, contenders, config }: Evaluation): string[] {
  const chosen = samples.trials.filter((_, at) => at === 0 || at >= samples.trials.length - 2);
  return chosen.flatMap((trial) => velocityPlotsOf(trial, contenders, config.duration_s));
}

/** Forward and turning velocity over time in one trial. */
export function velocityPlotsOf(
  trial: TrialSample,
  contenders: readonly ContenderResult[],
  duration_s: number,
): string[] {
  return QUANTITIES.map(([key, label]) => {
    const lines: Mark[] = [
      { kind: 'line', className: 'planned', points: overTime(trial.planned[key]) },
      ...runsOf(trial, contenders).map(
        ({ role, run }): Mark => ({ kind: 'line', className: role, points: overTime(run[key]) }),
      ),
    ];
    const values = [trial.planned[key], ...trial.runs.map((run) => run[key])].flat();
    return renderPlot({
      title: titleOf(trial),
      trial: trialKey(contenders[0].key, trial.condition, trial.number),
      description: `${label} over time in trial ${trial.number}, ${trial.condition}`,
      x: { label: 'time (s)', domain: [0, duration_s] },
      y: { label, domain: domainOf([...values, 0], 0.08, 0.2) },
      marks: [...trial.kicks_s.map((x): Mark => ({ kind: 'rule', x, className: 'kick' })), ...lines],
      height: 190,
    });
  });
}

const QUANTITIES = [
  ['vx_mps', 'vx (m/s)'],
  ['wz_radps', 'wz (rad/s)'],
] as const;

/** Joint velocity over joint position of the left knee, policy over teacher. */
export function phasePlot({ samples, contenders }: Evaluation): string | undefined {
  const { phase } = samples;
  if (phase === null) return undefined;
  const lines = byRole(phase.runs, contenders).map(
    ({ role, run }): Mark => ({
      kind: 'line',
      className: `${role} thin`,
      points: run.position_rad.map((q, at): Point => [q, run.velocity_radps[at]]),
    }),
  );
  return renderPlot({
    title: phase.joint,
    description: `Phase portrait of ${phase.joint}`,
    x: { label: 'position (rad)', domain: domainOf(phase.runs.flatMap((run) => run.position_rad)) },
    y: { label: 'velocity (rad/s)', domain: domainOf(phase.runs.flatMap((run) => run.velocity_radps)) },
    marks: lines,
    height: 300,
  });
}

/** Tracking error over the commanded turn, in bins of equal width; one plot for each condition. */
export function turnPlots(evaluation: Evaluation): string[] {
  const { config, seed } = evaluation;
  return conditionsOf(config).map((condition) => {
    const series = walkers(evaluation).map(({ role, conditions }, at, all) => {
      const trials = conditions[condition]?.trials ?? [];
      const bins = binByTurn(trials, evaluation.commandRange.wz_radps);
      const offset = (at - (all.length - 1) / 2) * 0.12;
      const estimates = bins.flatMap(({ centre, width, values }) => {
        const estimate = estimateMean(values, config.bootstrap, new Random(seed).split('turn', centre));
        return estimate === null ? [] : [{ x: centre + offset * width, estimate }];
      });
      return { role, estimates };
    });
    const highs = series.flatMap(({ estimates }) => estimates.map(({ estimate }) => estimate.interval95[1]));
    const [low, high] = domainOf(
      series.flatMap(({ estimates }) => estimates.map(({ x }) => x)),
      0.08,
      0.1,
    );
    return renderPlot({
      title: condition,
      description: `Tracking error over commanded turn, ${condition}`,
      x: { label: 'commanded wz (rad/s)', domain: [low, high] },
      y: { label: 'tracking error (m)', domain: [0, domainOf(highs)[1] * 1.02] },
      marks: series.flatMap(({ role, estimates }): Mark[] => [
        {
          kind: 'intervals',
          className: role,
          at: estimates.map(({ x, estimate: { interval95 } }) => ({ x, low: interval95[0], high: interval95[1] })),
        },
        {
          kind: 'dots',
          className: role,
          radius: 3.6,
          points: estimates.map(({ x, estimate }): Point => [x, estimate.mean]),
        },
      ]),
    });
  });
}

/** Share of trials that ended in a fall, with Wilson intervals: undisturbed above kicked. */
export function fallsPlot({ contenders, config }: Evaluation): string {
  const conditions = conditionsOf(config);
  const row = (contender: number, condition: Condition) => {
    const offset = conditions.length === 1 ? 0 : conditions.indexOf(condition) === 0 ? 0.19 : -0.19;
    return contenders.length - 1 - contender + offset;
  };
  const marks = conditions.flatMap((condition) =>
    contenders.map((contender, at): Mark => {
      const falls = contender.conditions[condition]?.summary.falls;
      return {
        kind: 'bars',
        className: `${contender.role} ${condition}`,
        thickness: conditions.length === 1 ? 0.5 : 0.34,
        at:
          falls === undefined || falls.of === 0
            ? []
            : [{ y: row(at, condition), to: falls.share, low: falls.interval95[0], high: falls.interval95[1] }],
      };
    }),
  );
  return renderPlot({
    description: 'Share of trials that ended in a fall',
    x: {
      label: 'share of trials that ended in a fall',
      domain: [0, 1],
      ticks: ticksOf([0, 1], 4).map((at) => ({ at, label: `${Math.round(100 * at)} %` })),
    },
    y: {
      label: '',
      domain: [-0.6, contenders.length - 0.4],
      ticks: contenders.map(({ key }, at) => ({
        at: row(at, 'undisturbed') - (conditions.length === 1 ? 0 : 0.19),
        label: key,
      })),
    },
    marks,
    height: 46 + 38 * contenders.length,
    left: 100,
  });
}

const TURN_BINS = 9;

function binByTurn(
  trials: readonly TrialRecord[],
  [low, high]: readonly [number, number],
): { centre: number; width: number; values: number[] }[] {
  const width = (high - low) / TURN_BINS || 0.1;
  const bins = Array.from({ length: TURN_BINS }, (_, at) => ({
    centre: low + (at + 0.5) * width,
    width,
    values: [] as number[],
  }));
  for (const { stretches, tracking_m } of trials) {
    if (stretches.length === 0) continue;
    const duration_s = stretches.reduce((sum, stretch) => sum + stretch.duration_s, 0);
    const turn = stretches.reduce((sum, { commanded, duration_s: part }) => sum + commanded[2] * part, 0) / duration_s;
    bins[Math.min(TURN_BINS - 1, Math.max(0, Math.floor((turn - low) / width)))].values.push(tracking_m);
  }
  return bins;
}

function runsOf(trial: TrialSample, contenders: readonly ContenderResult[]) {
  return byRole(trial.runs, contenders);
}

/** Runs with the role of who ran; the policy last, so that it is drawn on top. */
function byRole<Run extends { readonly contender: string }>(
  runs: readonly Run[],
  contenders: readonly ContenderResult[],
): { role: string; run: Run }[] {
  return runs
    .map((run) => ({ role: contenders.find(({ key }) => key === run.contender)!.role, run }))
    .sort((a, b) => Number(a.role === 'policy') - Number(b.role === 'policy'));
}

function pointsOf({ x_m, y_m }: Pick<RunSample, 'x_m' | 'y_m'>): Point[] {
  return x_m.map((x, at) => [x, y_m[at]]);
}

function overTime(values: readonly number[]): Point[] {
  return values.map((value, at) => [at / SAMPLE_RATE_HZ, value]);
}

/** The command that a trial starts with. */
function titleOf({ condition, command }: TrialSample): string {
  const [vx, vy, wz] = command.map((value) => value.toFixed(2).replace('-', '−'));
  return `${condition === 'kicked' ? 'kicked, ' : ''}vx ${vx}, vy ${vy}, wz ${wz}`;
}
