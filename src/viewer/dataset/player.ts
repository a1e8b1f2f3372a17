// The clock of an episode: a frame that may lie between two, a speed, a loop. Everything on the page follows it.

export const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4, 8] as const;

export interface PlayerState {
  /** 0 .. frameCount - 1; not a whole number while it plays. */
  readonly frame: number;
  readonly frameCount: number;
  readonly rate_hz: number;
  readonly playing: boolean;
  readonly speed: number;
  readonly loop: boolean;
}

export interface Player {
  readonly state: PlayerState;
  /** Takes another episode, from `frame` on; goes on playing if it was. */
  load(frameCount: number, rate_hz: number, frame: number): void;
  play(): void;
  pause(): void;
  toggle(): void;
  seek(frame: number): void;
  step(frames: number): void;
  setSpeed(speed: number): void;
  /** The next faster (+1) or slower (-1) speed. */
  changeSpeed(direction: 1 | -1): void;
  setLoop(loop: boolean): void;
  /** Moves on by real time. Returns true while it plays. */
  advance(elapsed_s: number): boolean;
  /** Calls back after each change. */
  listen(listener: (state: PlayerState) => void): void;
}

export function createPlayer(): Player {
  let state: PlayerState = { frame: 0, frameCount: 1, rate_hz: 50, playing: false, speed: 1, loop: true };
  const listeners: ((state: PlayerState) => void)[] = [];
  const change = (next: Partial<PlayerState>) => {
    state = { ...state, ...next };
    for (const listener of listeners) listener(state);
  };
  const clamp = (frame: number) => Math.min(state.frameCount - 1, Math.max(0, frame));
  const isAtEnd = () => state.frame >= state.frameCount - 1;
  const player: Player = {
    get state() {
      return state;
    },
    load(frameCount, rate_hz, frame) {
      state = { ...state, frameCount, rate_hz };
      change({ frame: clamp(frame) });
    },
    play: () => change({ playing: true, frame: isAtEnd() ? 0 : state.frame }),
    pause: () => change({ playing: false, frame: Math.round(state.frame) }),
    toggle: () => (state.playing ? player.pause() : player.play()),
    seek: (frame) => change({ frame: clamp(Math.round(frame)) }),
    step: (frames) => change({ playing: false, frame: clamp(Math.round(state.frame) + frames) }),
    setSpeed: (speed) => change({ speed }),
    changeSpeed(direction) {
      const at = SPEEDS.findIndex((speed) => speed >= state.speed);
      change({ speed: SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at + direction))] });
    },
    setLoop: (loop) => change({ loop }),
    advance(elapsed_s) {
      if (!state.playing) return false;
      const next = state.frame + elapsed_s * state.rate_hz * state.speed;
      const last = state.frameCount - 1;
      if (next <= last) change({ frame: next });
      else if (state.loop && last > 0) change({ frame: next % last });
      else change({ frame: last, playing: false });
      return state.playing;
    },
    listen: (listener) => void listeners.push(listener),
  };
  return player;
}
