// Metrics of training: one line every few steps, in total, by source and by modality.

/** Mean squared errors in normalised units; absent where no target of that modality was drawn. */
export interface ModalityErrors {
  readonly observation?: number;
  readonly action?: number;
}

export interface MetricsLine {
  readonly step: number;
  readonly split: 'train' | 'validation';
  readonly loss: number;
  readonly modalities: ModalityErrors;
  readonly sources: Readonly<Record<string, ModalityErrors>>;
  readonly learningRate?: number;
  readonly gradientNorm?: number;
  readonly stepsPerSecond?: number;
}

/** Sums of weighted squared errors and of weights, by source and modality. */
export class ErrorSums {
  readonly #sums = new Map<string, Float64Array>();

  /** Adds one window: error and weight of the observation, error and weight of the action. */
  add(source: string, observation: number, observationWeight: number, action: number, actionWeight: number): void {
    let sums = this.#sums.get(source);
    if (sums === undefined) {
      sums = new Float64Array(4);
      this.#sums.set(source, sums);
    }
    sums[0] += observation;
    sums[1] += observationWeight;
    sums[2] += action;
    sums[3] += actionWeight;
  }

  /** True where a target was added: else there is no loss. */
  get hasTargets(): boolean {
    const [, observationWeight, , actionWeight] = this.#total();
    return observationWeight + actionWeight > 0;
  }

  /** Mean over everything added, over both modalities: the loss. */
  loss(): number {
    const [observation, observationWeight, action, actionWeight] = this.#total();
    return (observation + action) / (observationWeight + actionWeight);
  }

  modalities(): ModalityErrors {
    return means(this.#total());
  }

  sources(): Record<string, ModalityErrors> {
    return Object.fromEntries([...this.#sums].map(([name, sums]) => [name, means(sums)]));
  }

  clear(): void {
    this.#sums.clear();
  }

  /** What a checkpoint keeps, so that a resumed run writes the same next line. */
  save(): Record<string, number[]> {
    return Object.fromEntries([...this.#sums].map(([name, sums]) => [name, [...sums]]));
  }

  restore(saved: Readonly<Record<string, readonly number[]>>): void {
    this.#sums.clear();
    for (const [name, sums] of Object.entries(saved)) this.#sums.set(name, Float64Array.from(sums));
  }

  #total(): Float64Array {
    const total = new Float64Array(4);
    for (const sums of this.#sums.values()) for (let at = 0; at < 4; at++) total[at] += sums[at];
    return total;
  }
}

function means(sums: Float64Array): ModalityErrors {
  return {
    ...(sums[1] > 0 ? { observation: sums[0] / sums[1] } : {}),
    ...(sums[3] > 0 ? { action: sums[2] / sums[3] } : {}),
  };
}
