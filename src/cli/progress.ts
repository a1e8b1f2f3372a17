// A progress line on stderr with rate and remaining time; nothing where stderr is not a terminal.

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
  bar.start(total, 0, { text: '' });
  return {
    update: (done, text) => bar.update(done, { text }),
    stop: () => bar.stop(),
  };
}
