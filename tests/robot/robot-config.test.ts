// docs/robots.md is where a robot's keys are documented: each of the schema's is there.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { packagePath } from '../../src/base/files.js';
import { robotConfigSchema } from '../../src/robot/robot-config.js';

it('docs/robots.md has every key', () => {
  const text = readFileSync(packagePath('docs', 'robots.md'), 'utf8');
  const { pd, defaultPose, control, floor } = robotConfigSchema.shape;
  const nested = {
    pd,
    defaultPose: defaultPose.def.innerType,
    control: control.def.innerType,
    floor: floor.def.innerType,
  };
  const keys = Object.keys(robotConfigSchema.shape).flatMap((key) =>
    key in nested ? Object.keys(nested[key as keyof typeof nested].shape).map((inner) => `${key}.${inner}`) : [key],
  );
  for (const key of keys) expect(text).toContain(`\n| \`${key}\` |`);
});
