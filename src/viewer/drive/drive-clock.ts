// The control clock: says how many steps are due, so that steps follow real time and never drift.
//
// Step n is due at start + n * period, whenever the step before it was done. A machine that falls behind catches up with
// a few steps at once; what it cannot catch up is dropped (the robot then moves in slow motion) and reported, because a
// debt that is paid later would be a burst of steps that no hand can steer.

export const CLOCK_DEFAULTS = {
  /** Time that may be caught up (ms). What is older is dropped. */
  mostDebt_ms: 100,
  /** The rate is that of this much past (ms). */
  window_ms: 2000,
  /** A machine that reaches less than this share of the rate is too slow. */
  leastShare: 0.95,
} as const;

export interface ClockReport {
  /** Control steps a second over the last window. */
  readonly rate_hz: number;
  /** Time dropped since the start (ms). */
  readonly dropped_ms: number;
  /** True where the machine does not reach its rate. */
  readonly tooSlow: boolean;
}

export interface DriveClock {
  /** Starts, or goes on after a pause: the next step is due now. */
  start(now_ms: number): void;
  stop(): void;
  readonly running: boolean;
  /** True where a step is due; it then counts as done. */
  take(now_ms: number): boolean;
  /** Time until the next step is due (ms), not below 0; infinite while stopped. */
  wait_ms(now_ms: number): number;
  report(now_ms: number): ClockReport;
}

export function createDriveClock(rate_hz: number, options: Partial<typeof CLOCK_DEFAULTS> = {}): DriveClock {
  const { mostDebt_ms, window_ms, leastShare } = { ...CLOCK_DEFAULTS, ...options };
  const period_ms = 1000 / rate_hz;
  let origin_ms = 0;
  let done = 0;
  let isRunning = false;
  let dropped_ms = 0;
  // Times of the last steps, as a ring.
  const times = new Float64Array(Math.ceil((window_ms / period_ms) * 1.5) + 1).fill(Number.NEGATIVE_INFINITY);
  let count = 0;
  let since_ms = 0;

  const due_ms = () => origin_ms + done * period_ms;
  return {
    start(now_ms) {
      origin_ms = now_ms;
      done = 0;
      isRunning = true;
      count = 0;
      since_ms = now_ms;
      times.fill(Number.NEGATIVE_INFINITY);
    },
    stop() {
      isRunning = false;
    },
    get running() {
      return isRunning;
    },
    take(now_ms) {
      if (!isRunning || now_ms < due_ms()) return false;
      const debt_ms = now_ms - due_ms();
      if (debt_ms > mostDebt_ms) {
        // Whole steps, so that those that remain keep their beat.
        const steps = Math.floor((debt_ms - mostDebt_ms) / period_ms) + 1;
        origin_ms += steps * period_ms;
        dropped_ms += steps * period_ms;
      }
      done++;
      times[count++ % times.length] = now_ms;
      return true;
    },
    wait_ms: (now_ms) => (isRunning ? Math.max(0, due_ms() - now_ms) : Number.POSITIVE_INFINITY),
    report(now_ms) {
      const span_ms = Math.min(window_ms, now_ms - since_ms);
      let recent = 0;
      for (const time of times) if (time > now_ms - span_ms) recent++;
      const rate = span_ms <= 0 ? 0 : (1000 * recent) / span_ms;
      // Not said of the first moments, when engines warm up.
      const tooSlow = isRunning && span_ms >= window_ms && rate < leastShare * rate_hz;
      return { rate_hz: rate, dropped_ms, tooSlow };
    },
  };
}
