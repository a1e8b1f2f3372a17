// A file that contradicts its field map, with the settings that would mend the map.

import { type DataErrorDetail, FindingsError } from '../src/base/errors.js';

export class ContradictionError extends FindingsError {
  /** `channels.action.meaning=offset`; empty where no setting mends it. */
  readonly settings: readonly string[];

  constructor(findings: readonly DataErrorDetail[], settings: readonly string[]) {
    super(findings);
    this.name = 'ContradictionError';
    this.settings = settings;
  }
}
