// What becomes of a recording when its page is left: it is saved as a file all the same. Minutes of driving are in it.

import type { PageContext } from '../page.js';
import type { FromWorker } from './protocol.js';

/** How long a browser may take to read a file that it saves (ms). */
const SAVING_MS = 10_000;

/**
 * Saves the recordings that a worker still owes, then ends it.
 * @param worker told to finish them, and stopped
 * @param count how many, at least one
 */
export function saveOwedRecordings(worker: Worker, count: number, notify: PageContext['notify']): void {
  let owed = count;
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (data.type === 'problem') {
      notify(`The recording is lost. ${data.problem.what}.`);
      worker.terminate();
    }
    if (data.type !== 'recorded') return;
    if (data.shard !== undefined) {
      notify(`The recording ended with its page, and is saved: ${data.name}.arrow`);
      const address = shardAddress(data.shard);
      const link = document.createElement('a');
      link.href = address;
      link.download = `${data.name}.arrow`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), SAVING_MS);
    }
    owed--;
    if (owed === 0) worker.terminate();
  };
}

/** An address of the shard's bytes, to be revoked. */
export function shardAddress(shard: Uint8Array): string {
  return URL.createObjectURL(new Blob([shard as BlobPart], { type: 'application/vnd.apache.arrow.file' }));
}
