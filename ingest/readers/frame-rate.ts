// A frame rate that the user gives in place of the one that a file of human motion has.

import type { Finding } from '../../src/motion/episode.js';

/** Warns where a rate that was given is not the file's own. */
export function overriddenRate(given_hz: number, own_hz: number | undefined): Finding[] {
  if (own_hz === undefined || Math.abs(given_hz / own_hz - 1) < 0.01) return [];
  const message = `${given_hz} Hz, as given, in place of the file's own ${Number(own_hz.toPrecision(4))} Hz`;
  return [{ kind: 'frame-rate', severity: 'warning', message }];
}
