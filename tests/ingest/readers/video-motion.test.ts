// One synthetic gait in the files of every producer (tests/fixtures/human/make.py wrote them with their own tools), read
// back to the joint positions that numpy computed.

import { copyFileSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRest } from '../../../ingest/readers/rest-joints.js';
import { readVideoMotions, type VideoMotionOptions } from '../../../ingest/readers/video-motion.js';
import type { HumanKeypoint, HumanMotion } from '../../../src/motion/human-motion.js';

const FOLDER = join(import.meta.dirname, '../../fixtures/human');
const SHARED = join(import.meta.dirname, '../../../../shared/data/smpl');
const read = (name: string, options: VideoMotionOptions = {}) => readVideoMotions(join(FOLDER, name), options);
const kinds = (findings: readonly { kind: string }[]) => findings.map(({ kind }) => kind).sort();

const golden = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8')) as {
  names: string[];
  stature_m: number;
  positions: number[][][]; // every tenth frame, y up
};
const SMPL_NAMES: Partial<Record<HumanKeypoint, string>> = {
  pelvis: 'pelvis',
  torso: 'spine3',
  head: 'head',
  left_knee: 'left_knee',
  right_foot: 'right_ankle',
  left_toe: 'left_foot',
  right_toe: 'right_foot',
  left_hand: 'left_wrist',
  right_elbow: 'right_elbow',
};

/** Largest difference to the golden joints (m) up to where the path begins; y up becomes z up, x forward. */
function worstError(motion: HumanMotion, firstFrame = 0, tilt = (v: number[]) => v, mirrored = false): number {
  const width = motion.keypoints.length;
  const pelvis = motion.keypoints.indexOf('pelvis');
  let worst = 0;
  let origin: number[] | undefined;
  for (const [index, frame] of golden.positions.entries()) {
    const row = index * 10 - firstFrame;
    if (row < 0 || row >= motion.frameCount) continue;
    const place = (k: number) => [...motion.positions_m.subarray((row * width + k) * 3, (row * width + k) * 3 + 3)];
    const world = ([x, y, z]: number[]) => (mirrored ? [x, -z, y] : [z, x, y]);
    const wanted = (name: string) => tilt(world(frame[golden.names.indexOf(name)]));
    origin ??= place(pelvis).map((value, k) => value - wanted('pelvis')[k]);
    for (const [keypoint, name] of Object.entries(SMPL_NAMES)) {
      const k = motion.keypoints.indexOf(keypoint as HumanKeypoint);
      if (k < 0) continue;
      const got = place(k);
      const expected = wanted(name);
      for (let axis = 0; axis < 3; axis++) worst = Math.max(worst, Math.abs(got[axis] - expected[axis] - origin[axis]));
    }
  }
  return worst;
}

describe('every producer gives the same motion', () => {
  const files: [name: string, producer: string, options: VideoMotionOptions, zUp: boolean][] = [
    ['amass_smplh.npz', 'AMASS', {}, true],
    ['amass_smplx.npz', 'AMASS', {}, true],
    ['wham_output.pkl', 'WHAM', { rate_hz: 30 }, false],
    ['hmr4d_results.pt', 'GVHMR', { rate_hz: 30 }, false],
    ['tram_hps_track_0.npy', 'TRAM', { rate_hz: 30 }, false],
    ['aistpp.pkl', 'AIST++', { rate_hz: 30 }, false],
  ];
  it.each(files)('%s', async (name, producer, options, zUp) => {
    const result = await read(name, options);
    expect(result.producer).toBe(producer);
    const [motion] = result.motions;
    expect(motion.frameCount).toBe(90);
    expect(motion.rate_hz).toBe(30);
    expect(motion.valid).toEqual(new Uint8Array(90).fill(1));
    expect(motion.measured.up).toBe(zUp ? '+z' : '+y');
    // The stature is found from standing feet, to the step of the search.
    expect(Math.abs(motion.height_m - golden.stature_m)).toBeLessThan(0.0051);
    expect(kinds(motion.findings)).toEqual(['stature']);
    // Producers store float32, and the search for the stature steps by 1 cm: 5 mm on 1.78 m is 3 mm at the hand.
    expect(worstError(motion, 0, (v) => v, zUp)).toBeLessThan(0.004);
    const exact = (await read(name, { ...options, height_m: golden.stature_m })).motions[0];
    expect(worstError(exact, 0, (v) => v, zUp)).toBeLessThan(2e-5);
    const lowest = Math.min(...[0, 1].map((side) => toeHeight(exact, side)));
    // Both toes come down to the same height; the ball of the foot is 0.015 of the stature above the sole.
    expect(Math.abs(lowest - 0.015 * golden.stature_m)).toBeLessThan(0.002);
  });

  it("rest joints of a model of one's own give the same body", async () => {
    const { motions } = await read('amass_smplh.npz', { rest: join(FOLDER, 'rest.npz') });
    expect(worstError(motions[0], 0, (v) => v, true)).toBeLessThan(2e-5);
    expect(motions[0].findings[0].message).toMatch(/from the rest joints given/);
  });

  it.each(['rest.npy', 'rest-objects.npy', 'rest.json', 'rest-list.json', 'rest.pkl'])(
    'rest joints come in %s, too',
    async (name) => {
      expect(await readRest(join(FOLDER, name))).toEqual(await readRest(join(FOLDER, 'rest.npz')));
    },
  );

  it('WHAM keeps people apart, in order of frames', async () => {
    const { motions } = await read('wham_output.pkl', { rate_hz: 30, height_m: golden.stature_m });
    expect(motions.map(({ id, frameCount }) => [id, frameCount])).toEqual([
      ['wham_output-person-0-frame-0', 90],
      ['wham_output-person-7-frame-40', 50],
    ]);
    expect(worstError(motions[1], 40)).toBeLessThan(2e-5);
  });

  it('TRAM without its camera says so', async () => {
    const alone = join(mkdtempSync(join(tmpdir(), 'nextgait-')), 'track.npy');
    copyFileSync(join(FOLDER, 'tram_hps_track_0.npy'), alone);
    const { findings } = await readVideoMotions(alone, { rate_hz: 30 });
    expect(findings[0].message).toMatch(/no camera\.npy/);
    const { motions } = await readVideoMotions(alone, { rate_hz: 30, camera: join(FOLDER, 'camera.npy') });
    expect(motions[0].measured.up).toBe('+y');
  });
});

function toeHeight(motion: HumanMotion, side: number): number {
  const k = motion.keypoints.indexOf(side === 0 ? 'left_toe' : 'right_toe');
  let lowest = Infinity;
  for (let frame = 0; frame < motion.frameCount; frame++) {
    lowest = Math.min(lowest, motion.positions_m[(frame * motion.keypoints.length + k) * 3 + 2]);
  }
  return lowest;
}

describe('4D-Humans', () => {
  it('people, shots, gaps; world motion from standing feet; the camera levelled', async () => {
    const { motions, findings } = await read('phalp.pkl', { rate_hz: 30, height_m: golden.stature_m });
    expect(findings).toEqual([]);
    expect(motions.map(({ id, frameCount }) => [id, frameCount])).toEqual([
      ['phalp-person-1-shot-0-frame-0', 60],
      ['phalp-person-2-shot-0-frame-10', 45],
      ['phalp-person-1-shot-1-frame-60', 30],
    ]);
    const [first] = motions;
    expect([...first.valid].flatMap((value, frame) => (value === 0 ? [frame] : []))).toEqual([20, 21, 22]);
    expect(kinds(first.findings)).toEqual(['camera-tilt', 'gap', 'no-world-motion', 'stature']);
    expect(first.measured.up).toBe('-y');
    // The gait stands on its toes alone; the reader lets heels stand, too, while they are lower, and takes the camera's
    // tilt from the mean standing body, which leans by a degree: together a tenth of the path of 1.8 m.
    // A camera looks at people: its z points away from it, and forward and left are turned half round.
    expect(worstError(first, 0, ([x, y, z]) => [-x, -y, z])).toBeLessThan(0.18);
  });

  it('exchanged people get their bodies back, one bad frame is filled in', async () => {
    const plain = await read('phalp.pkl', { rate_hz: 30 });
    const { motions, findings } = await read('phalp_exchanged.pkl', { rate_hz: 30 });
    expect(findings[0]).toMatchObject({ kind: 'identity-switch', frames: [30, 31] });
    const [first, second, last] = motions;
    expect(first.positions_m.length).toBe(55 * first.keypoints.length * 3);
    // The same person over the frame of the exchange, but for the camera's tilt that is estimated from 55 frames, not 60.
    for (let at = 0; at < first.positions_m.length; at++) {
      if (Math.abs(first.positions_m[at] - plain.motions[0].positions_m[at]) > 0.03) expect.fail(`${at}`);
    }
    expect(second.frameCount).toBe(45);
    expect(kinds(last.findings)).toContain('spike');
    expect(last.valid[10]).toBe(0);
  });
});

describe('joint positions', () => {
  it('JSON with COCO names: a pelvis between the hips, and a joint that was not seen', async () => {
    const { motions } = await read('positions_coco.json');
    const [motion] = motions;
    expect(motion.measured.rig).toBe('coco');
    expect(motion.measured.joints.pelvis).toBe('left_hip + right_hip');
    expect(motion.seen).toBeDefined();
    expect(motion.seen![12 * motion.keypoints.length + motion.keypoints.indexOf('left_hip')]).toBe(0);
    expect(motion.valid[12]).toBe(0);
    expect([...motion.oriented].reduce((sum, value) => sum + value, 0)).toBe(2);
    const knee = (frame: number) =>
      motion.positions_m[(frame * motion.keypoints.length + motion.keypoints.indexOf('left_knee')) * 3];
    const z = golden.positions.map((frame) => frame[golden.names.indexOf('left_knee')][2]);
    expect(knee(30) - knee(0)).toBeCloseTo(z[3] - z[0], 4);
  });

  it('npz with SMPL names in centimetres', async () => {
    const { motions } = await read('positions_smpl_cm.npz');
    expect(motions[0].measured).toMatchObject({ rig: 'smpl', unit: 'cm', up: '+y' });
    expect(worstError(motions[0])).toBeLessThan(1e-4);
  });

  it('orientation of pelvis and torso agree with those of the body files', async () => {
    const [positions] = (await read('positions_smpl_cm.npz')).motions;
    const [bodies] = (await read('aistpp.pkl', { rate_hz: 30 })).motions;
    for (const frame of [0, 17, 44, 80]) {
      const of = (motion: HumanMotion) => {
        const at = (frame * motion.keypoints.length + motion.keypoints.indexOf('pelvis')) * 4;
        return motion.quaternions.subarray(at, at + 4);
      };
      const dot = Math.abs(of(positions).reduce((sum, value, k) => sum + value * of(bodies)[k], 0));
      // The trunk bends by 0.05 rad between hips and shoulders, which positions cannot tell from the pelvis.
      expect(2 * Math.acos(Math.min(1, dot))).toBeLessThan(0.05);
    }
  });

  it('noise is filtered, cuts and long gaps separate', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nextgait-'));
    const file = JSON.parse(readFileSync(join(FOLDER, 'positions_coco.json'), 'utf8'));
    let seed = 1;
    const noise = () => {
      seed = (seed * 48271) % 2147483647;
      return (seed / 2147483647 - 0.5) * 0.06;
    };
    const noisy = file.positions.map((frame: (number[] | null)[], t: number) =>
      frame.map((point) => point?.map((value, k) => value + noise() + (t >= 50 && k === 0 ? 4 : 0)) ?? null),
    );
    for (let t = 20; t < 30; t++) noisy[t].fill(null);
    const path = join(folder, 'noisy.json');
    writeFileSync(path, JSON.stringify({ ...file, positions: noisy }));
    const { motions, findings } = await readVideoMotions(path);
    expect(motions.map(({ frameCount }) => frameCount)).toEqual([20, 20, 40]);
    expect(kinds(findings)).toEqual(['cut', 'gap']);
    for (const motion of motions) expect(kinds(motion.findings)).toContain('jitter');
    const raw = (await readVideoMotions(path, { cutoff_hz: 0 })).motions[2];
    const rough = (motion: HumanMotion) => {
      const stride = motion.keypoints.length * 3;
      let sum = 0;
      for (let at = stride; at + stride < motion.positions_m.length; at++) {
        sum += (motion.positions_m[at + stride] - 2 * motion.positions_m[at] + motion.positions_m[at - stride]) ** 2;
      }
      return sum;
    };
    // Second differences of white noise lie above 6 of 15 Hz to nine tenths; the gait's own remain.
    expect(rough(motions[2])).toBeLessThan(0.15 * rough(raw));
  });

  it.each([
    ['{', /JSON file/],
    ['{"joints": ["a"]}', /either positions or people/],
    ['{"joints": ["a"], "positions": [[[1, 2]]]}', /positions/],
    [
      '{"joints": ["a", "b"], "rate_hz": 30, "positions": [[[1, 2, 3]]]}',
      /person 0: frame 0: joints: expected 2, found 1/,
    ],
    ['{"joints": ["a"], "positions": [[[1, 2, 3]]], "fps": 3}', /fps: unknown key/],
    ['{"joints": ["a"], "positions": [[[1, 2, 3]]]}', /frame rate: expected in the file, or given/],
    ['{"joints": ["a"], "rate_hz": 1, "positions": [[[1, 2, 3]]]}', /skeleton: .*found 1 joints: a/],
  ])('refuses %s', async (text, message) => {
    const path = join(mkdtempSync(join(tmpdir(), 'nextgait-')), 'bad.json');
    writeFileSync(path, text);
    await expect(readVideoMotions(path)).rejects.toThrow(message);
  });
});

describe('refuses', () => {
  it('files without a frame rate, asking for it', async () => {
    for (const name of ['wham_output.pkl', 'hmr4d_results.pt', 'tram_hps_track_0.npy', 'phalp.pkl']) {
      await expect(read(name)).rejects.toThrow(/frame rate: .*Give the video's frame rate/);
    }
  });

  it('files in which nobody is there for long enough', async () => {
    await expect(read('phalp.pkl', { rate_hz: 30, minimumPiece_s: 3 })).rejects.toThrow(
      /people: expected some for 3 s/,
    );
  });

  it('files of no known producer, listing what was expected and found', async () => {
    const fps = join(mkdtempSync(join(tmpdir(), 'nextgait-fps-')), 'points.json');
    writeFileSync(fps, JSON.stringify({ fps: 30, joints: ['pelvis'], positions: [[[0, 0, 0]]] }));
    await expect(readVideoMotions(fps)).rejects.toThrow(/points\.json: fps: unknown key\. Call it "rate_hz"/);
    const cut = fps.replace('points.json', 'cut.pt');
    writeFileSync(cut, readFileSync(join(FOLDER, 'hmr4d_results.pt')).subarray(0, 3000));
    await expect(readVideoMotions(cut)).rejects.toThrow(/cut\.pt: not a whole zip archive: .*as torch\.save writes it/);
    await expect(read('rest.npz')).rejects.toThrow(/keys of WHAM .*GVHMR.*AMASS.*found a dictionary of joints/);
    await expect(read('camera.npy')).rejects.toThrow(/found a dictionary of world_cam_R/);
    await expect(read('make.py')).rejects.toThrow(/object file: expected pickle, joblib, torch or npy/);
    await expect(read('absent.pkl')).rejects.toThrow(/ENOENT/);
    await expect(read('aistpp.pkl', { fps: 3 } as never)).rejects.toThrow(/fps: unknown key/);
  });
});

it.skipIf(!existsSync(SHARED))('development files', async () => {
  const expected: [string, string, number][] = [
    ['aistpp_gWA_sFM_cAll_d27_mWA5_ch20.pkl', 'AIST++', 1],
    ['amass_smplh_poses.npz', 'AMASS', 1],
    ['amass_smplx_stageii.npz', 'AMASS', 1],
    ['gvhmr_hmr4d_results.pt', 'GVHMR', 1],
    ['phalp_demo_vid.pkl', '4D-Humans', 2],
    ['wham_output.pkl', 'WHAM', 2],
  ];
  for (const [name, producer, count] of expected) {
    const result = await readVideoMotions(join(SHARED, name), { rate_hz: 30 });
    expect([result.producer, result.motions.length], name).toEqual([producer, count]);
    for (const { positions_m } of result.motions) expect(positions_m.every(Number.isFinite), name).toBe(true);
  }
});
