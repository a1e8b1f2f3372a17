// Play, step, speed and loop, and where the clock stands.

import { button, element, setButton } from '../shell/elements.js';
import { type Player, type PlayerState, SPEEDS } from './player.js';

export interface Transport {
  readonly element: HTMLElement;
  update(state: PlayerState): void;
}

export function createTransport(player: Player, actions: { link(): void; picture(): void }): Transport {
  const play = button('Play', () => player.toggle(), {
    icon: 'play',
    iconOnly: true,
    keys: 'Space',
    class: 'button-primary',
  });
  const loop = button('Loop', () => player.setLoop(!player.state.loop), { icon: 'loop', iconOnly: true, keys: 'l' });
  const speed = element(
    'select',
    {
      class: 'field transport-speed',
      title: 'Speed ( < and > )',
      attributes: { 'aria-label': 'Speed' },
      on: { change: () => player.setSpeed(Number(speed.value)) },
    },
    SPEEDS.map((value) => element('option', { text: `${value}×`, attributes: { value } })),
  );
  const clock = element('output', { class: 'transport-clock' });
  const root = element('div', { class: 'transport' }, [
    button('To the start', () => player.seek(0), {
      icon: 'first',
      iconOnly: true,
      class: 'transport-ends',
      keys: 'Home',
    }),
    button('One frame back', () => player.step(-1), { icon: 'previous', iconOnly: true, keys: '←' }),
    play,
    button('One frame on', () => player.step(1), { icon: 'next', iconOnly: true, keys: '→' }),
    button('To the end', () => player.seek(player.state.frameCount - 1), {
      icon: 'last',
      iconOnly: true,
      class: 'transport-ends',
      keys: 'End',
    }),
    loop,
    speed,
    clock,
    element('span', { class: 'transport-space' }),
    button('Copy a link to this frame', actions.link, { icon: 'link', iconOnly: true, keys: 'c' }),
    button('Save the picture', actions.picture, { icon: 'camera', iconOnly: true, keys: 'p' }),
  ]);
  let wasPlaying: boolean | undefined;
  let text = '';
  return {
    element: root,
    update({ frame, frameCount, rate_hz, playing, speed: factor, loop: isLooping }) {
      const whole = Math.round(frame);
      const next = `${(whole / rate_hz).toFixed(2)} s · frame ${whole} of ${frameCount - 1}`;
      if (next !== text) clock.textContent = text = next;
      if (speed.value !== String(factor)) speed.value = String(factor);
      loop.setAttribute('aria-pressed', String(isLooping));
      if (playing === wasPlaying) return;
      wasPlaying = playing;
      setButton(play, playing ? 'pause' : 'play', playing ? 'Pause' : 'Play', 'Space');
    },
  };
}
