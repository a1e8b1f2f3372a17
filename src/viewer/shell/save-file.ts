// Saves bytes of the page as a file of the visitor's.

import { element } from './elements.js';

/** How long a browser may take to read a file that it saves (ms). */
const SAVING_MS = 10_000;

export function saveFile(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  element('a', { attributes: { href: address, download: name } }).click();
  setTimeout(() => URL.revokeObjectURL(address), SAVING_MS);
}
