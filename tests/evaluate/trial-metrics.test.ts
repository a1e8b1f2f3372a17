import { describe, expect, it } from 'vitest';
import { integrateCommands } from '../../src/evaluate/command-path.js';
import { measureTrial } from '../../src/evaluate/trial-metrics.js';
import type { Trace } from '../../src/evaluate/trial-recorder.js';
import { type CommandSchedule, constantCommand } from '../../src/sim/command-schedule.js';

const RATE_HZ = 50;
const OPTIONS = { duration_s: 10, settle_s: 1 };
/** Positions are float32 (6e-8 relative) up to 10 m away. */
const FLOAT32_M = 2e-6;

interface Pose {
  readonly x: number;
  readonly y: number;
  readonly yaw: number;
}

/** A trace of planar poses, one a control step. */
function traceOf(frameCount: number, pose: (time_s: number) => Pose, more: Partial<Trace> = {}): Trace {
  const poses = Array.from({ length: frameCount }, (_, frame) => pose(frame / RATE_HZ));
  return {
    id: 'test',
    rate_hz: RATE_HZ,
    frameCount,
    fell: false,
    ...more,
    channels: {
      basePosition: { width: 3, data: Float32Array.from(poses.flatMap(({ x, y }) => [x, y, 0.8])) },
      baseQuaternion: {
        width: 4,
        data: Float32Array.from(poses.flatMap(({ yaw }) => [Math.cos(yaw / 2), 0, 0, Math.sin(yaw / 2)])),
      },
      ...more.channels,
    },
  };
}

/** The path of a constant command from a start pose: an arc of radius v / wz. */
function arc([vx, vy, wz]: readonly [number, number, number], start: Pose): (time_s: number) => Pose {
  return (time_s) => {
    const yaw = start.yaw + wz * time_s;
    const forward = (Math.sin(yaw) - Math.sin(start.yaw)) / wz;
    const sideways = (Math.cos(yaw) - Math.cos(start.yaw)) / wz;
    return { x: start.x + vx * forward + vy * sideways, y: start.y - vx * sideways + vy * forward, yaw };
  };
}

describe('integrated command', () => {
  it('is a circle for a constant turn, from any pose', () => {
    const start = { x: 1, y: -2, yaw: 0.7 };
    const exact = arc([0.5, -0.2, 0.4], start);
    const path = integrateCommands(constantCommand(0.5, -0.2, 0.4), 500, RATE_HZ, { x_m: 1, y_m: -2, yaw_rad: 0.7 });
    for (const frame of [0, 1, 250, 499]) {
      const { x, y, yaw } = exact(frame / RATE_HZ);
      expect(path.position_m[2 * frame]).toBeCloseTo(x, 10);
      expect(path.position_m[2 * frame + 1]).toBeCloseTo(y, 10);
      expect(path.yaw_rad[frame]).toBeCloseTo(yaw, 10);
    }
  });

  it('goes on in the heading it has when the command changes', () => {
    const schedule: CommandSchedule = [
      { start_s: 0, command: [1, 0, Math.PI / 2] },
      { start_s: 1, command: [1, 0, 0] },
    ];
    const { position_m } = integrateCommands(schedule, 101, RATE_HZ, { x_m: 0, y_m: 0, yaw_rad: 0 });
    // A quarter circle of radius 2/π, then one metre along +y.
    expect(position_m[200]).toBeCloseTo(2 / Math.PI, 10);
    expect(position_m[201]).toBeCloseTo(2 / Math.PI + 1, 10);
  });
});

describe('tracking error', () => {
  it('is zero on the commanded circle, whatever the start pose', () => {
    for (const start of [
      { x: 0, y: 0, yaw: 0 },
      { x: 3, y: -4, yaw: 2.5 },
    ]) {
      const trial = measureTrial(traceOf(500, arc([0.6, 0.1, -0.3], start)), constantCommand(0.6, 0.1, -0.3), OPTIONS);
      expect(trial.tracking_m).toBeLessThan(FLOAT32_M);
      expect(trial).toMatchObject({ fell: false, survival_s: 10 });
    }
  });

  it('is the offset of a robot beside its path', () => {
    const beside = (time_s: number) => ({ x: 0.5 * time_s + (time_s > 0 ? 0.3 : 0), y: time_s > 0 ? 0.4 : 0, yaw: 0 });
    const { tracking_m } = measureTrial(traceOf(500, beside), constantCommand(0.5, 0, 0), OPTIONS);
    // Every frame but the first, which is where the path starts.
    expect(tracking_m).toBeCloseTo((0.5 * 499) / 500, 5);
  });

  it('is half the way of a robot that stands', () => {
    const { tracking_m, stretches } = measureTrial(
      traceOf(500, () => ({ x: 0, y: 0, yaw: 0 })),
      constantCommand(0, 0.4, 0),
      OPTIONS,
    );
    expect(tracking_m).toBeCloseTo((0.4 * 499) / 2 / RATE_HZ, 6);
    expect(stretches).toMatchObject([{ commanded: [0, 0.4, 0], achieved: [0, 0, 0] }]);
  });

  it('leaves a fallen robot where it fell for the rest of the trial', () => {
    const walks = (time_s: number) => ({ x: 0.5 * time_s, y: 0, yaw: 0 });
    const trial = measureTrial(traceOf(100, walks, { fell: true }), constantCommand(0.5, 0, 0), OPTIONS);
    // Frames 100 .. 499 are 1 .. 400 steps of 0.01 m behind.
    expect(trial.tracking_m).toBeCloseTo((0.01 * (400 * 401)) / 2 / 500, 5);
    expect(trial).toMatchObject({ fell: true, survival_s: 2 });
    // Judged from 1 s to 9.98 s: it walked for the first 0.98 s of it, up to its last frame.
    expect(trial.stretches[0].achieved[0]).toBeCloseTo((0.5 * 0.98) / 8.98, 5);
  });

  it('does not reward falling at once', () => {
    const falls = measureTrial(
      traceOf(10, () => ({ x: 0, y: 0, yaw: 0 }), { fell: true }),
      constantCommand(0.7, 0, 0),
      OPTIONS,
    );
    const stands = measureTrial(
      traceOf(500, () => ({ x: 0, y: 0, yaw: 0 })),
      constantCommand(0.7, 0, 0),
      OPTIONS,
    );
    expect(falls.tracking_m).toBe(stands.tracking_m);
  });
});

describe('velocities', () => {
  it('are those of the heading frame, from displacement', () => {
    const achieved = [0.45, -0.1, 0.35] as const;
    const trace = traceOf(500, arc(achieved, { x: 0, y: 0, yaw: -1 }));
    const { stretches, velocityError } = measureTrial(trace, constantCommand(0.5, 0, 0.4), OPTIONS);
    // A chord of 0.007 rad is shorter than its arc by 2e-6; float32 positions add 1e-6 m over 9 s.
    achieved.forEach((value, axis) => {
      expect(stretches[0].achieved[axis]).toBeCloseTo(value, 4);
      expect(velocityError![axis]).toBeCloseTo(Math.abs(value - [0.5, 0, 0.4][axis]), 4);
    });
    expect(stretches[0].duration_s).toBeCloseTo(8.98, 10);
  });

  it('turn past half a circle', () => {
    const trace = traceOf(500, arc([0.2, 0, 1.5], { x: 0, y: 0, yaw: 3 }));
    expect(measureTrial(trace, constantCommand(0.2, 0, 1.5), OPTIONS).stretches[0].achieved[2]).toBeCloseTo(1.5, 5);
  });

  it('are not judged before the robot has settled, nor in stretches too short', () => {
    const schedule: CommandSchedule = [
      { start_s: 0, command: [0.2, 0, 0] },
      { start_s: 4, command: [0.6, 0, 0] },
      { start_s: 9, command: [-0.5, 0, 0] },
    ];
    // Stands for a second after each start, then is 0.05 m/s too fast.
    const speed = (time_s: number) => (time_s < 4 ? (time_s < 1 ? 0 : 0.25) : time_s < 5 ? 0 : 0.65);
    let x = 0;
    const trace = traceOf(500, (time_s) => {
      const pose = { x, y: 0, yaw: 0 };
      x += speed(time_s + 1e-9) / RATE_HZ;
      return pose;
    });
    const { stretches, velocityError } = measureTrial(trace, schedule, OPTIONS);
    expect(stretches.map(({ commanded }) => commanded[0])).toEqual([0.2, 0.6]);
    expect(stretches.map(({ achieved }) => achieved[0])).toEqual([expect.closeTo(0.25, 5), expect.closeTo(0.65, 5)]);
    expect(stretches.map(({ duration_s }) => duration_s)).toEqual([3, 4]);
    expect(velocityError![0]).toBeCloseTo(0.05, 5);
  });
});

describe('effort', () => {
  it('is the root mean square of torque and of the change of action', () => {
    const { actionRate_radps, torque_Nm } = measureTrial(
      traceOf(4, () => ({ x: 0, y: 0, yaw: 0 }), {
        channels: {
          executedAction: { width: 2, data: Float32Array.of(0, 0, 0.1, 0, 0.1, 0.2, 0.1, 0.2) },
          torque: { width: 2, data: Float32Array.of(3, 4, 3, 4, 3, 4, 3, 4) },
        },
      }),
      constantCommand(0, 0, 0),
      OPTIONS,
    );
    expect(torque_Nm).toBeCloseTo(Math.sqrt(12.5), 6);
    // Squared changes .01 and .04 over 3 steps of 2 joints.
    expect(actionRate_radps).toBeCloseTo(RATE_HZ * Math.sqrt(0.05 / 6), 5);
  });

  it('is null where it was not recorded', () => {
    const trial = measureTrial(
      traceOf(5, () => ({ x: 0, y: 0, yaw: 0 })),
      constantCommand(0, 0, 0),
      OPTIONS,
    );
    expect(trial).toMatchObject({ actionRate_radps: null, torque_Nm: null });
  });
});

describe('a trace without a pose', () => {
  it('is refused', () => {
    const trace = traceOf(5, () => ({ x: 0, y: 0, yaw: 0 }));
    const { basePosition: _, ...channels } = trace.channels;
    expect(() => measureTrial({ ...trace, channels }, constantCommand(0, 0, 0), OPTIONS)).toThrow(/basePosition/);
  });
});
