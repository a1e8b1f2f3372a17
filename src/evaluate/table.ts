// The evaluation as an aligned table for a terminal: one row for each contender and condition, means with 95 % intervals.

import type { ConditionResult, ContenderResult, Evaluation } from './evaluation.js';
import type { PredictionErrors } from './prediction-error.js';
import type { Estimate, Proportion } from './statistics.js';
import type { ConditionSummary } from './summarise.js';
import { type Condition, conditionsOf } from './trial-plan.js';

export interface Cell {
  /** The number, as short as it may be. */
  readonly text: string;
  /** Its 95 % interval, where it has one. */
  readonly interval?: string;
}

export interface TableColumn {
  /** Short, because the first title of a group stands for the next ones too. */
  readonly title: string;
  /** Whole, for a page. */
  readonly htmlTitle: string;
  readonly cell: (summary: ConditionSummary) => Cell;
}

const NOTHING: Cell = { text: '-' };
const OF_TEACHER = 'of teacher';

/** Columns of the closed-loop table, in the order that they matter. */
const CLOSED_LOOP_COLUMNS: readonly TableColumn[] = [
  { title: 'falls', htmlTitle: 'falls', cell: ({ falls }) => fallsCell(falls) },
  { title: 'survival s', htmlTitle: 'survival<br>s', cell: ({ survival_s }) => estimateCell(survival_s, 2, false) },
  { title: 'tracking m', htmlTitle: 'tracking<br>m', cell: ({ tracking_m }) => estimateCell(tracking_m, 3) },
  {
    title: OF_TEACHER,
    htmlTitle: 'of<br>teacher',
    cell: ({ trackingOfTeacher }) => estimateCell(trackingOfTeacher, 2),
  },
  { title: '|err| vx', htmlTitle: 'error vx<br>m/s', cell: ({ velocityError }) => estimateCell(velocityError[0], 3) },
  { title: 'vy m/s', htmlTitle: 'error vy<br>m/s', cell: ({ velocityError }) => estimateCell(velocityError[1], 3) },
  { title: 'wz rad/s', htmlTitle: 'error wz<br>rad/s', cell: ({ velocityError }) => estimateCell(velocityError[2], 3) },
  { title: 'slope vx', htmlTitle: 'slope<br>vx', cell: ({ slope }) => estimateCell(slope[0], 2, false) },
  { title: 'vy', htmlTitle: 'slope<br>vy', cell: ({ slope }) => estimateCell(slope[1], 2, false) },
  { title: 'wz', htmlTitle: 'slope<br>wz', cell: ({ slope }) => estimateCell(slope[2], 2, false) },
];

/** The columns that say something: without a teacher nothing is a share of the teacher's. */
export function closedLoopColumns({ contenders }: Evaluation): readonly TableColumn[] {
  const hasTeacher = contenders.some(({ role }) => role === 'teacher');
  return CLOSED_LOOP_COLUMNS.filter(({ title }) => hasTeacher || title !== OF_TEACHER);
}

export const PREDICTION_COLUMNS: readonly {
  readonly title: string;
  readonly htmlTitle: string;
  readonly cell: (errors: PredictionErrors) => Cell;
}[] = [
  { title: 'state x1e-2', htmlTitle: 'state', cell: ({ state }) => estimateCell(scaled(state, 100), 2) },
  { title: 'action x1e-2', htmlTitle: 'action', cell: ({ action }) => estimateCell(scaled(action, 100), 2) },
  { title: 'both x1e-2', htmlTitle: 'both', cell: ({ both }) => estimateCell(scaled(both, 100), 2) },
];

/** The whole text: closed loop by condition, prediction error, notes. Ends without a line break. */
export function formatEvaluation(evaluation: Evaluation): string {
  const { config, contenders, prediction, notes, seed } = evaluation;
  const parts: string[] = [];
  for (const condition of conditionsOf(config)) {
    const columns = closedLoopColumns(evaluation);
    parts.push(
      `${conditionTitle(evaluation, condition)}\n${formatRows(
        ['', ...columns.map(({ title }) => title)],
        contendersUnder(contenders, condition).map(({ contender, result }) => [
          { text: contenderLabel(contender) },
          ...columns.map(({ cell }) => cell(result.summary)),
        ]),
      )}`,
    );
  }
  if (prediction !== null) {
    parts.push(
      `Prediction error, ${prediction.windows} ${prediction.split === 'all' ? '' : 'held-out '}windows of ` +
        `${prediction.episodes} episodes, mean squared, normalised units\n${formatRows(
          ['', ...PREDICTION_COLUMNS.map(({ title }) => title)],
          prediction.rows.map(({ name, errors }) => [
            { text: name },
            ...PREDICTION_COLUMNS.map(({ cell }) => cell(errors)),
          ]),
        )}`,
    );
  }
  parts.push(
    [
      `95 % intervals under the means (bootstrap over trials; falls: Wilson). Seed ${seed}.`,
      ...notes.map((one) => `note: ${one}`),
    ].join('\n'),
  );
  return parts.join('\n\n');
}

/** `Undisturbed: 100 trials of 10 s, ...`. */
export function conditionTitle({ config, commandRange, contenders }: Evaluation, condition: Condition): string {
  const trials = contenders[0].conditions[condition]?.summary.trials ?? 0;
  const what =
    condition === 'undisturbed' ? 'Undisturbed' : `With ${config.kicks.count} kicks of ${config.kicks.speed_mps} m/s`;
  const span = ([low, high]: readonly [number, number]) => (low === high ? `${low}` : `${low} to ${high}`);
  const { vx_mps, vy_mps, wz_radps } = commandRange;
  const commands =
    config.commands.set === 'paper-yaw'
      ? "the paper's yaw commands at 0.5 m/s"
      : `vx ${span(vx_mps)}, vy ${span(vy_mps)} m/s, wz ${span(wz_radps)} rad/s`;
  return `${what}: ${trials} trials of ${config.duration_s} s from standing, ${commands}`;
}

/** What a contender is called in a table. */
export function contenderLabel({ name, role }: ContenderResult): string {
  return role === 'teacher' ? `${name} (teacher)` : name;
}

export function contendersUnder(
  contenders: readonly ContenderResult[],
  condition: Condition,
): { contender: ContenderResult; result: ConditionResult }[] {
  return contenders.flatMap((contender) => {
    const result = contender.conditions[condition];
    return result === undefined ? [] : [{ contender, result }];
  });
}

function fallsCell({ count, of, interval95 }: Proportion): Cell {
  if (of === 0) return NOTHING;
  const [low, high] = interval95.map((share) => Math.round(100 * share));
  return { text: `${count}/${of}`, interval: `${low}-${high} %` };
}

function estimateCell(estimate: Estimate | null, digits: number, withInterval = true): Cell {
  if (estimate === null) return NOTHING;
  const show = (value: number) =>
    value
      .toFixed(digits)
      .replace(/^-(0\.?0*)$/, '$1')
      .replace(/^(-?)0\./, '$1.');
  const interval = `${show(estimate.interval95[0])}-${show(estimate.interval95[1])}`;
  return withInterval ? { text: show(estimate.mean), interval } : { text: show(estimate.mean) };
}

function scaled(estimate: Estimate | null, factor: number): Estimate | null {
  if (estimate === null) return null;
  const [low, high] = estimate.interval95;
  return { ...estimate, mean: estimate.mean * factor, interval95: [low * factor, high * factor] };
}

/** First column left-aligned, the others right-aligned; intervals in a line of their own under each row. */
function formatRows(titles: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.flatMap((row) => [row[column].text.length, row[column].interval?.length ?? 0])),
  );
  const line = (texts: readonly string[]) =>
    texts
      .map((text, column) => (column === 0 ? text.padEnd(widths[column]) : text.padStart(widths[column])))
      .join('  ')
      .trimEnd();
  const lines = [line(titles), '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2))];
  for (const row of rows) {
    lines.push(line(row.map(({ text }) => text)));
    if (row.some(({ interval }) => interval !== undefined)) lines.push(line(row.map(({ interval }) => interval ?? '')));
  }
  return lines.join('\n');
}
