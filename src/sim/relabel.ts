// Relabelling (DAgger, Ross et al. 2011, arXiv 1011.0686): a student drives, and its teacher says what it would have done.
//
// Both see the same states and commands and are told what was executed, so that the teacher's answer, the label, is the
// one it gives in the history that the student made (teacher.ts). In a share of the steps the teacher drives instead.

import { DataError } from '../base/errors.js';
import type { Random } from '../base/random.js';
import type { Controller } from '../policy/controller.js';
import { Teacher } from './teacher.js';

export interface RelabellingController extends Controller {
  /** Begins an episode: which steps the teacher drives is drawn from `random`. */
  begin(random: Random): void;
  /** The teacher's action of the last act(), without noise: a view [joint], joint target minus default position (rad). */
  label(slot: number): Float64Array;
}

/**
 * A controller that acts as the student and keeps the teacher's answers; dispose() ends both.
 * @param teacher has TEACHER_LANES slots for each of the student's where it has a clock (loadTeacher)
 * @param share share of the steps that the teacher drives, 0 to 1
 * @throws DataError where the two are not for the same robot and rate
 */
export function relabellingController(student: Controller, teacher: Controller, share: number): RelabellingController {
  requirePair(student, teacher);
  const jointCount = student.robot.jointNames.length;
  const { slotCount } = student;
  const asked = new Teacher(teacher, slotCount);
  let driver: Random | undefined;
  return {
    name: student.name,
    robot: student.robot,
    rate_hz: student.rate_hz,
    slotCount,
    // Beyond these the labels would be those of a teacher that does not know what to do.
    commandRange: teacher.commandRange ?? student.commandRange,
    sensors: [...new Set([...(student.sensors ?? []), ...(teacher.sensors ?? [])])],
    begin(random) {
      driver = random;
    },
    label: (slot) => asked.answer(slot),
    reset(slot) {
      student.reset(slot);
      asked.reset(slot);
    },
    async act(slots, states, commands, actions) {
      await asked.ask(slots, states, commands);
      await student.act(slots, states, commands, actions);
      asked.follow(slots, actions);
      if (share === 0) return;
      if (driver === undefined) throw new Error('relabellingController: begin() comes before act()');
      for (const slot of slots) {
        if (driver.uniform() >= share) continue;
        actions.set(asked.answer(slot), slot * jointCount);
      }
    },
    executed(slots, actions) {
      student.executed(slots, actions);
      asked.executed(slots, actions);
    },
    async dispose() {
      await student.dispose();
      await teacher.dispose();
    },
  };
}

function requirePair(student: Controller, teacher: Controller): void {
  const refuse = (what: string, expected: string, found: string) => {
    const where = `teacher ${teacher.name}`;
    throw new DataError({ where, what: `${what} is not that of the student ${student.name}`, expected, found });
  };
  if (teacher.robot.hash !== student.robot.hash) {
    const text = ({ name, hash }: Controller['robot']) => `${name} (${hash})`;
    refuse('robot', text(student.robot), text(teacher.robot));
  }
  for (const { name, torques } of [student, teacher]) {
    if (torques === undefined) continue;
    const fix = 'Take a policy whose actions are joint targets.';
    throw new DataError({
      where: `controller ${name}`,
      what: 'commands torques: it has no actions to label with',
      fix,
    });
  }
  if (teacher.rate_hz !== student.rate_hz) refuse('control rate', `${student.rate_hz} Hz`, `${teacher.rate_hz} Hz`);
}
