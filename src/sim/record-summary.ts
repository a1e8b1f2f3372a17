// Summary of a recording: episodes, falls, hours, speed, and how the achieved velocities follow the commanded ones.

import { motionOf } from '../motion/columns.js';
import type { Episode } from '../motion/episode.js';
import { hindsightCommand } from '../motion/hindsight.js';
import type { RecordedEpisode } from './record.js';

/** Achieved against commanded velocity over constant-command stretches of at least 2 s, the first second left out. */
export interface AxisTracking {
  /** Mean of |achieved − commanded| (m/s, or rad/s). */
  readonly absoluteError: number;
  /** Slope of the least-squares line of achieved on commanded; absent where the command never varies. */
  readonly slope?: number;
  readonly segments: number;
}

export interface RecordSummary {
  /** Episodes written now. */
  readonly written: number;
  /** Of these, without actions. */
  readonly actionFree: number;
  /** Episodes that ended in a fall, those dropped included. */
  readonly falls: number;
  /** Episodes of which a fall left too little. */
  readonly dropped: number;
  /** Hours of data written. */
  readonly hours: number;
  /** Simulated over elapsed time, all workers together, and for each worker. */
  readonly realTimeFactor: number;
  readonly realTimeFactorPerWorker: number;
  readonly elapsed_s: number;
  readonly tracking: Readonly<Record<'vx_mps' | 'vy_mps' | 'wz_radps', AxisTracking>>;
}

const TRANSIENT_S = 1;
const SHORTEST_SEGMENT_S = 2;

/** Collects episodes one by one; holds a few numbers for each command segment. */
export class SummaryCollector {
  readonly #rate_hz: number;
  readonly #pairs: { readonly commanded: number[]; readonly achieved: number[] }[] = [0, 1, 2].map(() => ({
    commanded: [],
    achieved: [],
  }));
  written = 0;
  falls = 0;
  dropped = 0;
  #actionFree = 0;
  #frames = 0;
  #simulatedFrames = 0;

  constructor(rate_hz: number) {
    this.#rate_hz = rate_hz;
  }

  get simulated_s(): number {
    return this.#simulatedFrames / this.#rate_hz;
  }

  add({ episode, fell, simulatedFrames }: RecordedEpisode): void {
    this.#simulatedFrames += simulatedFrames;
    if (fell) this.falls++;
    if (episode === undefined) {
      this.dropped++;
      return;
    }
    this.written++;
    if (episode.channels.action === undefined) this.#actionFree++;
    this.#frames += episode.frameCount;
    this.#addSegments(episode);
  }

  summary(elapsed_s: number, workers: number): RecordSummary {
    const realTimeFactor = elapsed_s > 0 ? this.simulated_s / elapsed_s : 0;
    const [vx_mps, vy_mps, wz_radps] = this.#pairs.map(({ commanded, achieved }) => track(commanded, achieved));
    return {
      written: this.written,
      actionFree: this.#actionFree,
      falls: this.falls,
      dropped: this.dropped,
      hours: this.#frames / this.#rate_hz / 3600,
      realTimeFactor,
      realTimeFactorPerWorker: realTimeFactor / Math.max(1, workers),
      elapsed_s,
      tracking: { vx_mps, vy_mps, wz_radps },
    };
  }

  #addSegments(episode: Episode): void {
    const { frameCount, rate_hz } = episode;
    const command = episode.channels.command?.data;
    const achieved = hindsightCommand(motionOf(episode), {
      transient_s: TRANSIENT_S,
      minimumSegment_s: SHORTEST_SEGMENT_S,
    });
    if (command === undefined || achieved === undefined) return;
    const differs = (a: number, b: number) => [0, 1, 2].some((axis) => command[3 * a + axis] !== command[3 * b + axis]);
    for (let first = 0, frame = 1; frame <= frameCount; frame++) {
      if (frame < frameCount && !differs(first, frame)) continue;
      if (frame - first >= SHORTEST_SEGMENT_S * rate_hz) {
        for (let axis = 0; axis < 3; axis++) {
          this.#pairs[axis].commanded.push(command[3 * first + axis]);
          this.#pairs[axis].achieved.push(achieved.data[3 * first + axis]);
        }
      }
      first = frame;
    }
  }
}

function track(commanded: readonly number[], achieved: readonly number[]): AxisTracking {
  const segments = commanded.length;
  if (segments === 0) return { absoluteError: 0, segments };
  let meanCommanded = 0;
  let meanAchieved = 0;
  let absoluteError = 0;
  for (let at = 0; at < segments; at++) {
    meanCommanded += commanded[at] / segments;
    meanAchieved += achieved[at] / segments;
    absoluteError += Math.abs(achieved[at] - commanded[at]) / segments;
  }
  let variance = 0;
  let covariance = 0;
  for (let at = 0; at < segments; at++) {
    variance += (commanded[at] - meanCommanded) ** 2;
    covariance += (commanded[at] - meanCommanded) * (achieved[at] - meanAchieved);
  }
  return { absoluteError, slope: variance > 1e-12 ? covariance / variance : undefined, segments };
}
