// The two kinds of error that are the user's to mend, and the text they are shown as.
//
// A DataError names where (file:line, or episode:frame), what is wrong, what was expected, what was found and what to
// do about it. A FindingsError carries every finding of one input together, so that a file is mended once.
// Anything else that is thrown is our fault: the command line exits with 2 for it, and with 1 for these.

export interface DataErrorDetail {
  /** File and line, episode and frame, or config key: `walk.bvh:41`, `rollout-3:frame 17`, `train.yaml: model.depth`. */
  readonly where: string;
  /** What is wrong, as a noun phrase: `CHANNELS count`. */
  readonly what: string;
  readonly expected?: string;
  readonly found?: string;
  /** What the user can do. */
  readonly fix?: string;
}

export class DataError extends Error {
  readonly detail: DataErrorDetail;

  constructor(detail: DataErrorDetail, options?: ErrorOptions) {
    super(describe(detail), options);
    this.name = 'DataError';
    this.detail = detail;
  }
}

/** Every finding of one input. `message` has one line a finding. */
export class FindingsError extends Error {
  readonly findings: readonly DataErrorDetail[];

  constructor(findings: readonly DataErrorDetail[]) {
    super(findings.map(describe).join('\n'));
    this.name = 'FindingsError';
    this.findings = findings;
  }
}

/** True for errors that the user's data or flags caused (exit code 1). */
export function isUserError(error: unknown): error is DataError | FindingsError {
  return error instanceof DataError || error instanceof FindingsError;
}

export function describe(detail: DataErrorDetail): string {
  const expectation = detail.expected === undefined ? '' : `: expected ${detail.expected}`;
  const found = detail.found === undefined ? '' : `${detail.expected === undefined ? ': ' : ', '}found ${detail.found}`;
  const fix = detail.fix === undefined ? '' : `. ${detail.fix}`;
  return `${detail.where}: ${detail.what}${expectation}${found}${fix}`;
}

/** Shortens a list for a message: `a, b, c and 4 more`. */
export function listNames(names: readonly string[], most = 6): string {
  if (names.length <= most) return names.join(', ');
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}
