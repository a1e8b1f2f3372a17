// The evaluation as one HTML file that needs nothing else: no script, no network, plots as SVG in the page.

import type { Evaluation } from './evaluation.js';
import { fallsPlot, pathPlots, phasePlot, turnPlots, velocityPlots, velocityScatters } from './report-plots.js';
import { REPORT_STYLE } from './report-style.js';
import { escapeText } from './svg-plot.js';
import {
  type Cell,
  closedLoopColumns,
  conditionTitle,
  contenderLabel,
  contendersUnder,
  PREDICTION_COLUMNS,
} from './table.js';
import { type Condition, conditionsOf } from './trial-plan.js';

/** The whole page. */
export function renderReport(evaluation: Evaluation): string {
  const { contenders, robot, seed, tool } = evaluation;
  const name = contenders[0].name;
  const sections = [
    `<h1>${escapeText(name)} on ${escapeText(robot.name)}</h1>`,
    `<p class="soft">Evaluated with ${escapeText(tool)}, seed ${seed}. Policy: ${escapeText(evaluation.policy)}</p>`,
    ...reportNumbers(evaluation),
    ...reportPlots(evaluation),
    notes(evaluation),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Evaluation of ${escapeText(name)}</title>
<style>
${REPORT_STYLE}
</style>
</head>
<body>
<main>
${sections.filter((section) => section !== '').join('\n')}
</main>
</body>
</html>
`;
}

/** What the evaluation says in numbers: tiles and tables, as HTML under REPORT_PARTS_STYLE. Empty parts are ''. */
export function reportNumbers(evaluation: Evaluation): string[] {
  return [
    tiles(evaluation),
    ...conditionsOf(evaluation.config).map((condition) => closedLoopTable(evaluation, condition)),
    `<p class="soft">Small numbers: 95 % intervals, bootstrap over trials (falls: Wilson). A robot that falls stays where it
fell for the rest of the trial, in every number. <em>Of teacher</em>: tracking error as a share of the teacher's in the same trials.</p>`,
    predictionTable(evaluation),
  ];
}

/** Every plot with its heading and legend, as HTML under REPORT_PARTS_STYLE. */
export function reportPlots(evaluation: Evaluation): string[] {
  return [
    plotSection(
      'Falls',
      'Lines are 95 % Wilson intervals.',
      [fallsPlot(evaluation)],
      evaluation.config.kicks.enabled ? fallsLegend() : '',
    ),
    plotSection(
      'Achieved over commanded velocity',
      `Mean of each trial without its first ${evaluation.config.settle_s} s, undisturbed. On the dashed line the robot does what it was told.`,
      velocityScatters(evaluation),
      legend(evaluation, 'what was commanded'),
    ),
    plotSection(
      'Tracking error over commanded turn',
      'Mean over the trials of each bin, with 95 % intervals.',
      turnPlots(evaluation),
      legend(evaluation),
    ),
    plotSection(
      'Paths from above',
      'The fastest trial of each quarter of the commanded turns, and one of them with kicks.',
      pathPlots(evaluation),
      legend(evaluation, 'integrated command'),
    ),
    plotSection(
      'Velocity over time',
      'In the heading frame, smoothed over 0.5 s.',
      velocityPlots(evaluation),
      legend(
        evaluation,
        'command',
        evaluation.samples.trials.some(({ kicks_s }) => kicks_s.length > 0),
      ),
    ),
    phaseSection(evaluation),
  ];
}

/** The numbers that decide, large. */
function tiles({ contenders, config }: Evaluation): string {
  const policy = contenders[0].conditions;
  const tile = (value: string, about: string) =>
    `<div class="tile"><b>${escapeText(value)}</b><span>${about}</span></div>`;
  const parts: string[] = [];
  for (const condition of conditionsOf(config)) {
    const falls = policy[condition]?.summary.falls;
    if (falls !== undefined) parts.push(tile(`${falls.count} of ${falls.of}`, `falls, ${condition}`));
  }
  for (const condition of conditionsOf(config)) {
    const tracking = policy[condition]?.summary.tracking_m;
    if (tracking) parts.push(tile(`${tracking.mean.toFixed(3)} m`, `tracking error, ${condition}`));
  }
  const share = policy.undisturbed?.summary.trackingOfTeacher;
  if (share) parts.push(tile(share.mean.toFixed(2), "of the teacher's tracking error"));
  return `<div class="tiles">${parts.join('')}</div>`;
}

function closedLoopTable(evaluation: Evaluation, condition: Condition): string {
  const columns = closedLoopColumns(evaluation);
  const rows = contendersUnder(evaluation.contenders, condition).map(({ contender, result }) => ({
    className: contender.role,
    name: contenderLabel(contender),
    cells: columns.map(({ cell }) => cell(result.summary)),
  }));
  const titles = columns.map(({ htmlTitle }) => htmlTitle);
  const [what, about] = conditionTitle(evaluation, condition).split(/: (.*)/);
  return `<h2>${escapeText(what)}</h2>\n<p class="soft">${escapeText(about)}</p>\n${table(titles, rows)}`;
}

function predictionTable({ prediction, contenders }: Evaluation): string {
  if (prediction === null) return '';
  const rows = prediction.rows.map(({ key, name, errors }) => ({
    className: key === 'policy' ? 'policy' : 'baseline',
    name: key === 'policy' ? contenders[0].name : name,
    cells: PREDICTION_COLUMNS.map(({ cell }) => cell(errors)),
  }));
  const split = prediction.split === 'all' ? 'all' : 'held-out';
  return `<h2>Prediction error</h2>
<p class="soft">Mean squared error of the next token in normalised units, ×10⁻², over ${prediction.windows} full windows of
${prediction.episodes} ${split} episodes of ${escapeText(prediction.data.join(', '))}; commands ${prediction.command}. Intervals: bootstrap over episodes.</p>
${table(
  PREDICTION_COLUMNS.map(({ htmlTitle }) => htmlTitle),
  rows,
)}`;
}

function table(
  titles: readonly string[],
  rows: readonly { readonly className: string; readonly name: string; readonly cells: readonly Cell[] }[],
): string {
  const head = titles.map((title) => `<th scope="col">${title}</th>`).join('');
  const body = rows.map(({ className, name, cells }) => {
    const numbers = cells.map(
      ({ text, interval }) =>
        `<td>${escapeText(text)}${interval === undefined ? '' : `<small>${escapeText(interval.replace('-', '–'))}</small>`}</td>`,
    );
    return `<tr class="${className}"><th scope="row">${escapeText(name)}</th>${numbers.join('')}</tr>`;
  });
  return `<div class="scroll"><table><thead><tr><th></th>${head}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table></div>`;
}

function plotSection(title: string, about: string, plots: readonly string[], key: string): string {
  if (plots.length === 0) return '';
  const figures = plots.map((plot) => `<figure>${plot}</figure>`).join('\n');
  return `<h2>${title}</h2>\n<p class="soft">${about}</p>\n${key}<div class="plots">\n${figures}\n</div>`;
}

function phaseSection(evaluation: Evaluation): string {
  const plot = phasePlot(evaluation);
  if (plot === undefined) return '';
  return plotSection(
    'Phase portrait of the left knee',
    `Walking straight at ${evaluation.samples.phase!.speed_mps} m/s, undisturbed, from 3 s on.`,
    [plot],
    legend(evaluation),
  );
}

function legend({ contenders }: Evaluation, planned?: string, kicks = false): string {
  const entries = contenders
    .filter(({ role }) => role !== 'baseline')
    .map((one) => `<li class="${one.role}">${escapeText(contenderLabel(one))}</li>`);
  if (planned !== undefined) entries.push(`<li class="planned">${planned}</li>`);
  if (kicks) entries.push('<li class="kick">kick</li>');
  return `<ul class="legend">${entries.join('')}</ul>\n`;
}

function fallsLegend(): string {
  return '<ul class="legend"><li class="calm">undisturbed</li><li class="kicked">kicked</li></ul>\n';
}

/** What was left out and why, as HTML; '' where nothing was. */
export function notes({ notes: texts }: Evaluation): string {
  if (texts.length === 0) return '';
  return `<h2>Left out</h2>\n<ul class="notes">${texts.map((text) => `<li>${escapeText(text)}</li>`).join('')}</ul>`;
}
