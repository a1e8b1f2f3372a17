// Drive: a policy under your hands, in physics, in the browser. The page draws and listens; the worker steps.

import type { TerrainKind } from '../../sim/terrain.js';
import type { Page, PageContext, Problem, SourceItem } from '../page.js';
import { createStage, type Stage } from '../scene/stage.js';
import { button, element, setButton } from '../shell/elements.js';
import { createItemChooser } from '../shell/item-chooser.js';
import { type Axes, STILL } from './command-input.js';
import { createDrivePanel, type DrivePanel } from './drive-panel.js';
import { createDriveScene, type DriveScene, GHOST_PLACES, type GhostPlace } from './drive-scene.js';
import type { DriveFrame } from './drive-session.js';
import { drivable, readDriveFiles } from './drive-source.js';
import './drive.css';
import { createHands } from './hands.js';
import type { FromWorker, Opened, Status, ToWorker } from './protocol.js';
import { sidePush } from './push-gesture.js';
import { createReadouts, type Readouts } from './readouts.js';
import { saveOwedRecordings } from './save-recording.js';

/** Impulse of the push by key (N s). */
const KEY_PUSH_NS = 15;

export function createPage(): Page {
  let stop: () => void = () => {};
  return {
    title: 'Drive',
    async mount(root, context) {
      stop = await mountDrive(root, context);
    },
    unmount: () => stop(),
  };
}

async function mountDrive(root: HTMLElement, context: PageContext): Promise<() => void> {
  const { source, route } = context;
  const items = drivable((await source.describe()).items);
  const item = items.find(({ path }) => path === route.parameters.item) ?? items[0];
  const loading = element('p', { class: 'loading', text: `Reading ${item.name}…`, attributes: { role: 'status' } });
  root.replaceChildren(loading);
  const files = await readDriveFiles(source, item);
  loading.textContent = 'Starting physics and policy…';
  const worker = new Worker(new URL('./drive-worker.ts', import.meta.url), { type: 'module', name: 'drive' });
  const send = (message: ToWorker) => worker.postMessage(message);
  const opening = firstAnswer(worker);
  send({ type: 'open', ...files, where: item.name });
  try {
    const { opened, frame } = await opening;
    const drive = showDrive(root, context, { opened, frame, send, item, items });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => drive.receive(data);
    return () => {
      const owed = drive.dispose();
      if (owed > 0) saveOwedRecordings(worker, owed, context.notify);
      else worker.terminate();
    };
  } catch (error) {
    worker.terminate();
    if (!isProblem(error)) throw error;
    context.showProblem(error);
    return () => {};
  }
}

function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'what' in error && 'fix' in error;
}

/** The worker's first words: that it is ready, or why it cannot be. Rejects with a Problem. */
function firstAnswer(worker: Worker): Promise<Extract<FromWorker, { type: 'opened' }>> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === 'opened') resolve(data);
      else if (data.type === 'problem') reject(data.problem);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject({
        what: 'The part of the app that drives could not be loaded',
        fix: 'Reload the page. If this copy of the viewer lies on a web host, check that all of its files were copied.',
        detail: event.message ?? 'the worker did not start',
      } satisfies Problem);
    };
  });
}

interface DriveParts {
  readonly opened: Opened;
  readonly frame: DriveFrame;
  readonly send: (message: ToWorker) => void;
  readonly item: SourceItem;
  readonly items: readonly SourceItem[];
}

interface Driving {
  receive(message: FromWorker): void;
  /** Returns how many recordings the worker still has to give out. */
  dispose(): number;
}

function showDrive(
  root: HTMLElement,
  context: PageContext,
  { opened, frame: first, send, item, items }: DriveParts,
): Driving {
  const { rate_hz } = opened;
  const place = element('div', { class: 'drive-canvas' });
  // First of all: it throws where there is no WebGL, and hands that listen to the keys would stay.
  const stage: Stage = createStage(place, {
    theme: context.theme,
    onProblem: context.showProblem,
    onSlow: context.notify,
  });
  stage.canvas.setAttribute('aria-label', 'The robot in 3D. Drag it to push, drag beside it to turn the view.');
  const status = createStatusLine(opened, item);
  const banner = element('p', { class: 'drive-banner', attributes: { role: 'status', 'aria-live': 'polite' } });
  const aim = element('span', { class: 'aim-label', attributes: { 'aria-hidden': 'true' } });
  banner.hidden = true;
  aim.hidden = true;

  let isRunning = false;
  let isRecording = false;
  /** Recordings that were begun and have not come. */
  let owed = 0;
  let wasRunning = false;
  let latest = first;
  let sent: Axes = STILL;
  let ghost: GhostPlace = 'off';
  let pushSide = 1;
  let timer = 0;

  const hands = createHands(
    () => sendAxes(),
    (name) => ({ push, reset, pause: () => setRunning(!isRunning) })[name](),
  );
  const sendAxes = () => {
    const axes = hands.read();
    if (axes.every((value, axis) => value === sent[axis])) return;
    sent = axes;
    send({ type: 'axes', axes });
  };
  const readouts: Readouts = createReadouts(rate_hz, opened.commandRange, opened.foretells);
  const setRunning = (running: boolean) => {
    isRunning = running;
    send({ type: 'run', running });
    scene.setRunning(running);
    setButton(pause, running ? 'pause' : 'play', running ? 'Pause' : 'Go on', 'space');
    step.disabled = running;
  };
  const reset = () => {
    readouts.clear();
    send({ type: 'reset' });
  };
  const push = () => {
    const { robot } = opened;
    const torso = robot.keypoints.torso?.body ?? robot.baseBody;
    const given = sidePush(torso, latest.baseQuaternion, pushSide * KEY_PUSH_NS);
    pushSide = -pushSide;
    scene.showPush(given);
    send({ type: 'push', push: given });
  };
  const setGhost = (wanted: GhostPlace) => {
    ghost = wanted;
    scene.setGhost(ghost);
    panel.setGhost(ghost);
  };
  const setTerrain = (kind: TerrainKind) => {
    if (kind !== 'flat') context.notify('Making the ground…');
    readouts.clear();
    send({ type: 'terrain', kind });
  };
  const record = () => {
    isRecording = !isRecording;
    if (isRecording) owed++;
    panel.setRecording(isRecording);
    send({ type: 'record', recording: isRecording });
  };
  const pause = button('Pause', () => setRunning(!isRunning), { icon: 'pause', iconOnly: true, keys: 'space' });
  const step = button('One step', () => send({ type: 'step' }), { icon: 'next', iconOnly: true, keys: '.' });
  const restart = button('Reset', reset, { icon: 'first', iconOnly: true, keys: 'r' });
  const shove = button('Push', push, { keys: 'f' });

  const chooser = createItemChooser({
    label: 'Policy',
    isLabelShown: true,
    current: item,
    items,
    onChoose: ({ path }) => context.navigate({ page: 'drive', parameters: { item: path } }),
  });
  context.onItems((now) => chooser.set(drivable(now)));
  const panel: DrivePanel = createDrivePanel({
    readouts: readouts.element,
    foretells: opened.foretells,
    chooser: chooser.element,
    onTerrain: setTerrain,
    onPayload: (payload_kg) => send({ type: 'payload', payload_kg }),
    onGhost: setGhost,
    onRecord: record,
  });

  root.replaceChildren(
    element('div', { class: 'drive' }, [
      element('section', { class: 'drive-stage', attributes: { 'aria-label': 'Robot' } }, [
        place,
        status.element,
        banner,
        aim,
        element('div', { class: 'drive-controls' }, [
          hands.walkStick,
          element('div', { class: 'drive-transport' }, [restart, pause, step, shove]),
          hands.turnStick,
        ]),
      ]),
      panel.element,
    ]),
  );
  const scene: DriveScene = createDriveScene({
    stage,
    description: opened,
    rate_hz,
    onPush: (given) => send({ type: 'push', push: given }),
    onAim(label) {
      aim.hidden = label === undefined;
      if (label === undefined) return;
      aim.textContent = label.text;
      aim.style.transform = `translate(${label.x.toFixed(0)}px, ${label.y.toFixed(0)}px)`;
    },
  });
  // On an upright screen from further away, and below the name.
  const isUpright = place.clientHeight > place.clientWidth;
  const { standingHeight_m: height } = opened.robot;
  stage.lookAt(0, 0, (isUpright ? 0.9 : 0.8) * height, (isUpright ? 5.4 : 4.4) * height);
  scene.show(first, performance.now());
  context.onTheme((theme) => {
    stage.setTheme(theme);
    scene.recolour();
  });
  context.bindShortcuts([
    { keys: ['w', 's'], about: 'walk forward, back (also ↑ ↓)', run: () => {} },
    { keys: ['a', 'd'], about: 'step to the left, to the right', run: () => {} },
    { keys: ['q', 'e'], about: 'turn left, right (also ← →)', run: () => {} },
    { keys: [' '], about: 'pause, go on', run: () => setRunning(!isRunning) },
    { keys: ['.'], about: 'one control step, while paused', run: () => send({ type: 'step' }) },
    { keys: ['r'], about: 'reset', run: reset },
    { keys: ['f'], about: 'push from the side', run: push },
    {
      keys: ['g'],
      about: 'what the model expects: off, over, beside',
      run: () => setGhost(GHOST_PLACES[(GHOST_PLACES.indexOf(ghost) + 1) % GHOST_PLACES.length]),
    },
    { keys: ['c'], about: 'start or stop recording', run: record },
  ]);
  stage.onFrame(() => {
    readouts.draw(performance.now());
    return false;
  });
  // Gamepads have no events for their sticks.
  timer = window.setInterval(sendAxes, 1000 / rate_hz);
  const onHidden = () => {
    if (document.hidden) {
      wasRunning = isRunning;
      hands.release();
      setRunning(false);
    } else if (wasRunning) setRunning(true);
  };
  document.addEventListener('visibilitychange', onHidden);
  setRunning(!document.hidden);
  wasRunning = true;

  const say = (text: string, kind: 'warning' | 'danger' | undefined) => {
    banner.hidden = text === '';
    if (banner.textContent !== text) banner.textContent = text;
    banner.className = `drive-banner ${kind === undefined ? '' : `is-${kind}`}`;
  };
  let latestStatus: Status | undefined;
  const tell = () => {
    if (latest.fallen) say('It fell, and stands up again in a moment.', 'danger');
    else if (isRunning && latestStatus?.tooSlow) {
      say(
        `This machine is too slow: it makes ${latestStatus.rate_hz.toFixed(0)} of ${rate_hz} control steps a second, and the robot moves in slow motion. Make the window smaller, or close other programs.`,
        'warning',
      );
    } else say('', undefined);
  };

  return {
    receive(message) {
      switch (message.type) {
        case 'frame':
          latest = message.frame;
          scene.show(latest, performance.now());
          readouts.add(latest);
          if (isRecording) panel.setRecorded(latest.recordedFrames / rate_hz);
          root.dataset.steps = String(latest.steps);
          root.dataset.fallen = String(latest.fallen);
          tell();
          return;
        case 'status':
          latestStatus = message.status;
          status.set(message.status);
          root.dataset.frames = String(stage.statistics.frames);
          // Once the machine was too slow it is spared for the visit: a picture that comes and goes is worse.
          if (message.status.tooSlow) scene.setSparing(true);
          tell();
          return;
        case 'terrain':
          scene.setTerrain(message.kind);
          panel.setTerrain(message.kind);
          return;
        case 'recorded':
          owed--;
          if (message.shard === undefined) context.notify('Nothing was recorded.');
          else panel.addRecording(message.name, message.frames / rate_hz, message.shard);
          return;
        case 'problem':
          // The worker is at its end.
          owed = 0;
          context.showProblem(message.problem);
          return;
        case 'opened':
          return;
      }
    },
    dispose() {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', onHidden);
      hands.dispose();
      scene.dispose();
      panel.dispose();
      stage.dispose();
      if (owed > 0) {
        send({ type: 'run', running: false });
        if (isRecording) send({ type: 'record', recording: false });
      }
      return owed;
    },
  };
}

function createStatusLine(opened: Opened, item: SourceItem) {
  const rate = element('span', { class: 'chip', attributes: { 'data-rate': true } });
  const parts = element('span', { class: 'chip', attributes: { 'data-times': true } });
  const head = element('div', { class: 'drive-head' }, [
    element('h1', { text: opened.policy }),
    element('p', { class: 'muted' }, [
      `${opened.robot.name}, ${opened.robot.jointNames.length} joints · ${(opened.parameterCount / 1e6).toFixed(2)} M parameters`,
      ...(item.kind === 'run' ? [' · newest checkpoint'] : []),
      ...(opened.rangeIsKnown ? [] : [' · its commands are not known: driven slowly']),
    ]),
    element('p', { class: 'drive-chips' }, [rate, parts]),
  ]);
  head.dataset.openMs = opened.open_ms.toFixed(0);
  head.dataset.firstStepMs = opened.firstStep_ms.toFixed(0);
  return {
    element: head,
    set({ rate_hz, tooSlow, policy_ms, physics_ms, dropped_ms }: Status) {
      rate.textContent = `${rate_hz.toFixed(0)} Hz`;
      rate.className = `chip ${tooSlow ? 'chip-warning' : 'chip-ok'}`;
      rate.dataset.droppedMs = dropped_ms.toFixed(0);
      parts.textContent = `policy ${policy_ms.toFixed(1)} ms · physics ${physics_ms.toFixed(1)} ms`;
    },
  };
}
