// The clock: it plays, loops, steps and stays inside the episode.

import { describe, expect, it } from 'vitest';
import { createPlayer, SPEEDS } from '../../../src/viewer/dataset/player.js';

function loaded(frameCount = 101, rate_hz = 50) {
  const player = createPlayer();
  player.load(frameCount, rate_hz, 0);
  return player;
}

describe('playing', () => {
  it('moves by real time, rate and speed', () => {
    const player = loaded();
    player.play();
    expect(player.advance(0.5)).toBe(true);
    expect(player.state.frame).toBeCloseTo(25);
    player.setSpeed(0.5);
    player.advance(0.5);
    expect(player.state.frame).toBeCloseTo(37.5);
  });

  it('stands still unless it plays', () => {
    const player = loaded();
    expect(player.advance(1)).toBe(false);
    expect(player.state.frame).toBe(0);
  });

  it('goes round, or stops at the end', () => {
    const player = loaded();
    player.seek(90);
    player.play();
    player.advance(0.5);
    expect(player.state.frame).toBeCloseTo(15);
    player.setLoop(false);
    player.seek(90);
    expect(player.advance(0.5)).toBe(false);
    expect(player.state).toMatchObject({ frame: 100, playing: false });
    player.play();
    expect(player.state.frame).toBe(0);
  });

  it('of one frame does not divide by nothing', () => {
    const player = loaded(1);
    player.play();
    player.advance(1);
    expect(player.state.frame).toBe(0);
  });
});

describe('seeking', () => {
  it('stays inside, on whole frames', () => {
    const player = loaded();
    player.seek(-4);
    expect(player.state.frame).toBe(0);
    player.seek(1e9);
    expect(player.state.frame).toBe(100);
    player.seek(12.4);
    expect(player.state.frame).toBe(12);
  });

  it('steps stop the clock', () => {
    const player = loaded();
    player.play();
    player.advance(0.013);
    player.step(1);
    expect(player.state).toMatchObject({ frame: 2, playing: false });
  });

  it('another episode begins where the link says, and goes on playing', () => {
    const player = loaded();
    player.play();
    player.load(20, 50, 400);
    expect(player.state).toMatchObject({ frame: 19, playing: true, frameCount: 20 });
  });
});

it('speeds end at the slowest and the fastest', () => {
  const player = loaded();
  for (let count = 0; count < 20; count++) player.changeSpeed(1);
  expect(player.state.speed).toBe(SPEEDS.at(-1));
  for (let count = 0; count < 20; count++) player.changeSpeed(-1);
  expect(player.state.speed).toBe(SPEEDS[0]);
});
