// ROS 2 bags: a folder with metadata.yaml that names its files in order, or one MCAP file alone. Bags in SQLite are
// refused with the command that converts them.

import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { readYaml } from '../../src/base/config-file.js';
import { DataError } from '../../src/base/errors.js';
import { isPresent } from '../../src/base/files.js';
import { isFolder } from '../input-path.js';

export const BAG_METADATA = 'metadata.yaml';

const metadataSchema = z.object({
  rosbag2_bagfile_information: z.object({
    storage_identifier: z.string(),
    relative_file_paths: z.array(z.string()).min(1),
    compression_mode: z.string().nullish(),
  }),
});

export function isBagFolder(path: string): Promise<boolean> {
  return isPresent(join(path, BAG_METADATA));
}

/** The MCAP files of a bag or a lone file, in order. @throws DataError where it is no bag, or one in SQLite */
export async function mcapFilesOf(path: string): Promise<string[]> {
  if (!(await isFolder(path))) {
    if (/\.db3$/i.test(path)) throw sqliteRefused(path, dirname(path));
    return [path];
  }
  const metadata = join(path, BAG_METADATA);
  if (!(await isBagFolder(path))) {
    throw new DataError({
      where: path,
      what: 'folder',
      expected: `a ROS 2 bag with ${BAG_METADATA}`,
      found: 'none',
      fix: 'A recording that crashed has none: name its .mcap files, or run ros2 bag reindex on the folder',
    });
  }
  const result = metadataSchema.safeParse(await readYaml(metadata));
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new DataError({ where: `${metadata}: ${issue.path.join('.')}`, what: issue.message });
  }
  const { storage_identifier, relative_file_paths, compression_mode } = result.data.rosbag2_bagfile_information;
  if (storage_identifier === 'sqlite3') throw sqliteRefused(path, path);
  const wrapped = /^(file|message)$/i.test(compression_mode ?? '');
  if (storage_identifier !== 'mcap' || wrapped) {
    throw new DataError({
      where: metadata,
      what: 'storage of the bag',
      expected: 'mcap, compressed by chunks or not at all',
      found: wrapped ? `${storage_identifier}, compressed by ${compression_mode}` : storage_identifier,
      fix: convertFix(path),
    });
  }
  return relative_file_paths.map((file) => join(path, basename(file)));
}

function sqliteRefused(where: string, bag: string): DataError {
  return new DataError({ where, what: 'ROS 2 bag in SQLite', expected: 'MCAP', fix: convertFix(bag) });
}

function convertFix(bag: string): string {
  const name = basename(resolve(bag));
  return (
    `Convert it: write "output_bags: [{uri: ${name}_mcap, storage_id: mcap, all_topics: true}]" to convert.yaml, ` +
    `then run: ros2 bag convert -i ${bag} -o convert.yaml`
  );
}
