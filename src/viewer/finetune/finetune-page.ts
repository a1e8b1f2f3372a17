// Fine-tune: a policy is trained further, or a new one, on shards that were dropped, in the browser.
//
// The page chooses and watches; a worker trains. A training goes on while other pages are looked at.

import type { Page, PageContext, Problem } from '../page.js';
import { element, icon } from '../shell/elements.js';
import { problemOf } from '../shell/problem.js';
import { saveFile } from '../shell/save-file.js';
import { type ChartWall, createChartWall } from '../training/chart-wall.js';
import { createDataPanel } from './data-panel.js';
import './finetune.css';
import { finetuneConfig } from './finetune-config.js';
import { type FinetuneJob, startFinetuneJob, type TrainedPolicy } from './finetune-job.js';
import { createJobPanel } from './job-panel.js';
import { createPolicyPanel } from './policy-panel.js';
import type { StartTraining } from './protocol.js';
import { addTrainedPolicy, zipBundle } from './trained-policy.js';
import { requireBelonging } from './training-shards.js';
import { hasWebgpu } from './webgpu.js';

/** Keys in the page's memory: the training, and the policy that was driven last. */
const JOB = 'job';
const DRIVEN = 'driven';
const SMOOTHING = 0.3;

export function createPage(): Page {
  let stop: () => void = () => {};
  return {
    title: 'Fine-tune',
    async mount(root, context) {
      stop = await mountFinetune(root, context);
    },
    unmount: () => stop(),
  };
}

async function mountFinetune(root: HTMLElement, context: PageContext): Promise<() => void> {
  const { source, memory, route } = context;
  let job = memory.get(JOB) as FinetuneJob | undefined;
  let stopListening = () => {};
  let isBusy = false;
  let isOver = false;
  let frame = 0;

  const alert = createAlert();
  const data = createDataPanel(context, { onChange: () => changed(), onProblem: (problem) => alert.show(problem) });
  const policy = createPolicyPanel(context, { onChange: () => changed(), onProblem: (problem) => alert.show(problem) });
  const wall: ChartWall = createChartWall('finetune');
  const panel = createJobPanel({
    start: () => void guard(start),
    hold: () => job?.hold(job.state !== 'held'),
    stop: () => job?.stop(),
    drive: () => void guard(drive),
    download: () => void guard(download),
  });
  const isGoing = () => job !== undefined && ['preparing', 'training', 'held'].includes(job.state);

  /** Why no training can be started, in words; the alert has the rest. */
  const obstacle = (): string | undefined => {
    if (data.shards.length === 0) return 'Drop shards on this page, or add a dataset.';
    if (policy.model === undefined && policy.start === undefined) return 'The policy is not read.';
    if (Object.values(policy.settings).some((value) => !(value > 0)))
      return 'Steps, windows and rate must be positive.';
    return mismatch(false) === undefined ? undefined : 'Data and policy do not belong together.';
  };
  const mismatch = (isShown: boolean): Problem | undefined => {
    const [first] = data.shards;
    if (first === undefined) return undefined;
    const { start: from } = policy;
    const reference =
      from === undefined
        ? { name: first.file.name, robot: first.robot, rate_hz: first.rate_hz }
        : { name: from.bundle.name, robot: from.bundle.robot, rate_hz: from.bundle.tokens.rate_hz };
    try {
      for (const shard of data.shards) requireBelonging(shard, reference);
      return undefined;
    } catch (error) {
      const problem = problemOf(error);
      if (isShown) alert.show(problem, 'mismatch');
      return problem;
    }
  };
  const changed = () => {
    if (isOver) return;
    if (mismatch(true) === undefined && alert.isMismatch) alert.clear();
    draw();
  };
  const draw = () => {
    const isFree = !isGoing() && !isBusy;
    data.setEnabled(isFree);
    policy.setEnabled(isFree);
    panel.show(job, isBusy ? 'One moment…' : obstacle());
    wall.root.hidden = job === undefined;
    about.hidden = job !== undefined;
    if (job !== undefined) {
      const { name, curves } = job;
      wall.show([{ name, colour: '--series-1', curves }], { smoothing: SMOOTHING, logarithmic: true });
    }
    if (job?.problem !== undefined) alert.show(job.problem);
  };
  /** Lines of metrics may come faster than pictures. */
  const drawSoon = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  };
  const guard = async (work: () => Promise<void>) => {
    if (isBusy) return;
    isBusy = true;
    draw();
    try {
      await work();
    } catch (error) {
      alert.show(problemOf(error));
    } finally {
      isBusy = false;
      if (!isOver) draw();
    }
  };

  const start = async () => {
    alert.clear();
    const { start: from, model, settings, engine } = policy;
    const robot = from?.bundle.robot ?? data.shards[0].robot;
    const name = from === undefined ? `${robot.name}-new` : tunedName(from.bundle.name);
    const episodeCount = data.shards.reduce((sum, { episodes }) => sum + episodes.length, 0);
    const message: StartTraining = {
      type: 'start',
      config: finetuneConfig(name, settings, { model, episodeCount }),
      engine,
      shards: await Promise.all(data.shards.map(async ({ file }) => ({ name: file.name, blob: await file.blob() }))),
      ...(from && { start: { where: from.item.name, description: from.description, weights: from.weights } }),
    };
    // Left meanwhile: the page that comes next would not know of this training, and nobody could stop it.
    if (isOver) return;
    job?.dispose();
    const worker = new Worker(new URL('./finetune-worker.ts', import.meta.url), { type: 'module', name: 'finetune' });
    follow(startFinetuneJob(worker, message));
  };
  const follow = (followed: FinetuneJob) => {
    stopListening();
    job = followed;
    memory.set(JOB, followed);
    stopListening = followed.listen(drawSoon);
  };
  const drive = async () => {
    if (job?.policy === undefined) return;
    const { name, policy: trained, state } = job;
    const address = location.hash;
    // Both at once are too much for a small machine, and a policy that changes is none to judge.
    if (state === 'training') job.hold(true);
    // The same policy is driven again as the same thing.
    const before = memory.get(DRIVEN) as { readonly policy: TrainedPolicy; readonly path: string } | undefined;
    const path =
      before?.policy === trained
        ? before.path
        : (await addTrainedPolicy(source, `${name}-step-${trained.step}`, trained)).path;
    memory.set(DRIVEN, { policy: trained, path });
    if (state === 'training') context.notify('The training waits until you come back and let it go on.');
    // Who has chosen another page meanwhile is not called back from it.
    if (location.hash === address) context.navigate({ page: 'drive', parameters: { item: path } });
  };
  const download = async () => {
    if (job?.policy === undefined) return;
    const bytes = zipBundle(job.name, job.policy);
    saveFile(`${job.name}.zip`, new Blob([bytes as BlobPart], { type: 'application/zip' }));
    context.notify(`${job.name}.zip: unpack it, and run nextgait evaluate ${job.name}`);
  };

  const about = element('div', { class: 'finetune-about muted' }, [
    element('p', {
      text: 'Trains on this machine, in this page: nothing leaves it. Drop shards that you recorded on the page "Drive", or that nextgait record or ingest wrote, choose the policy that goes on from them, and press Train.',
    }),
    element('p', {
      text: 'It is the training of nextgait train, step for step. The result can be driven here, and downloaded as a policy bundle. For long trainings use nextgait train: it works on all cores or a graphics card, on data of any size.',
    }),
  ]);
  root.append(
    element('div', { class: 'finetune' }, [
      element('aside', { class: 'finetune-side' }, [data.element, policy.element]),
      element('div', { class: 'finetune-main' }, [alert.element, panel.element, about, wall.root]),
    ]),
  );
  const take = (items: Awaited<ReturnType<typeof source.describe>>['items']) => {
    data.setDatasets(items.filter(({ kind }) => kind === 'dataset'));
    policy.setItems(items);
  };
  // Before anything is waited for: the page looks ready.
  const stopDropping = takeDrops(root, data.drop);
  if (job !== undefined) follow(job);
  draw();
  const { items, live } = await source.describe();
  take(items);
  context.onItems(take);
  if (route.parameters.dataset !== undefined) data.addDataset(route.parameters.dataset);
  draw();
  // Copies for web hosts leave WebGPU's engine out: it is twice as large as all the rest.
  if (live) void hasWebgpu().then((isThere) => isThere && policy.allowWebgpu());

  context.onTheme(draw);
  context.bindShortcuts([
    { keys: [' '], about: 'pause the training, go on', run: () => job?.hold(job.state !== 'held') },
    { keys: ['d'], about: 'drive the policy as it is now', run: () => void guard(drive) },
    { keys: ['b'], about: 'download the policy as a bundle', run: () => void guard(download) },
  ]);
  return () => {
    isOver = true;
    cancelAnimationFrame(frame);
    stopListening();
    stopDropping();
    wall.dispose();
  };
}

/** A policy that is trained further once more keeps its name. */
function tunedName(name: string): string {
  return name.endsWith('-tuned') ? name : `${name}-tuned`;
}

function createAlert() {
  const what = element('strong');
  const fix = element('span');
  const place = element('div', { class: 'finetune-alert', attributes: { role: 'alert' } }, [
    icon('warning'),
    element('p', {}, [what, fix]),
  ]);
  place.hidden = true;
  let shown: 'mismatch' | 'other' = 'other';
  return {
    element: place,
    get isMismatch() {
      return !place.hidden && shown === 'mismatch';
    },
    show(problem: Problem, kind: 'mismatch' | 'other' = 'other') {
      what.textContent = `${problem.what}. `;
      fix.textContent = problem.fix;
      place.title = problem.detail ?? '';
      shown = kind;
      place.hidden = false;
    },
    clear() {
      place.hidden = true;
    },
  };
}

/** Files that are dropped anywhere on the page; returns how to stop that. */
function takeDrops(root: HTMLElement, drop: (files: readonly File[]) => void): () => void {
  const mark = (isOver: boolean) => root.classList.toggle('is-dropping', isOver);
  const listeners = {
    dragover: (event: DragEvent) => {
      event.preventDefault();
      mark(true);
    },
    dragleave: (event: DragEvent) => {
      if (event.relatedTarget === null) mark(false);
    },
    drop: (event: DragEvent) => {
      event.preventDefault();
      mark(false);
      drop([...(event.dataTransfer?.files ?? [])]);
    },
  } as const;
  for (const [type, listener] of Object.entries(listeners)) window.addEventListener(type, listener as EventListener);
  return () => {
    for (const [type, listener] of Object.entries(listeners))
      window.removeEventListener(type, listener as EventListener);
  };
}
