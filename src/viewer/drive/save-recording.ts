// What becomes of a recording when its page is left: it is saved as a file all the same. Minutes of driving are in it.

import type { PageContext } from '../page.js';
import { saveFile } from '../shell/save-file.js';
import type { FromWorker } from './protocol.js';

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
      saveFile(`${data.name}.arrow`, shardBlob(data.shard));
    }
    owed--;
    if (owed === 0) worker.terminate();
  };
}

export function shardBlob(shard: Uint8Array): Blob {
  return new Blob([shard as BlobPart], { type: 'application/vnd.apache.arrow.file' });
}
