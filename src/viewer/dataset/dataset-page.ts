// The dataset browser: any number of episodes in a list, the chosen one as it moves, its plots and its modality mask.

import type { RobotModel } from '../../robot/robot-model.js';
import { type Page, type PageContext, ProblemError, type Route, type SourceItem } from '../page.js';
import { type LoadedDescription, loadDescription } from '../scene/load-description.js';
import { type SourceSkeleton, skeletonFile } from '../scene/source-skeleton.js';
import { createStage, type Stage } from '../scene/stage.js';
import { element } from '../shell/elements.js';
import { createItemChooser } from '../shell/item-chooser.js';
import { problemOf } from '../shell/problem.js';
import { saveFile } from '../shell/save-file.js';
import './dataset.css';
import { type DatasetIndex, type EpisodeEntry, readIndex } from './dataset-index.js';
import { type ClipQuality, createDetailsPanel } from './details-panel.js';
import { filterEpisodes } from './episode-filter.js';
import { createEpisodeList } from './episode-list.js';
import { createEpisodeScene, PERSON_PLACES } from './episode-scene.js';
import { createFilterBar } from './filter-bar.js';
import { keypointErrors } from './keypoint-errors.js';
import { lanesOf } from './lanes.js';
import { createLayout } from './layout.js';
import { createPlayer } from './player.js';
import { createPlotsPanel } from './plots-panel.js';
import { createShardReader, type EpisodeData, type ShardReader } from './shard-reader.js';
import { datasetShortcuts } from './shortcuts.js';
import { createTimeline } from './timeline.js';
import { createTransport } from './transport.js';

/** Plots of an episode are drawn when the list has come to rest for so long (ms): arrow keys stay quick. */
const REST_MS = 80;
/** How often the address follows a clock that runs (ms): browsers allow few changes. */
const ADDRESS_MS = 400;

export function createPage(): Page {
  let follow: ((route: Route) => void) | undefined;
  /** Another episode may be chosen while the page is being built. */
  let latest: Route | undefined;
  const releases: (() => void)[] = [];
  return {
    title: 'Dataset',
    async mount(root, context) {
      latest = context.route;
      const { item, others } = await chooseItem(context);
      const index = readIndex(
        await context.source.readJson(`${item.path}/manifest.json`),
        `${item.name}/manifest.json`,
      );
      if (index.episodes.length === 0) {
        throw new ProblemError({
          what: `${item.name} has no episodes`,
          fix: 'Record or ingest some into it, then reload this page.',
        });
      }
      const reader = createShardReader(context.source, item.path);
      const robot = await reader.robot(index.episodes[0].shard);
      const description = robot && (await loadDescription(context.source, item.path, robot));
      const qualities = await readQualities(context, item);
      follow = build(root, context, { item, others, index, reader, description, qualities, releases });
      follow(latest);
    },
    update(route) {
      latest = route;
      follow?.(route);
    },
    canFollow: (route) => route.parameters.item === latest?.parameters.item,
    unmount() {
      for (const release of releases.splice(0).reverse()) release();
    },
  };
}

interface Parts {
  readonly item: SourceItem;
  /** All datasets that were given. */
  readonly others: readonly SourceItem[];
  readonly index: DatasetIndex;
  readonly reader: ShardReader;
  readonly description: LoadedDescription | undefined;
  readonly qualities: ReadonlyMap<string, ClipQuality>;
  readonly releases: (() => void)[];
}

async function chooseItem({ source, route }: PageContext): Promise<Pick<Parts, 'item' | 'others'>> {
  const { items } = await source.describe();
  const wanted = route.parameters.item;
  const datasets = items.filter(({ kind }) => kind === 'dataset');
  const found =
    wanted === undefined ? datasets[0] : datasets.find(({ name, path }) => wanted === name || wanted === path);
  if (found !== undefined) return { item: found, others: datasets };
  throw new ProblemError({
    what: `There is no dataset "${wanted ?? ''}" here`,
    fix: `These are: ${datasets.map(({ name }) => name).join(', ')}. Choose one, or start the viewer with the dataset that the link is about.`,
  });
}

/** Quality of each episode that was retargeted here; nothing where there is no report. */
async function readQualities({ source }: PageContext, item: SourceItem): Promise<ReadonlyMap<string, ClipQuality>> {
  const file = 'retarget-report.json';
  if (!item.files.some(({ path }) => path === file)) return new Map();
  const { clips } = await source.readJson<{
    clips: { episode: string; scale: number; quality: Omit<ClipQuality, 'scale'> }[];
  }>(`${item.path}/${file}`);
  return new Map(clips.map(({ episode, scale, quality }) => [episode, { ...quality, scale }]));
}

/** The person behind an episode; undefined where the viewer was not given the source file. */
async function readSkeleton(
  { source, notify }: PageContext,
  item: SourceItem,
  { index }: EpisodeEntry,
): Promise<SourceSkeleton | undefined> {
  const file = skeletonFile(index);
  if (!item.files.some(({ path }) => path === file)) return undefined;
  try {
    return await source.readJson<SourceSkeleton>(`${item.path}/${file}`);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    notify('The person behind this episode cannot be shown: the terminal of the viewer says why.');
    return undefined;
  }
}

/** Builds the page; returns how to follow a route. */
function build(root: HTMLElement, context: PageContext, parts: Parts): (route: Route) => void {
  const { item, index, reader, description, qualities, releases } = parts;
  const { rate_hz } = index;
  const robot: RobotModel | undefined = description?.robot;
  const player = createPlayer();
  const seek = (frame: number) => player.seek(frame);
  const timeline = createTimeline(seek);
  const plots = createPlotsPanel({ robot, jointNames: index.robot.jointNames, rate_hz, onSeek: seek });
  const details = createDetailsPanel(seek);
  const list = createEpisodeList((episode) => void open(episode, 0));
  const bar = createFilterBar(index, qualities.size > 0, () => refilter());
  const count = element('p', { class: 'muted filter-count', attributes: { 'aria-live': 'polite' } });
  let person = 0;
  const changePerson = () => {
    person = (person + 1) % PERSON_PLACES.length;
    scene?.placePerson(PERSON_PLACES[person]);
    layout.namePerson(PERSON_PLACES[person]);
  };
  const chooser = createItemChooser({
    label: 'Dataset',
    current: item,
    items: parts.others,
    onChoose: ({ path }) => context.navigate({ page: 'dataset', parameters: { item: path } }),
  });
  chooser.element.classList.add('dataset-chooser');
  context.onItems((items) => chooser.set(items.filter(({ kind }) => kind === 'dataset')));
  const layout = createLayout(root, {
    chooser: chooser.element,
    onPerson: changePerson,
    bar: bar.element,
    count,
    list: list.element,
    timeline: timeline.element,
    plots: plots.element,
    details: details.element,
  });
  const stage = openStage(context, layout.stage, layout.stageMessage);
  const scene = stage && description && createEpisodeScene(stage, description);
  if (description === undefined) {
    layout.stageMessage(
      'This shard does not carry its robot, so that it cannot be drawn. Plots and masks are complete.',
    );
  } else if (description.note !== undefined) layout.stageNote(description.note);

  let current: EpisodeEntry | undefined;
  let shown: EpisodeData | undefined;
  let restTimer = 0;
  let addressTimer = 0;
  let wholeFrame = -1;

  const address = (): Route => ({
    page: 'dataset',
    parameters: {
      ...(context.route.parameters.item === undefined ? {} : { item: context.route.parameters.item }),
      ...(current === undefined ? {} : { episode: current.id, frame: String(Math.round(player.state.frame)) }),
    },
  });
  const writeAddress = () => {
    addressTimer = 0;
    context.navigate(address(), { replace: true });
  };
  const refilter = () => {
    const found = filterEpisodes(index.episodes, bar.filter, ({ id }) => qualities.get(id)?.keypoint_m);
    count.textContent = countText(found, index);
    list.show(found);
  };
  const showAll = (data: EpisodeData, skeleton: SourceSkeleton | undefined) => {
    const { channels, entry } = data;
    plots.show(data, robot && skeleton && keypointErrors(robot, channels, entry.frames, skeleton));
    details.show(data, rate_hz, qualities.get(data.entry.id));
    plots.setFrame(Math.round(player.state.frame));
  };
  let turn = 0;
  const open = async (episode: EpisodeEntry, frame: number): Promise<void> => {
    // The same episode may be asked for twice, at two frames: the later counts.
    const mine = ++turn;
    current = episode;
    list.select(episode);
    layout.setBusy(true);
    let data: EpisodeData;
    let skeleton: SourceSkeleton | undefined;
    try {
      [data, skeleton] = await Promise.all([reader.episode(episode), readSkeleton(context, item, episode)]);
    } catch (error) {
      if (mine === turn) context.showProblem(problemOf(error));
      return;
    }
    if (mine !== turn) return;
    shown = data;
    layout.setBusy(false);
    layout.setTitle(episode);
    const lanes = lanesOf(data.channels, episode.derived, episode.frames);
    timeline.show({
      frameCount: episode.frames,
      rate_hz,
      lanes,
      findings: data.findings,
      footContact: data.channels.footContact,
    });
    scene?.show(data, skeleton);
    layout.showPerson(skeleton !== undefined);
    // Frame 0 of another episode is another one.
    wholeFrame = -1;
    player.load(episode.frames, rate_hz, frame);
    clearTimeout(restTimer);
    restTimer = window.setTimeout(() => shown === data && showAll(data, skeleton), REST_MS);
  };

  const save = () => {
    if (stage !== undefined) void savePicture(stage, `${current?.id.replaceAll('/', '-') ?? 'episode'}.png`);
  };
  const transport = createTransport(player, {
    link: () => void copyLink(context, writeAddress),
    picture: () => save(),
  });
  layout.transport.append(transport.element);
  player.listen((state) => {
    transport.update(state);
    timeline.setFrame(state.frame);
    scene?.setFrame(state.frame);
    stage?.invalidate();
    const whole = Math.round(state.frame);
    if (whole !== wholeFrame) {
      wholeFrame = whole;
      plots.setFrame(whole);
      if (shown !== undefined) layout.setReadout(shown, whole);
    }
    if (addressTimer === 0) addressTimer = window.setTimeout(writeAddress, ADDRESS_MS);
  });
  stage?.onFrame((elapsed_s) => player.advance(elapsed_s));
  if (stage === undefined) releases.push(runWithoutStage((elapsed_s) => player.advance(elapsed_s)));

  context.onTheme((theme) => {
    stage?.setTheme(theme);
    scene?.setTheme(theme);
    timeline.repaint();
    plots.repaint();
  });
  const move = (direction: 1 | -1) => {
    const next = list.neighbour(direction);
    if (next !== undefined) void open(next, 0);
  };
  context.bindShortcuts(
    datasetShortcuts({
      player,
      move,
      findings: () => shown?.findings ?? [],
      changeJoint: plots.changeJoint,
      search: () => {
        layout.showPanel('episodes');
        bar.focus();
      },
      resetCamera: () => scene?.resetCamera(),
      moveCamera: (turn_rad, distance) => stage?.moveCamera(turn_rad, distance),
      person: changePerson,
      link: () => void copyLink(context, writeAddress),
      picture: () => save(),
    }),
  );
  releases.push(
    () => {
      clearTimeout(restTimer);
      clearTimeout(addressTimer);
      current = undefined;
      turn++;
    },
    () => list.dispose(),
    () => timeline.dispose(),
    () => plots.dispose(),
    () => stage?.dispose(),
    () => scene?.dispose(),
  );
  refilter();

  return ({ parameters }) => {
    const wanted = parameters.episode;
    const found = wanted === undefined ? index.episodes[0] : index.episodes.find(({ id }) => id === wanted);
    if (found === undefined) {
      context.notify(`There is no episode "${wanted}" in ${item.name}: the first one is shown.`);
    }
    const frame = Number(parameters.frame ?? 0);
    void open(found ?? index.episodes[0], Number.isFinite(frame) ? frame : 0);
  };
}

/** The stage, or a message in its place: lists, plots and masks do without it. */
function openStage(context: PageContext, place: HTMLElement, say: (text: string) => void): Stage | undefined {
  try {
    return createStage(place, {
      theme: context.theme,
      onProblem: ({ what, fix }) => say(`${what}. ${fix}`),
      onSlow: context.notify,
    });
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    say(`${error.problem.what}. ${error.problem.fix}`);
    return undefined;
  }
}

/** A clock of its own where no stage gives one. */
function runWithoutStage(advance: (elapsed_s: number) => void): () => void {
  let before = performance.now();
  let pending = requestAnimationFrame(function tick(now) {
    advance(Math.min(0.1, (now - before) / 1000));
    before = now;
    pending = requestAnimationFrame(tick);
  });
  return () => cancelAnimationFrame(pending);
}

function countText(found: readonly EpisodeEntry[], index: DatasetIndex): string {
  const hours = found.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  const time = hours >= 1 ? `${hours.toFixed(2)} h` : `${(60 * hours).toFixed(1)} min`;
  if (found.length === 0) return 'No episode passes the filters.';
  const of = found.length === index.episodes.length ? '' : ` of ${index.episodes.length.toLocaleString('en')}`;
  const noun = index.episodes.length === 1 ? 'episode' : 'episodes';
  return `${found.length.toLocaleString('en')}${of} ${noun} · ${time}`;
}

async function copyLink(context: PageContext, writeAddress: () => void): Promise<void> {
  writeAddress();
  try {
    await navigator.clipboard.writeText(location.href);
    context.notify('The link to this frame is copied.');
  } catch {
    context.notify('The address bar has the link to this frame: copy it from there.');
  }
}

async function savePicture(stage: Stage, name: string): Promise<void> {
  saveFile(name, await stage.capture());
}
