// All episodes of one input at once, where a test looks at them together.

import { type MappedInputOptions, readMappedEpisodes } from '../../ingest/mapped-input.js';
import type { Episode } from '../../src/motion/episode.js';

/** @throws DataError or FindingsError where the input or one of its episodes is refused */
export async function readMappedInput(path: string, options: MappedInputOptions): Promise<Episode[]> {
  const episodes: Episode[] = [];
  for await (const assembled of readMappedEpisodes(path, options)) {
    if ('refused' in assembled) throw assembled.refused;
    episodes.push(assembled.episode);
  }
  return episodes;
}
