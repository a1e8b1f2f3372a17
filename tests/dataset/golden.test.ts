// A shard written by this format's first version, beside what pyarrow reads from it: old files stay readable, and what
// we read is what other tools read.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDataset } from '../../src/dataset/dataset.js';
import { CHANNELS, type ChannelName } from '../../src/motion/episode.js';

const GOLDEN = join(import.meta.dirname, 'golden');

it('reads what pyarrow reads', async () => {
  const { columns, units } = JSON.parse(readFileSync(join(GOLDEN, 'pyarrow.json'), 'utf8'));
  const dataset = await openDataset(GOLDEN, { verify: 'open' });
  let row = 0;
  for await (const episode of dataset.readEpisodes()) {
    for (let frame = 0; frame < episode.frameCount; frame++, row++) {
      expect([columns.episode[row], columns.frame[row]]).toEqual([episode.id === 'golden/0' ? 0 : 1, frame]);
      for (const [name, { width, data, valid }] of Object.entries(episode.channels)) {
        const expected = valid?.[frame] === 0 ? null : [...data.subarray(frame * width, (frame + 1) * width)];
        expect(columns[name][row], `${name} ${row}`).toEqual(expected);
        expect(units[name]).toBe(CHANNELS[name as ChannelName].unit);
      }
    }
  }
  expect(row).toBe(columns.frame.length);
  expect(await dataset.readEpisode(0)).toMatchObject({
    fell: false,
    derived: ['projectedGravity'],
    provenance: { input: 'a.npz', sha256: '00', tool: 'nextgait', options: { map: 'a' } },
    findings: [{ kind: 'jump', severity: 'warning', channel: 'jointPosition', frames: [1, 3], message: 'a jump' }],
  });
  dataset.close();
});
