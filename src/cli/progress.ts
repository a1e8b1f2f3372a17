// A progress line on stderr with rate and remaining time; nothing where stderr is not a terminal.
//
// It appears with the first update: what is said before, while data is read, has lines of its own, and that time is not
// counted into the rate.

import { SingleBar } from 'cli-progress';

export interface Progress {
  update(done: number, text: string): void;
  stop(): void;
}

export function startProgress(interactive: boolean, title: string, total: number, unit: string): Progress {
  if (!interactive) return { update: () => {}, stop: () => {} };
  const bar = new SingleBar({
    format: `${title} {bar} {value}/{total} ${unit} | {text} | {eta_formatted} left`,
    barsize: 24,
    hideCursor: true,
    etaBuffer: 50,
    stream: process.stderr,
  });
  return {
    update: (done, text) => {
      if (bar.isActive) bar.update(done, { text });
      else bar.start(total, done, { text });
    },
    stop: () => bar.stop(),
  };
}
