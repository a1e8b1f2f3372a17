import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDataset } from '../../../src/dataset/dataset.js';
import { rebuildManifest } from '../../../src/dataset/manifest.js';
import { projectedGravity } from '../../../src/math/quaternion.js';
import { onnxRuntime } from '../../../src/runtime/onnx.js';
import { driveFiles } from '../../../src/sim/drive-files.js';
import { readBundle } from '../../../src/sim/read-bundle.js';
import { packRobot, unpackRobot } from '../../../src/sim/robot-pack.js';
import { createDriveSession, type DriveFrame, type DriveSession } from '../../../src/viewer/drive/drive-session.js';
import { tiltOfGravity } from '../../../src/viewer/drive/expectation.js';

async function drive(session: DriveSession, seconds: number, command: readonly number[]): Promise<DriveFrame[]> {
  const frames: DriveFrame[] = [];
  for (let step = 0; step < seconds * session.rate_hz; step++) frames.push(await session.step(command));
  return frames;
}

describe('driving the bundled policy', () => {
  let session: DriveSession;

  beforeAll(async () => {
    const found = await readBundle('g1-walk');
    const files = await driveFiles(found);
    const loaded = unpackRobot(files['robot.zip'], 'robot.zip');
    expect(unpackRobot(packRobot(loaded), 'again')).toEqual(loaded);
    const { bundle, weightsSha256 } = found;
    const runtime = await onnxRuntime();
    session = await createDriveSession({ bundle, loaded, runtime, weightsSha256, now_ms: () => performance.now() });
  }, 120_000);
  afterAll(() => session?.dispose());

  test('walks as commanded, is pushed, and records a shard that opens', { timeout: 120_000 }, async () => {
    session.reset();
    session.recorder.start();
    const walking = await drive(session, 3, [0.5, 0, 0]);
    // The policy's own error over 10 s trials is 0.04 m/s (docs/results.md); a second's mean sways a little more.
    expect(Math.abs(walking.at(-1)!.meanVelocity[0] - 0.5)).toBeLessThan(0.12);
    const calm = Math.max(...walking.slice(25).map(({ surprise }) => surprise!));
    // An ordinary step is foretold to a quarter of the normaliser's deviation; guessing the mean would be 1.
    expect(calm).toBeLessThan(0.3);
    const ghost = walking.at(-1)!.ghost!;
    for (const [joint, angle] of walking.at(-1)!.jointPosition_rad.entries()) {
      expect(Math.abs(ghost.jointPosition_rad[joint] - angle)).toBeLessThan(0.1);
    }

    const torso = session.robot.bodies.findIndex(({ name }) => name === 'torso_link');
    const before = walking.at(-1)!.velocity[1];
    session.push({ body: torso, point_m: [0, 0, 0.1], impulse_Ns: [0, 15, 0] });
    const pushed = await drive(session, 2, [0.5, 0, 0]);
    // The whole robot takes up the impulse, less what its feet pass to the ground in that time.
    const gained = Math.max(...pushed.slice(0, 10).map(({ velocity }) => velocity[1])) - before;
    expect(gained).toBeGreaterThan((0.5 * 15) / session.robot.totalMass_kg);
    expect(Math.max(...pushed.slice(0, 10).map(({ surprise }) => surprise!))).toBeGreaterThan(calm);
    expect(pushed.at(-1)!.fallen).toBe(false);

    const shard = session.recorder.finish('driven')!;
    const folder = mkdtempSync(join(tmpdir(), 'nextgait-drive-'));
    writeFileSync(join(folder, 'shard-00000.arrow'), shard);
    await rebuildManifest(folder);
    const dataset = await openDataset(folder);
    try {
      const episode = await dataset.readEpisode(0);
      expect(episode.frameCount).toBe(250);
      expect(episode.startsAtReset).toBe(true);
      expect(episode.findings.map(({ kind, frames }) => [kind, frames])).toEqual([['push', [150, 151]]]);
      // Frame k + 1 begins in the state that step k led to.
      expect(episode.channels.basePosition!.data.subarray(3 * 150, 3 * 151)).toEqual(walking[149].basePosition_m);
      expect(episode.channels.command!.data.subarray(0, 3)).toEqual(Float32Array.from([0.5, 0, 0]));
      expect(episode.provenance.options).toMatchObject({ driven: true, terrain: 'flat', payload_kg: 0 });
    } finally {
      dataset.close();
    }
  });

  test('a command beyond the range is cut; a strong push is a fall, which ends the episode and is got up from', {
    timeout: 120_000,
  }, async () => {
    session.reset();
    const [first] = await drive(session, 0.02, [9, 0, 0]);
    expect(first.command[0]).toBe(session.commandRange.vx_mps[1]);
    session.recorder.start();
    session.push({ body: session.robot.baseBody, point_m: [0, 0, 0], impulse_Ns: [0, 120, 0] });
    const frames = await drive(session, 5, [0, 0, 0]);
    const fell = frames.findIndex(({ fallen }) => fallen);
    expect(fell).toBeGreaterThan(10);
    const up = frames.findIndex(({ fallen }, at) => at > fell && !fallen);
    expect(frames[up].frame).toBeLessThan(3);
    expect(session.recorder.frames).toBe(frames.length - (up - fell - 1));
    session.recorder.finish('fall');
  });

  test('walks over waves and steps, and carries a payload', { timeout: 120_000 }, async () => {
    for (const kind of ['waves', 'steps'] as const) {
      const start = await session.setTerrain(kind);
      expect(start.basePosition_m[2]).toBeCloseTo(session.robot.standingHeight_m, 2);
      const frames = await drive(session, 5, [0.5, 0, 0]);
      expect(frames.some(({ fallen }) => fallen)).toBe(false);
      expect(frames.at(-1)!.basePosition_m[0]).toBeGreaterThan(1.5);
    }
    await session.setTerrain('flat');
    await drive(session, 1, [0.3, 0, 0]);
    session.setPayload(5);
    const frames = await drive(session, 3, [0.3, 0, 0]);
    expect(frames.some(({ fallen }) => fallen)).toBe(false);
    session.setPayload(0);
  });
});

test('a tilt from gravity gives that gravity back', () => {
  const gravity = [0.3, -0.4, -Math.sqrt(1 - 0.25)];
  const tilt = new Float64Array(4);
  tiltOfGravity(tilt, gravity, 0);
  const back = new Float64Array(3);
  projectedGravity(back, 0, tilt, 0);
  for (let axis = 0; axis < 3; axis++) expect(back[axis]).toBeCloseTo(gravity[axis], 12);
});
