// Figures of the notebook: plots of the evaluation's kind side by side, and an episode's channels as lanes.
//
// Everything is SVG text with its own light ground, so that it looks the same in a light and a dark notebook.

import {
  type Channel,
  type ChannelName,
  type Episode,
  escapeText,
  type Mark,
  type Plot,
  type Point,
  renderPlot,
} from '../dist/src/index.js';

const WIDTH = 960;
const MARGIN = 12;
const LEGEND = 26;

/** Blue for the student, orange for its teacher: colours that stay apart for people who see red and green alike. */
const STYLE = `
.nextgait text { fill: #5f6670; font: 11px system-ui, sans-serif; }
.nextgait text.title, .nextgait text.name { fill: #1c1e21; font-weight: 600; font-size: 12px; }
.nextgait text.key { fill: #1c1e21; font-size: 12px; }
.nextgait .grid { stroke: #e3e4e6; stroke-width: 1; }
.nextgait path { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.nextgait .policy, .nextgait .observation { stroke: #1f6feb; } .nextgait .teacher, .nextgait .action { stroke: #d9620b; }
.nextgait .baseline { stroke: #8a929c; } .nextgait .other { stroke: #2f8f5b; } .nextgait .rest { stroke: #8a55c8; }
.nextgait .planned { stroke: #5f6670; stroke-width: 1.3; stroke-dasharray: 5 4; } .nextgait .dashed { stroke-dasharray: 6 3; }
.nextgait .faint { stroke-width: 1; opacity: .3; } .nextgait .thin { stroke-width: 1.1; }
.nextgait circle { stroke: none; } .nextgait circle.policy, .nextgait circle.observation { fill: #1f6feb; }
.nextgait circle.action { fill: #d9620b; } .nextgait circle.teacher { fill: #fff; stroke: #d9620b; stroke-width: 1.3; }
.nextgait circle.baseline { fill: #b9bfc6; }
.nextgait .whisker { stroke: #1c1e21; stroke-width: 1.3; } .nextgait rect.kicked { fill-opacity: .45; }
.nextgait rect.policy, .nextgait rect.teacher, .nextgait rect.baseline { stroke: none; }
.nextgait rect.policy { fill: #1f6feb; } .nextgait rect.teacher { fill: #d9620b; } .nextgait rect.baseline { fill: #8a929c; }
.nextgait rect.observation { fill: #e4eefe; stroke: none; } .nextgait rect.action { fill: #fdeadb; stroke: none; }
.nextgait rect.other { fill: #e5f3eb; stroke: none; } .nextgait rect.masked { fill: #f1f2f3; stroke: #c9cdd2; stroke-dasharray: 3 3; }
`;

export interface LegendEntry {
  readonly className: string;
  readonly label: string;
  /** A line where absent. */
  readonly mark?: 'dot' | 'bar';
}

/** Plots side by side in rows of `columns`, under a legend. */
export function figure(plots: readonly (Plot | string)[], columns: number, legend: readonly LegendEntry[]): string {
  const gap = 10;
  const width = (WIDTH - 2 * MARGIN - gap * (columns - 1)) / columns;
  const rendered = plots.map((plot) => (typeof plot === 'string' ? plot : renderPlot(plot)));
  const parts: string[] = [renderLegend(legend, MARGIN)];
  let top = MARGIN + (legend.length > 0 ? LEGEND : 0);
  for (let first = 0; first < rendered.length; first += columns) {
    let tallest = 0;
    rendered.slice(first, first + columns).forEach((svg, column) => {
      const [, plotWidth, plotHeight] = svg.match(/viewBox="0 0 (\S+) (\S+)"/)!.map(Number);
      const height = (plotHeight / plotWidth) * width;
      tallest = Math.max(tallest, height);
      const place = `x="${MARGIN + column * (width + gap)}" y="${top}" width="${width}" height="${height}"`;
      parts.push(svg.replace('<svg class="plot"', `<svg ${place}`));
    });
    top += tallest + gap;
  }
  return page(parts, top + MARGIN - gap);
}

export interface LaneGroup {
  readonly title: string;
  readonly className: 'observation' | 'action' | 'other';
  /** Channels, and what a frame without one says in its lane. */
  readonly channels: readonly ChannelName[];
  readonly absent: string;
}

export interface LanePanel {
  readonly title: string;
  readonly episode: Episode;
  /** Frames from the start that are shown. */
  readonly frameCount: number;
}

/**
 * Episodes side by side, a lane for each channel: coloured with one of its entries drawn in it where the episode has the
 * channel, grey where it does not. The entry is the liveliest one of the first panel that has it; scales are shared.
 */
export function laneFigure(panels: readonly LanePanel[], groups: readonly LaneGroup[]): string {
  const labels = 168;
  const gap = 14;
  const lane = 30;
  const width = (WIDTH - 2 * MARGIN - labels - gap * (panels.length - 1)) / panels.length;
  const leftOf = (panel: number) => MARGIN + labels + panel * (width + gap);
  const parts: string[] = [];
  panels.forEach(({ title, episode }, at) => {
    parts.push(`<text class="name" x="${leftOf(at)}" y="${MARGIN + 12}">${escapeText(title)}</text>`);
    const about = `${episode.source}, ${(episode.frameCount / episode.rate_hz).toFixed(1)} s`;
    parts.push(`<text x="${leftOf(at)}" y="${MARGIN + 27}">${escapeText(about)}</text>`);
  });
  let top = MARGIN + 38;
  for (const { title, className, channels, absent } of groups) {
    parts.push(`<text class="name" x="${MARGIN}" y="${top + 13}">${escapeText(title)}</text>`);
    top += 20;
    for (const name of channels) {
      const shown = liveliest(panels, name);
      parts.push(`<text class="key" x="${MARGIN}" y="${top + lane / 2 + 1}">${name}</text>`);
      panels.forEach((panel, at) => {
        parts.push(renderLane(panel, name, shown, { left: leftOf(at), top, width, height: lane - 4 }, className, absent));
      });
      top += lane;
    }
    top += 4;
  }
  panels.forEach(({ frameCount, episode }, at) => {
    const duration_s = frameCount / episode.rate_hz;
    for (const share of [0, 0.5, 1]) {
      const anchor = share === 0 ? 'start' : share === 1 ? 'end' : 'middle';
      const text = `${(share * duration_s).toFixed(1)}${share === 1 ? ' s' : ''}`;
      parts.push(`<text x="${leftOf(at) + share * width}" y="${top + 9}" text-anchor="${anchor}">${text}</text>`);
    }
  });
  return page(parts, top + 18);
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

interface Shown {
  readonly entry: number;
  readonly low: number;
  readonly high: number;
}

function renderLane(
  { episode, frameCount }: LanePanel,
  name: ChannelName,
  shown: Shown | undefined,
  { left, top, width, height }: Box,
  className: string,
  absent: string,
): string {
  const channel = episode.channels[name];
  const xOf = (frame: number) => left + (frame / frameCount) * width;
  const parts: string[] = [];
  for (const { from, to, present } of stretches(channel, frameCount)) {
    const box = `x="${xOf(from).toFixed(1)}" y="${top}" width="${(xOf(to) - xOf(from)).toFixed(1)}" height="${height}"`;
    parts.push(`<rect class="${present ? className : 'masked'}" ${box} rx="3"/>`);
    if (!present) {
      const middle = (xOf(from) + xOf(to)) / 2;
      parts.push(`<text x="${middle}" y="${top + height / 2 + 4}" text-anchor="middle">${escapeText(absent)}</text>`);
      continue;
    }
    const { entry, low, high } = shown!;
    const points: string[] = [];
    for (let frame = from; frame < to; frame++) {
      const value = channel!.data[frame * channel!.width + entry];
      const y = top + height - 3 - ((value - low) / (high - low || 1)) * (height - 6);
      points.push(`${frame === from ? 'M' : 'L'}${xOf(frame + 0.5).toFixed(1)} ${y.toFixed(1)}`);
    }
    parts.push(`<path class="${className} thin" d="${points.join('')}"/>`);
  }
  return parts.join('');
}

/** The entry of a channel that varies most in the first panel that has it, and its extent over all panels. */
function liveliest(panels: readonly LanePanel[], name: ChannelName): Shown | undefined {
  const having = panels.filter(({ episode }) => episode.channels[name] !== undefined);
  if (having.length === 0) return undefined;
  const width = having[0].episode.channels[name]!.width;
  const extents = (panel: LanePanel) => Array.from({ length: width }, (_, entry) => extentOf(panel, name, entry));
  const first = extents(having[0]);
  const entry = first.reduce((best, [low, high], at) => (high - low > first[best][1] - first[best][0] ? at : best), 0);
  const all = having.map((panel) => extentOf(panel, name, entry));
  return { entry, low: Math.min(...all.map(([low]) => low)), high: Math.max(...all.map(([, high]) => high)) };
}

function extentOf({ episode, frameCount }: LanePanel, name: ChannelName, entry: number): [number, number] {
  const { data, width, valid } = episode.channels[name]!;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let frame = 0; frame < frameCount; frame++) {
    if (valid?.[frame] === 0) continue;
    low = Math.min(low, data[frame * width + entry]);
    high = Math.max(high, data[frame * width + entry]);
  }
  return [low, high];
}

/** Runs of frames that have the channel, or do not. */
function stretches(channel: Channel | undefined, frameCount: number): { from: number; to: number; present: boolean }[] {
  const runs: { from: number; to: number; present: boolean }[] = [];
  for (let frame = 0; frame < frameCount; frame++) {
    const present = channel !== undefined && (channel.valid === undefined || channel.valid[frame] === 1);
    const last = runs.at(-1);
    if (last?.present === present) last.to = frame + 1;
    else runs.push({ from: frame, to: frame + 1, present });
  }
  return runs;
}

/** A series over steps: every value faint, and its running mean over `span` values on top. */
export function smoothed(points: readonly Point[], className: string, span = 9): Mark[] {
  const mean = points.map(([x], at): Point => {
    const near = points.slice(Math.max(0, at - (span >> 1)), at + (span >> 1) + 1);
    return [x, near.reduce((sum, [, y]) => sum + y, 0) / near.length];
  });
  return [
    { kind: 'line', points, className: `${className} faint` },
    { kind: 'line', points: mean, className },
  ];
}

function renderLegend(entries: readonly LegendEntry[], top: number): string {
  let left = MARGIN + 4;
  return entries
    .map(({ className, label, mark }) => {
      const sample =
        mark === 'dot'
          ? `<circle class="${className}" cx="${left + 9}" cy="${top + 6}" r="4"/>`
          : mark === 'bar'
            ? `<rect class="${className}" x="${left}" y="${top + 1}" width="18" height="10"/>`
            : `<path class="${className}" d="M${left} ${top + 6}h18"/>`;
      const text = `<text class="key" x="${left + 24}" y="${top + 10}">${escapeText(label)}</text>`;
      left += 24 + 6.4 * label.length + 22;
      return sample + text;
    })
    .join('');
}

function page(parts: readonly string[], height: number): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="nextgait" viewBox="0 0 ${WIDTH} ${height.toFixed(0)}" width="100%" ` +
    `style="max-width:${WIDTH}px"><style>${STYLE}</style>` +
    `<rect width="${WIDTH}" height="${height.toFixed(0)}" rx="8" fill="#ffffff"/>${parts.join('')}</svg>`
  );
}
