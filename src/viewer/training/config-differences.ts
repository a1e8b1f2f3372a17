// What is different between the configurations of runs: the keys alone whose values are not the same in all of them.

export interface ConfigDifference {
  /** Path of the key, with dots: `train.learningRate`. */
  readonly key: string;
  /** The value of each run as text; undefined where the run has no such key. */
  readonly values: readonly (string | undefined)[];
}

/** Leaves of a configuration by path; lists are leaves. */
export function flattenConfig(config: unknown, prefix = ''): Map<string, string> {
  const leaves = new Map<string, string>();
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) {
    for (const [key, value] of Object.entries(config)) {
      const path = prefix === '' ? key : `${prefix}.${key}`;
      for (const [leaf, text] of flattenConfig(value, path)) leaves.set(leaf, text);
    }
  } else if (prefix !== '') {
    leaves.set(prefix, textOf(config));
  }
  return leaves;
}

/** In the order of the first run's keys, then of those that only others have. */
export function configDifferences(configs: readonly unknown[]): ConfigDifference[] {
  const flat = configs.map((config) => flattenConfig(config));
  const keys = new Set(flat.flatMap((leaves) => [...leaves.keys()]));
  return [...keys].flatMap((key) => {
    const values = flat.map((leaves) => leaves.get(key));
    return values.every((value) => value === values[0]) ? [] : [{ key, values }];
  });
}

function textOf(value: unknown): string {
  return typeof value === 'string'
    ? value
    : Array.isArray(value)
      ? value.map(textOf).join(', ')
      : (JSON.stringify(value) ?? '');
}
