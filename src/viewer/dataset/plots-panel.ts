// The plots of an episode: velocities beside their commands, the base, all joints at a glance and one joint closely.

import type { RobotModel } from '../../robot/robot-model.js';
import { button, element } from '../shell/elements.js';
import { type ClockPlot, createClockPlot, type LineStyle, lineKey } from './clock-plot.js';
import { createJointMap } from './joint-map.js';
import type { KeypointErrors } from './keypoint-errors.js';
import { episodeCurves, errorCurves, jointCurves } from './plot-series.js';
import type { EpisodeData } from './shard-reader.js';

export interface PlotsPanel {
  readonly element: HTMLElement;
  /** @param errors of the robot's keypoints against the person's, where those are known */
  show(data: EpisodeData, errors: KeypointErrors | undefined): void;
  setFrame(frame: number): void;
  /** Chooses the joint after (+1) or before (-1) the one that is shown. */
  changeJoint(direction: 1 | -1): void;
  repaint(): void;
  dispose(): void;
}

export interface PlotsOptions {
  readonly robot?: RobotModel;
  readonly jointNames: readonly string[];
  readonly rate_hz: number;
  onSeek(frame: number): void;
}

const COMMAND: LineStyle = { label: 'command', colour: '--series-8', dashed: true };
const ACHIEVED: LineStyle = { label: 'achieved', colour: '--series-1' };
const single = (label: string, colour: string): readonly LineStyle[] => [{ label, colour }];

export function createPlotsPanel({ robot, jointNames, rate_hz, onSeek }: PlotsOptions): PlotsPanel {
  const seek = (seconds: number) => onSeek(Math.round(seconds * rate_hz));
  const plot = (title: string, unit: string, lines: readonly LineStyle[], leastRange: number) =>
    createClockPlot({ title, unit, lines, leastRange, onSeek: seek });
  const tracking = (title: string, unit: string) =>
    createClockPlot({ title, unit, lines: [COMMAND, ACHIEVED], leastRange: 0.4, named: false, onSeek: seek });
  const base = {
    forward: tracking('Forward', 'm/s'),
    sideways: tracking('Sideways', 'm/s'),
    turning: tracking('Turning', 'rad/s'),
    height: plot('Base height', 'm', single('base', '--series-3'), 0.05),
    tilt: plot('Tilt', '°', single('tilt', '--series-4'), 5),
  };
  const joint = {
    position: plot(
      'Position',
      'rad',
      [
        { label: 'measured', colour: '--series-1' },
        { label: 'target', colour: '--series-2', dashed: true },
      ],
      0.1,
    ),
    action: plot(
      'Action',
      'rad',
      [
        { label: 'label', colour: '--series-2' },
        { label: 'executed', colour: '--series-6', dashed: true },
      ],
      0.1,
    ),
    velocity: plot('Velocity', 'rad/s', single('velocity', '--series-3'), 0.5),
    torque: plot('Torque', 'N m', single('torque', '--series-4'), 2),
  };
  const keypoints = plot(
    'Keypoints',
    'mm',
    [
      { label: 'mean', colour: '--ghost' },
      { label: 'worst', colour: '--series-4', dashed: true },
    ],
    20,
  );
  const all: readonly ClockPlot[] = [...Object.values(base), keypoints, ...Object.values(joint)];
  let chosen = 0;
  let shown: EpisodeData | undefined;
  let seconds: number[] = [];
  let frame = 0;

  const select = element(
    'select',
    { class: 'field', attributes: { 'aria-label': 'Joint' }, on: { change: () => choose(Number(select.value)) } },
    jointNames.map((name, at) => element('option', { text: plain(name), attributes: { value: at } })),
  );
  const map = createJointMap((at, to) => {
    if (at !== chosen) choose(at);
    onSeek(to);
  });
  const changeJoint = (direction: 1 | -1) => choose((chosen + direction + jointNames.length) % jointNames.length);
  const choose = (at: number) => {
    chosen = at;
    select.value = String(at);
    map.setJoint(at);
    showJoint();
  };
  const showJoint = () => {
    if (shown === undefined) return;
    const curves = jointCurves(shown, robot, chosen);
    const torque = robot?.torqueLimit_Nm[chosen];
    joint.position.show(seconds, curves.position, robot && [robot.lower_rad[chosen], robot.upper_rad[chosen]]);
    joint.action.show(seconds, curves.action);
    joint.velocity.show(seconds, curves.velocity);
    joint.torque.show(seconds, curves.torque, torque === undefined ? [] : [-torque, torque]);
    for (const one of Object.values(joint)) one.setFrame(frame, seconds[frame] ?? 0);
  };
  return {
    element: element('div', { class: 'plots' }, [
      element('div', { class: 'plots-heading' }, [
        element('h3', { text: 'Base and command' }),
        lineKey(COMMAND),
        lineKey(ACHIEVED),
      ]),
      ...Object.values(base).map((one) => one.element),
      keypoints.element,
      element('div', { class: 'plots-heading plots-joint' }, [
        element('h3', { text: 'Joint' }),
        select,
        button('Joint before', () => changeJoint(-1), { icon: 'previous', iconOnly: true, keys: '[' }),
        button('Next joint', () => changeJoint(1), { icon: 'next', iconOnly: true, keys: ']' }),
      ]),
      map.element,
      ...Object.values(joint).map((one) => one.element),
    ]),
    show(data, errors) {
      shown = data;
      frame = 0;
      const curves = episodeCurves(data, rate_hz);
      seconds = curves.seconds;
      base.forward.show(seconds, curves.forward);
      base.sideways.show(seconds, curves.sideways);
      base.turning.show(seconds, curves.turning);
      base.height.show(seconds, curves.height);
      base.tilt.show(seconds, curves.tilt);
      keypoints.element.hidden = errors === undefined;
      if (errors !== undefined) keypoints.show(seconds, errorCurves(errors));
      map.show(data.channels.jointPosition, data.entry.frames, robot, jointNames.length);
      showJoint();
    },
    setFrame(next) {
      frame = next;
      for (const one of all) one.setFrame(next, seconds[next] ?? 0);
      map.setFrame(next);
    },
    changeJoint,
    repaint() {
      for (const one of all) one.repaint();
      map.repaint();
    },
    dispose() {
      for (const one of all) one.dispose();
    },
  };
}

/** A joint's name without what every joint's name ends in. */
function plain(name: string): string {
  return name.replace(/_joint$/, '').replaceAll('_', ' ');
}
