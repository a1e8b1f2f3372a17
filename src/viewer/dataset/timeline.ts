// The timeline: findings, the mask lanes and the foot contacts of an episode over time, and the slider that scrubs.

import type { Channel, Finding } from '../../motion/episode.js';
import { element } from '../shell/elements.js';
import { cssColour } from '../shell/theme.js';
import { type Lane, laneText, stretches } from './lanes.js';

export interface TimelineContent {
  readonly frameCount: number;
  readonly rate_hz: number;
  readonly lanes: readonly Lane[];
  readonly findings: readonly Finding[];
  readonly footContact?: Channel;
}

export interface Timeline {
  readonly element: HTMLElement;
  show(content: TimelineContent): void;
  /** Moves the hair line. */
  setFrame(frame: number): void;
  /** Draws anew, after a change of theme. */
  repaint(): void;
  dispose(): void;
}

const LANE_PX = 13;
const GAP_PX = 2;
const FINDINGS_PX = 16;
const RULER_PX = 18;
const MODALITIES = {
  command: '--series-6',
  action: '--series-2',
  joints: '--series-1',
  base: '--series-3',
} as const;
const SEVERITIES = { error: '--danger', warning: '--warning', info: '--series-3' } as const;

export function createTimeline(onSeek: (frame: number) => void): Timeline {
  const labels = element('div', { class: 'timeline-labels' });
  const canvas = element('canvas', { class: 'timeline-canvas', attributes: { 'aria-hidden': 'true' } });
  const hair = element('div', { class: 'timeline-hair' });
  const track = element(
    'div',
    {
      class: 'timeline-track',
      attributes: {
        role: 'slider',
        tabindex: 0,
        'aria-label': 'Frame',
        'aria-valuemin': 0,
        'aria-orientation': 'horizontal',
      },
    },
    [canvas, hair],
  );
  const summary = element('p', { class: 'visually-hidden' });
  const root = element('div', { class: 'timeline' }, [labels, track, summary]);
  let content: TimelineContent | undefined;
  let shown = 0;

  const place = () => {
    if (content === undefined) return;
    const x = (shown / Math.max(1, content.frameCount - 1)) * track.clientWidth;
    hair.style.transform = `translateX(${x}px)`;
  };
  const repaint = () => {
    if (content !== undefined) paint(canvas, track.clientWidth, content);
    place();
  };
  const seekTo = (event: PointerEvent) => {
    if (content === undefined) return;
    const { left, width } = track.getBoundingClientRect();
    onSeek(Math.round(((event.clientX - left) / width) * (content.frameCount - 1)));
  };
  track.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    track.setPointerCapture(event.pointerId);
    seekTo(event);
  });
  track.addEventListener('pointermove', (event) => {
    if (track.hasPointerCapture(event.pointerId)) seekTo(event);
  });
  const observer = new ResizeObserver(repaint);
  observer.observe(track);

  return {
    element: root,
    show(next) {
      content = next;
      labels.replaceChildren(
        element('div', { class: 'timeline-label', text: 'findings' }),
        ...next.lanes.map((lane) => laneLabel(lane, next.frameCount)),
      );
      const height = heightOf(next);
      canvas.style.height = `${height}px`;
      track.setAttribute('aria-valuemax', String(next.frameCount - 1));
      summary.textContent = next.lanes.map((lane) => laneText(lane, next.frameCount)).join('. ');
      repaint();
    },
    setFrame(frame) {
      shown = frame;
      const whole = Math.round(frame);
      if (track.getAttribute('aria-valuenow') !== String(whole)) {
        track.setAttribute('aria-valuenow', String(whole));
        const seconds = content === undefined ? 0 : whole / content.rate_hz;
        track.setAttribute('aria-valuetext', `frame ${whole}, ${seconds.toFixed(2)} seconds`);
      }
      place();
    },
    repaint,
    dispose: () => observer.disconnect(),
  };
}

function heightOf({ lanes }: TimelineContent): number {
  return FINDINGS_PX + lanes.length * (LANE_PX + GAP_PX) + RULER_PX;
}

function laneLabel(lane: Lane, frameCount: number): HTMLElement {
  const state = lane.presentFrames === 0 ? 'masked' : lane.presentFrames < frameCount ? 'partial' : 'whole';
  return element('div', {
    class: `timeline-label is-${state}`,
    text: lane.label,
    title: laneText(lane, frameCount),
    attributes: { 'data-lane': lane.name, 'data-state': state },
  });
}

function paint(canvas: HTMLCanvasElement, width: number, content: TimelineContent): void {
  const height = heightOf(content);
  const ratio = devicePixelRatio;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext('2d')!;
  pen.scale(ratio, ratio);
  pen.clearRect(0, 0, width, height);
  const { frameCount, lanes, findings, footContact } = content;
  const toX = (frame: number) => (frame / Math.max(1, frameCount)) * width;
  const bar = (start: number, end: number, y: number, barHeight: number, colour: string | CanvasPattern) => {
    pen.fillStyle = colour;
    // A stretch of one frame stays visible in a long episode.
    pen.fillRect(toX(start), y, Math.max(1, toX(end) - toX(start)), barHeight);
  };
  paintFindings(pen, findings, frameCount, toX);
  const masked = hatch(pen, cssColour('--masked'), cssColour('--surface-sunken'));
  lanes.forEach((lane, at) => {
    const y = FINDINGS_PX + at * (LANE_PX + GAP_PX);
    pen.fillStyle = masked;
    pen.fillRect(0, y, width, LANE_PX);
    const colour = cssColour(MODALITIES[lane.modality]);
    const filled = lane.state === 'derived' ? hatch(pen, cssColour('--surface'), colour, 0.55) : colour;
    for (const { start, end } of lane.present) {
      bar(start, end, y, LANE_PX, lane.name === 'footContact' ? cssColour('--surface-sunken') : filled);
    }
    if (lane.name === 'footContact' && footContact !== undefined) {
      const half = LANE_PX / footContact.width;
      for (let foot = 0; foot < footContact.width; foot++) {
        const flags = Float32Array.from({ length: frameCount }, (_, frame) =>
          footContact.valid?.[frame] === 0 ? 0 : footContact.data[frame * footContact.width + foot],
        );
        const colour = cssColour(foot % 2 === 0 ? '--contact-left' : '--contact-right');
        for (const { start, end } of stretches(flags, frameCount)) bar(start, end, y + foot * half, half - 1, colour);
      }
    }
  });
  paintRuler(pen, content, width, height - RULER_PX);
}

function paintFindings(
  pen: CanvasRenderingContext2D,
  findings: readonly Finding[],
  frameCount: number,
  toX: (frame: number) => number,
): void {
  for (const { frames, severity } of findings) {
    const [start, end] = frames ?? [0, frameCount];
    pen.fillStyle = cssColour(SEVERITIES[severity]);
    if (frames === undefined) {
      // Of the episode as a whole: a thin line all along.
      pen.fillRect(0, FINDINGS_PX - 4, toX(frameCount), 1.5);
      continue;
    }
    pen.fillRect(toX(start), FINDINGS_PX - 6, Math.max(2, toX(end) - toX(start)), 4);
    pen.beginPath();
    pen.moveTo(toX(start) - 4, 2);
    pen.lineTo(toX(start) + 4, 2);
    pen.lineTo(toX(start), 9);
    pen.fill();
  }
}

const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800];
const LABEL_PX = 64;

function paintRuler(
  pen: CanvasRenderingContext2D,
  { frameCount, rate_hz }: TimelineContent,
  width: number,
  y: number,
): void {
  const seconds = frameCount / rate_hz;
  const most = Math.max(1, width / LABEL_PX);
  const step = STEPS_S.find((candidate) => seconds / candidate <= most) ?? 3600;
  pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  pen.textBaseline = 'bottom';
  for (let count = 0; count * step <= seconds; count++) {
    const x = Math.min(width - 1, ((count * step) / seconds) * width);
    pen.fillStyle = cssColour('--border-strong');
    pen.fillRect(x, y, 1, 4);
    pen.fillStyle = cssColour('--text-muted');
    pen.textAlign = count === 0 ? 'left' : x > width - LABEL_PX / 2 ? 'right' : 'center';
    pen.fillText(`${Number((count * step).toFixed(1))} s`, x, y + RULER_PX);
  }
}

/** Diagonal hatching: what is masked or computed is told apart without colour too. */
function hatch(pen: CanvasRenderingContext2D, line: string, ground: string, strength = 1): CanvasPattern | string {
  const tile = document.createElement('canvas');
  tile.width = 6;
  tile.height = 6;
  const brush = tile.getContext('2d')!;
  brush.fillStyle = ground;
  brush.fillRect(0, 0, 6, 6);
  brush.globalAlpha = strength;
  brush.strokeStyle = line;
  brush.lineWidth = 1;
  brush.beginPath();
  for (const shift of [-6, 0, 6]) {
    brush.moveTo(shift, 6);
    brush.lineTo(shift + 6, 0);
  }
  brush.stroke();
  return pen.createPattern(tile, 'repeat') ?? ground;
}
