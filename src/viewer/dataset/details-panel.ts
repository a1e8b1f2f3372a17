// What is known of an episode in words: findings with their places in time, retargeting quality, where it came from.

import type { Finding } from '../../motion/episode.js';
import { element } from '../shell/elements.js';
import type { EpisodeData } from './shard-reader.js';

/** What retargeting made of a clip, as retarget-report.json has it. */
export interface ClipQuality {
  readonly scale: number;
  readonly keypoint_m: number;
  readonly position_mm: Readonly<Record<string, { readonly mean: number; readonly p95: number; readonly max: number }>>;
  /** Null where no sole was held. */
  readonly skating_mps: { readonly mean: number } | null;
  readonly penetration_mm: { readonly max: number };
  readonly onLimit: number;
}

export interface DetailsPanel {
  readonly element: HTMLElement;
  show(data: EpisodeData, rate_hz: number, quality: ClipQuality | undefined): void;
}

export function createDetailsPanel(onSeek: (frame: number) => void): DetailsPanel {
  const root = element('div', { class: 'details' });
  return {
    element: root,
    show(data, rate_hz, quality) {
      root.replaceChildren(
        ...findingsSection(data.findings, rate_hz, onSeek),
        ...(quality === undefined ? [] : qualitySection(quality)),
        ...aboutSection(data, rate_hz),
      );
    },
  };
}

const TONES = { error: 'chip-danger', warning: 'chip-warning', info: '' } as const;

function findingsSection(findings: readonly Finding[], rate_hz: number, onSeek: (frame: number) => void): Node[] {
  const heading = element('h3', { text: `Findings (${findings.length})` });
  if (findings.length === 0)
    return [heading, element('p', { class: 'muted', text: 'Nothing was noticed in this episode.' })];
  const items = findings.map(({ kind, severity, frames, channel, message }) => {
    const text = element('span', {}, [
      element('span', { class: `chip ${TONES[severity]}`, text: kind }),
      ` ${channel === undefined ? '' : `${channel}: `}${message}`,
    ]);
    if (frames === undefined) return element('li', {}, [text]);
    const jump = element('button', {
      class: 'button finding-jump',
      text: `${(frames[0] / rate_hz).toFixed(2)} s · frames ${frames[0]}–${frames[1] - 1}`,
      attributes: { type: 'button' },
      on: { click: () => onSeek(frames[0]) },
    });
    return element('li', {}, [text, jump]);
  });
  return [heading, element('ul', { class: 'findings' }, items)];
}

function qualitySection({ scale, keypoint_m, position_mm, skating_mps, penetration_mm, onLimit }: ClipQuality): Node[] {
  const rows = Object.entries(position_mm)
    .sort(([, a], [, b]) => b.mean - a.mean)
    .map(([name, { mean, p95, max }]) =>
      element('tr', {}, [
        element('td', { text: name.replaceAll('_', ' ') }),
        ...[mean, p95, max].map((value) => element('td', { class: 'number', text: value.toFixed(0) })),
      ]),
    );
  return [
    element('h3', { text: 'Retargeting: distance of keypoints from their source (mm)' }),
    facts([
      ['mean', `${(1000 * keypoint_m).toFixed(0)} mm`],
      ['scale', scale.toFixed(2)],
      ['skating', skating_mps === null ? 'no contacts' : `${skating_mps.mean.toFixed(3)} m/s`],
      ['under the floor', `${penetration_mm.max.toFixed(1)} mm at most`],
      ['on a joint limit', `${(100 * onLimit).toFixed(0)} % of frames`],
    ]),
    element('table', { class: 'table' }, [
      element('thead', {}, [
        element('tr', {}, [
          element('th', { text: 'keypoint' }),
          ...['mean', '95 %', 'max'].map((text) => element('th', { class: 'number', text })),
        ]),
      ]),
      element('tbody', {}, rows),
    ]),
  ];
}

function aboutSection({ entry, provenance }: EpisodeData, rate_hz: number): Node[] {
  const options = JSON.stringify(provenance.options, null, 1);
  return [
    element('h3', { text: 'Episode' }),
    facts([
      ['id', entry.id],
      ['source', `${entry.source} (${entry.kind})`],
      ['length', `${entry.seconds.toFixed(2)} s, ${entry.frames} frames at ${rate_hz} Hz`],
      ['ends', entry.fell ? 'in a fall' : 'standing, or not recorded'],
      ['computed channels', entry.derived.length === 0 ? 'none' : entry.derived.join(', ')],
      ['split', entry.split === 'validation' ? 'held out for validation' : 'training'],
      ['input', provenance.input],
      ...(provenance.sha256 === undefined ? [] : [['SHA-256', provenance.sha256] as const]),
      ['written by', provenance.tool],
      ['shard', entry.shard.file],
    ]),
    element('details', {}, [
      element('summary', { text: 'Options that reproduce it' }),
      element('pre', { class: 'details-options', text: options }),
    ]),
  ];
}

function facts(rows: readonly (readonly [string, string])[]): HTMLElement {
  return element(
    'dl',
    { class: 'facts' },
    rows.flatMap(([name, value]) => [element('dt', { text: name }), element('dd', { text: value })]),
  );
}
