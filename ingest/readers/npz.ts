// Reads arrays by name from an .npz file; only those that are asked for are unpacked.

import { DataError, listNames } from '../../src/base/errors.js';
import { nearest } from '../../src/base/nearest.js';
import { type NpyArray, parseNpy } from './npy.js';
import { ZipFile } from './zip.js';

export class NpzFile {
  readonly path: string;
  readonly names: readonly string[];
  readonly #zip: ZipFile;

  private constructor(zip: ZipFile) {
    this.path = zip.path;
    this.#zip = zip;
    this.names = [...zip.entries.keys()].filter((name) => name.endsWith('.npy')).map((name) => name.slice(0, -4));
  }

  static async open(path: string): Promise<NpzFile> {
    return new NpzFile(await ZipFile.open(path));
  }

  /** @throws DataError where there is no such array (naming the nearest), or it is damaged */
  async read(name: string): Promise<NpyArray> {
    const entry = this.#zip.entries.get(`${name}.npy`);
    if (entry === undefined) {
      const near = nearest(name, this.names);
      throw new DataError({
        where: this.path,
        what: `no array "${name}"`,
        expected: `one of ${listNames(this.names, 12)}`,
        fix: near === undefined ? undefined : `Did you mean "${near}"?`,
      });
    }
    return parseNpy(await this.#zip.read(entry), `${this.path}: ${name}`);
  }

  close(): Promise<void> {
    return this.#zip.close();
  }
}
