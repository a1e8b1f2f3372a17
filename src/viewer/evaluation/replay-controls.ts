// Play, scrub and speed of a trial, with kicks and falls marked over the slider.

import { type Player, type PlayerState, SPEEDS } from '../dataset/player.js';
import { button, element, setButton } from '../shell/elements.js';
import type { Replay } from './replay-model.js';

export interface ReplayControls {
  readonly root: HTMLElement;
  show(replay: Replay): void;
  update(state: PlayerState): void;
}

export function createReplayControls(player: Player, look: (view: 'robot' | 'above') => void): ReplayControls {
  const play = button('Play', () => player.toggle(), {
    icon: 'play',
    iconOnly: true,
    keys: 'Space',
    class: 'button-primary',
  });
  const speed = element(
    'select',
    {
      class: 'field',
      attributes: { 'aria-label': 'Speed' },
      on: { change: () => player.setSpeed(Number(speed.value)) },
    },
    SPEEDS.map((value) => element('option', { text: `${value}×`, attributes: { value } })),
  );
  const slider = element('input', {
    class: 'replay-slider',
    attributes: { type: 'range', min: 0, max: 1, step: 1, value: 0, 'aria-label': 'Time' },
    on: {
      input: () => {
        player.pause();
        player.seek(Number(slider.value));
      },
    },
  });
  const marks = element('div', { class: 'replay-marks' });
  const clock = element('output', { class: 'replay-clock muted' });
  const root = element('div', { class: 'replay-controls' }, [
    play,
    speed,
    element('div', { class: 'replay-track' }, [marks, slider]),
    clock,
    button('Camera to the robot', () => look('robot'), { icon: 'camera', iconOnly: true, keys: 'r' }),
    button('From above', () => look('above'), { keys: 'a' }),
  ]);
  let wasPlaying: boolean | undefined;
  return {
    root,
    show({ frameCount, rate_hz, marks: events }) {
      slider.max = String(frameCount - 1);
      marks.replaceChildren(
        ...events
          .filter(({ time_s }) => time_s * rate_hz < frameCount)
          .map(({ kind, time_s, text }) =>
            element('button', {
              class: `replay-mark is-${kind}`,
              title: `${text} at ${time_s.toFixed(2)} s`,
              attributes: {
                type: 'button',
                'aria-label': `${text} at ${time_s.toFixed(2)} seconds`,
                style: `left: ${(100 * time_s * rate_hz) / Math.max(1, frameCount - 1)}%`,
              },
              // A little before it, so that it is seen to happen.
              on: { click: () => player.seek(Math.max(0, (time_s - 0.4) * rate_hz)) },
            }),
          ),
      );
    },
    update({ frame, frameCount, rate_hz, playing, speed: factor }) {
      const whole = Math.round(frame);
      slider.value = String(whole);
      const time = (whole / rate_hz).toFixed(2);
      slider.setAttribute('aria-valuetext', `${time} seconds`);
      clock.textContent = `${time} of ${((frameCount - 1) / rate_hz).toFixed(1)} s`;
      if (speed.value !== String(factor)) speed.value = String(factor);
      if (playing === wasPlaying) return;
      wasPlaying = playing;
      setButton(play, playing ? 'pause' : 'play', playing ? 'Pause' : 'Play', 'Space');
    },
  };
}
