// Rigs: every file is valid, every rig finds itself and no other, and names are compared as people write them.

import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { HUMAN_KEYPOINTS, REQUIRED_KEYPOINTS } from '../../src/motion/human-motion.js';
import { findRig, matchRig, plainNames, rigTemplate } from '../../src/retarget/rig.js';
import { chooseRigs, loadRigs } from '../../src/retarget/rig-files.js';

const rigs = await loadRigs();
const SMPL =
  'pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle right_ankle spine3 left_foot right_foot neck left_collar right_collar head left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_hand right_hand';

/** Joint names of files in the wild, without the zero pose that tells LAFAN1 from HumanIK. */
const FILES: [rig: string, names: string][] = [
  [
    'cmu',
    'Hips LHipJoint LeftUpLeg LeftLeg LeftFoot LeftToeBase RHipJoint RightUpLeg RightLeg RightFoot RightToeBase LowerBack Spine Spine1 Neck Neck1 Head LeftShoulder LeftArm LeftForeArm LeftHand RightShoulder RightArm RightForeArm RightHand Head/end',
  ],
  [
    'mixamo',
    'mixamorig:Hips mixamorig:Spine mixamorig:Spine1 mixamorig:Spine2 mixamorig:Neck mixamorig:Head mixamorig:HeadTop_End mixamorig:LeftShoulder mixamorig:LeftArm mixamorig:LeftForeArm mixamorig:LeftHand mixamorig:RightShoulder mixamorig:RightArm mixamorig:RightForeArm mixamorig:RightHand mixamorig:LeftUpLeg mixamorig:LeftLeg mixamorig:LeftFoot mixamorig:LeftToeBase mixamorig:RightUpLeg mixamorig:RightLeg mixamorig:RightFoot mixamorig:RightToeBase',
  ],
  [
    'mixamo',
    'Hips Spine Chest Neck Head LeftShoulder LeftArm LeftForeArm LeftHand RightShoulder RightArm RightForeArm RightHand LeftThigh LeftShin LeftFoot LeftToe RightThigh RightShin RightFoot RightToe',
  ],
  [
    'bandai',
    'joint_Root Hips Spine Chest Neck Head Shoulder_L UpperArm_L LowerArm_L Hand_L Shoulder_R UpperArm_R LowerArm_R Hand_R UpperLeg_L LowerLeg_L Foot_L Toes_L UpperLeg_R LowerLeg_R Foot_R Toes_R',
  ],
  [
    'xsens',
    'Hips Chest Chest2 Chest3 Chest4 Neck Head RightCollar RightShoulder RightElbow RightWrist LeftCollar LeftShoulder LeftElbow LeftWrist RightHip RightKnee RightAnkle RightToe LeftHip LeftKnee LeftAnkle LeftToe',
  ],
  ['smpl', SMPL],
  [
    'smpl',
    'm_avg_root m_avg_Pelvis m_avg_L_Hip m_avg_L_Knee m_avg_L_Ankle m_avg_L_Foot m_avg_R_Hip m_avg_R_Knee m_avg_R_Ankle m_avg_R_Foot m_avg_Spine1 m_avg_Spine3 m_avg_Neck m_avg_Head m_avg_L_Shoulder m_avg_L_Elbow m_avg_L_Wrist m_avg_R_Shoulder m_avg_R_Elbow m_avg_R_Wrist',
  ],
  [
    'daz',
    'hip abdomen chest neck head rShldr rForeArm rHand lShldr lForeArm lHand rThigh rShin rFoot lThigh lShin lFoot',
  ],
  [
    'unity',
    'hips spine chest upperChest neck head leftShoulder leftUpperArm leftLowerArm leftHand rightShoulder rightUpperArm rightLowerArm rightHand leftUpperLeg leftLowerLeg leftFoot leftToes rightUpperLeg rightLowerLeg rightFoot rightToes',
  ],
  [
    'coco',
    'nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle',
  ],
  [
    'h36m',
    'Hip RHip RKnee RAnkle LHip LKnee LAnkle Spine Thorax Nose Head LShoulder LElbow LWrist RShoulder RElbow RWrist',
  ],
  ['keypoints', HUMAN_KEYPOINTS.join(' ')],
];

describe('rig files', () => {
  it.each(rigs.map((rig) => [rig.name, rig] as const))('%s names what is required, left as right', (_, rig) => {
    for (const keypoint of REQUIRED_KEYPOINTS) expect(Object.keys(rig.keypoints)).toContain(keypoint);
    for (const keypoint of Object.keys(rig.keypoints)) {
      if (keypoint.startsWith('left_')) expect(Object.keys(rig.keypoints)).toContain(keypoint.replace('left', 'right'));
    }
    const keypointsWithAxes = Object.keys(rig.frames);
    expect(keypointsWithAxes.length).toBe(rig.zeroPose === 'standing' ? 0 : Object.keys(rig.keypoints).length);
  });

  it('by name and unknown', async () => {
    expect((await chooseRigs('smpl')).map(({ name }) => name)).toEqual(['smpl']);
    await expect(chooseRigs('smp')).rejects.toThrow(/expected one of bandai, cmu/);
  });
});

describe('recognition', () => {
  it.each(FILES)('%s', (name, names) => {
    const match = findRig(rigs, names.split(' '), () => true, 'file');
    expect(match.rig.name).toBe(name);
  });

  it('by position files without a zero pose, too', () => {
    expect(findRig(rigs, SMPL.split(' '), undefined, 'file').rig.name).toBe('smpl');
  });

  it('the zero pose decides between rigs of the same names', () => {
    const names =
      'Hips LeftUpLeg LeftLeg LeftFoot LeftToe RightUpLeg RightLeg RightFoot RightToe Spine Spine1 Spine2 Neck Head LeftShoulder LeftArm LeftForeArm LeftHand RightShoulder RightArm RightForeArm RightHand';
    expect(findRig(rigs, names.split(' '), () => true, 'file').rig.name).toBe('mixamo');
    expect(findRig(rigs, names.split(' '), () => false, 'file').rig.name).toBe('lafan1');
  });

  it('two joints for a keypoint in their middle, one otherwise', () => {
    const coco = rigs.find(({ name }) => name === 'coco')!;
    const names = FILES.find(([rig]) => rig === 'coco')![1].split(' ');
    const { keypoints, joints } = matchRig(coco, names);
    expect(joints[keypoints.indexOf('pelvis')].map((joint) => names[joint])).toEqual(['left_hip', 'right_hip']);
    expect(joints[keypoints.indexOf('left_foot')].map((joint) => names[joint])).toEqual(['left_ankle']);
  });

  it('an unknown skeleton is refused with its joints, the nearest rig and a template', () => {
    const names = FILES[3][1].split(' ').filter((name) => name !== 'Hand_L');
    try {
      findRig(rigs, names, () => true, 'odd.bvh');
      expect.fail('found a rig');
    } catch (error) {
      expect(error).toBeInstanceOf(DataError);
      const { where, found, fix } = (error as DataError).detail;
      expect(where).toBe('odd.bvh');
      expect(found).toContain('joint_Root, Hips');
      expect(fix).toMatch(/closest is bandai, which does not find left_hand/);
      expect(fix).toMatch(/left_knee: "LowerLeg_L"\n.*\n.*\n.*\n.*right_hip/);
      expect(fix).toMatch(/left_hand: "\?"/);
    }
    expect(rigTemplate([])).toMatch(/pelvis: "\?"\n {2}# spine: "\?"/);
  });
});

it('names are compared without namespace, prefix, case, spaces and punctuation', () => {
  expect(plainNames(['a:b:Left Up-Leg', 'a:b:Hips'])).toEqual(['leftupleg', 'hips']);
  expect(plainNames(['Model_Hips', 'Model_Left_Foot'])).toEqual(['hips', 'leftfoot']);
  expect(plainNames(['Hips', 'HipsX'])).toEqual(['hips', 'hipsx']);
  expect(plainNames(['Hips'])).toEqual(['hips']);
});
