// The panel beside the stage: velocities, ground, payload, ghost, recordings.

import { TERRAIN_KINDS, type TerrainKind } from '../../sim/terrain.js';
import { button, element } from '../shell/elements.js';
import { GHOST_PLACES, type GhostPlace } from './drive-scene.js';
import { shardBlob } from './save-recording.js';

export interface DrivePanelOptions {
  readonly readouts: HTMLElement;
  readonly foretells: boolean;
  /** Switch between policies, where there are several. */
  readonly chooser: HTMLElement;
  onTerrain(kind: TerrainKind): void;
  onPayload(payload_kg: number): void;
  onGhost(place: GhostPlace): void;
  onRecord(): void;
}

export interface DrivePanel {
  readonly element: HTMLElement;
  setTerrain(kind: TerrainKind): void;
  setGhost(place: GhostPlace): void;
  setRecording(isRecording: boolean): void;
  /** Seconds recorded so far. */
  setRecorded(seconds: number): void;
  /** A finished recording, to be kept as a file. */
  addRecording(name: string, seconds: number, shard: Uint8Array): void;
  dispose(): void;
}

const MOST_PAYLOAD_KG = 10;
const TERRAIN_TEXTS: Readonly<Record<TerrainKind, string>> = { flat: 'Flat', waves: 'Waves', steps: 'Steps' };
const GHOST_TEXTS: Readonly<Record<GhostPlace, string>> = { off: 'Off', over: 'Over', beside: 'Beside' };

export function createDrivePanel(options: DrivePanelOptions): DrivePanel {
  const terrain = choice('Ground', TERRAIN_KINDS, TERRAIN_TEXTS, 'flat', options.onTerrain);
  const ghost = choice('What the model expects', GHOST_PLACES, GHOST_TEXTS, 'off', options.onGhost);
  const payloadText = element('output', { class: 'payload-text', text: '0 kg' });
  const payload = element('input', {
    attributes: {
      type: 'range',
      min: 0,
      max: MOST_PAYLOAD_KG,
      step: 0.5,
      value: 0,
      'aria-label': 'Payload on the torso (kg)',
    },
    on: {
      input: () => {
        payloadText.textContent = `${payload.value} kg`;
        options.onPayload(Number(payload.value));
      },
    },
  });
  const record = button('Record', options.onRecord, { class: 'record-button', keys: 'c' });
  record.prepend(element('span', { class: 'record-dot' }));
  const recordText = record.querySelector('span:last-child')!;
  const recorded = element('output', { class: 'muted' });
  const files = element('ul', { class: 'recordings' });
  const addresses: string[] = [];

  return {
    element: element('aside', { class: 'drive-panel', attributes: { 'aria-label': 'Drive settings' } }, [
      options.chooser,
      options.readouts,
      element('div', { class: 'drive-settings' }, [
        terrain.element,
        element('label', { class: 'setting' }, [
          element('span', { class: 'setting-head' }, ['Payload on the torso', payloadText]),
          payload,
        ]),
        ...(options.foretells ? [ghost.element] : []),
        element('div', { class: 'setting' }, [
          element('span', { class: 'setting-head' }, ['Record what you drive', recorded]),
          record,
          files,
        ]),
      ]),
    ]),
    setTerrain: terrain.set,
    setGhost: ghost.set,
    setRecording(isRecording) {
      record.setAttribute('aria-pressed', String(isRecording));
      recordText.textContent = isRecording ? 'Stop' : 'Record';
      if (!isRecording) recorded.textContent = '';
    },
    setRecorded(seconds) {
      recorded.textContent = `${seconds.toFixed(1)} s`;
    },
    addRecording(name, seconds, shard) {
      const address = URL.createObjectURL(shardBlob(shard));
      addresses.push(address);
      const link = element('a', {
        text: `${seconds.toFixed(1)} s`,
        title:
          'An Arrow shard: put it into a folder of its own as shard-00000.arrow and run nextgait inspect <folder> --rebuild',
        attributes: { href: address, download: `${name}.arrow` },
      });
      files.append(
        element('li', {}, [link, element('span', { class: 'muted', text: ` ${(shard.length / 1e6).toFixed(1)} MB` })]),
      );
      link.click();
    },
    dispose() {
      for (const address of addresses) URL.revokeObjectURL(address);
    },
  };
}

/** One of a few, as a row of radio buttons that look like one switch. */
function choice<Name extends string>(
  label: string,
  names: readonly Name[],
  texts: Readonly<Record<Name, string>>,
  first: Name,
  onChoice: (name: Name) => void,
): { readonly element: HTMLElement; set(name: Name): void } {
  const group = `choice-${label.toLowerCase().replaceAll(' ', '-')}`;
  const inputs = names.map((name) => {
    const input = element('input', {
      attributes: { type: 'radio', name: group, value: name, checked: name === first },
      on: { change: () => onChoice(name) },
    });
    return {
      name,
      input,
      element: element('label', { class: 'segment' }, [input, element('span', { text: texts[name] })]),
    };
  });
  return {
    element: element('fieldset', { class: 'setting' }, [
      element('legend', { class: 'setting-head', text: label }),
      element(
        'div',
        { class: 'segments' },
        inputs.map(({ element }) => element),
      ),
    ]),
    set(name) {
      for (const one of inputs) one.input.checked = one.name === name;
    },
  };
}
