// One line of metrics.jsonl, checked: a page must not fail on a line that a kill cut short, or that another tool wrote.

import type { MetricsLine, ModalityErrors } from '../../train/metrics.js';

/** Undefined where the text is not a line of metrics. */
export function parseMetricsLine(text: string): MetricsLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { step, split, modalities, sources } = value;
  if (typeof step !== 'number' || !Number.isFinite(step) || (split !== 'train' && split !== 'validation')) {
    return undefined;
  }
  return {
    step,
    split,
    // JSON has no NaN: a loss of nothing is null.
    loss: numberOf(value.loss) ?? Number.NaN,
    modalities: errorsOf(modalities),
    sources: isRecord(sources)
      ? Object.fromEntries(Object.entries(sources).map(([name, errors]) => [name, errorsOf(errors)]))
      : {},
    learningRate: numberOf(value.learningRate),
    gradientNorm: numberOf(value.gradientNorm),
    stepsPerSecond: numberOf(value.stepsPerSecond),
  };
}

function errorsOf(value: unknown): ModalityErrors {
  if (!isRecord(value)) return {};
  return { observation: numberOf(value.observation), action: numberOf(value.action) };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
