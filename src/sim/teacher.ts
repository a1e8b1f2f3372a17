// Teacher: a controller that answers along with a student who drives, and keeps step with it.
//
// A teacher that walks by a phase clock, which its student does not see, would go on by the clock when the student's gait has
// drifted from it, and its answers would be those of another moment of the step. So its clock follows the student: it is
// asked at this phase, a little ahead and a little behind, and moves towards where its answer is nearest to the student's.

import type { Controller, RobotState } from '../policy/controller.js';

/** Phases that a teacher is asked at, from where its clock is. */
const LANES_RAD = [0, 0.4, -0.4];
/** Slots that a teacher has for each slot of its student. */
export const TEACHER_LANES = LANES_RAD.length;
/** Share of the past in the error of each lane: a tenth of a second at 50 Hz, so that noise does not move the clock. */
const MEMORY = 0.8;
/** Share of the estimated lag that a step makes good, and the most that it moves: a clock of 1.5 Hz runs on at 0.19. */
const GAIN = 0.1;
const LARGEST_SHIFT_RAD = 0.06;

/**
 * Loads a teacher with as many slots as it needs for one student: one without a clock is not asked three times.
 * @param load loads it with so many slots
 */
export async function loadTeacher(load: (slots: number) => Promise<Controller>): Promise<Controller> {
  const alone = await load(1);
  if (alone.clock?.(0) === undefined) return alone;
  await alone.dispose();
  return load(TEACHER_LANES);
}

export class Teacher {
  readonly #controller: Controller;
  readonly #slotCount: number;
  /** 1 for a teacher without a clock. */
  readonly #lanes: number;
  readonly #commands: Float64Array;
  /** Answers and what was executed: [lane, slot, joint]. */
  readonly #answers: Float64Array;
  readonly #executed: Float64Array;
  /** Squared distance from the student's action: [slot, lane]. */
  readonly #errors: Float64Array;

  /** @param controller has TEACHER_LANES slots for each of `slotCount` where it has a clock, and belongs to the caller */
  constructor(controller: Controller, slotCount: number) {
    this.#controller = controller;
    this.#slotCount = slotCount;
    this.#lanes = controller.clock?.(0) === undefined ? 1 : TEACHER_LANES;
    if (controller.slotCount < this.#lanes * slotCount) throw new Error('Teacher: too few slots for its lanes');
    const jointCount = controller.robot.jointNames.length;
    this.#commands = new Float64Array(this.#lanes * slotCount * 3);
    this.#answers = new Float64Array(this.#lanes * slotCount * jointCount);
    this.#executed = new Float64Array(this.#answers.length);
    this.#errors = new Float64Array(slotCount * this.#lanes);
  }

  /** The answer of the last ask(): a view [joint], joint target minus default position (rad). */
  answer(slot: number): Float64Array {
    return this.#row(this.#answers, 0, slot);
  }

  reset(slot: number): void {
    for (const lane of this.#laneSlots([slot])) this.#controller.reset(lane);
    this.#errors.fill(0, slot * this.#lanes, (slot + 1) * this.#lanes);
    this.#spreadClocks(slot);
  }

  /** Asks for an answer in every slot's state. */
  async ask(slots: readonly number[], states: readonly RobotState[], commands: Float64Array): Promise<void> {
    const laneStates: RobotState[] = [];
    for (let lane = 0; lane < this.#lanes; lane++) {
      this.#commands.set(commands.subarray(0, 3 * this.#slotCount), 3 * lane * this.#slotCount);
      for (const slot of slots) laneStates[lane * this.#slotCount + slot] = states[slot];
    }
    await this.#controller.act(this.#laneSlots(slots), laneStates, this.#commands, this.#answers);
  }

  /** Keeps step with what the student answered to the same states. */
  follow(slots: readonly number[], actions: Float64Array): void {
    if (this.#lanes === 1) return;
    for (const slot of slots) {
      const errors = this.#errors.subarray(slot * this.#lanes, (slot + 1) * this.#lanes);
      for (let lane = 0; lane < this.#lanes; lane++) {
        const answer = this.#row(this.#answers, lane, slot);
        errors[lane] = MEMORY * errors[lane] + (1 - MEMORY) * squaredDistance(answer, actions, slot * answer.length);
      }
      const clock = this.#controller.clock?.(slot);
      if (clock !== undefined) clock.advance_rad += clockShift(errors);
      this.#spreadClocks(slot);
    }
  }

  executed(slots: readonly number[], actions: Float64Array): void {
    for (let lane = 0; lane < this.#lanes; lane++) {
      for (const slot of slots) {
        const row = this.#row(this.#executed, lane, slot);
        row.set(actions.subarray(slot * row.length, (slot + 1) * row.length));
      }
    }
    this.#controller.executed(this.#laneSlots(slots), this.#executed);
  }

  /** The slots of all lanes. */
  #laneSlots(slots: readonly number[]): number[] {
    return LANES_RAD.slice(0, this.#lanes).flatMap((_, lane) => slots.map((slot) => lane * this.#slotCount + slot));
  }

  #row(values: Float64Array, lane: number, slot: number): Float64Array {
    const jointCount = this.#controller.robot.jointNames.length;
    const at = (lane * this.#slotCount + slot) * jointCount;
    return values.subarray(at, at + jointCount);
  }

  #spreadClocks(slot: number): void {
    const here = this.#controller.clock?.(slot);
    for (let lane = 1; lane < this.#lanes; lane++) {
      const clock = this.#controller.clock?.(lane * this.#slotCount + slot);
      if (here !== undefined && clock !== undefined) clock.advance_rad = here.advance_rad + LANES_RAD[lane];
    }
  }
}

/** How far to move the clock, from the errors here, ahead and behind: a part of the way to the least of their parabola. */
function clockShift([here, ahead, behind]: Float64Array): number {
  const slope = behind - ahead;
  const curvature = ahead + behind - 2 * here;
  // Hilltop or plain: there is no least, only a way down.
  const lag_rad = curvature > 0 ? (LANES_RAD[1] * slope) / (2 * curvature) : Math.sign(slope) * Math.PI;
  return Math.min(LARGEST_SHIFT_RAD, Math.max(-LARGEST_SHIFT_RAD, GAIN * lag_rad));
}

function squaredDistance(a: Float64Array, b: Float64Array, bAt: number): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] - b[bAt + index]) ** 2;
  return sum;
}
