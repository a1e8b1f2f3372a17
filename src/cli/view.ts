// nextgait view: datasets, runs, policies and evaluations in a web app, on this machine or as a static build.

import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { DataError } from '../base/errors.js';
import { isPresent, packagePath } from '../base/files.js';
import { loadRobot } from '../sim/load-robot.js';
import { findBundle } from '../sim/read-bundle.js';
import { GEOMETRY_FILE } from '../viewer/scene/robot-geometry.js';
import { isLoopback } from '../viewer/server/guard.js';
import { type GivenItem, type WatchedItems, watchItems } from '../viewer/server/items.js';
import { addDriveFiles } from '../viewer/server/made-drive.js';
import { addGeometry } from '../viewer/server/made-geometry.js';
import { startViewerServer } from '../viewer/server/server.js';
import { DESCRIPTION_FILE, writeStaticBuild } from '../viewer/server/static-build.js';
import { builtApp } from './built-app.js';
import {
  type CommonOptions,
  parseNumber,
  type VerbContext,
  type VerbResult,
  verbAction,
  withCommonFlags,
  withExample,
} from './common.js';
import { addOriginals } from './view-originals.js';

interface ViewFlags extends Pick<CommonOptions, 'json' | 'quiet' | 'robot' | 'overwrite'> {
  readonly port?: number;
  readonly host: string;
  readonly open?: boolean;
  readonly build?: string;
  readonly originals?: string;
}

const PORT = 8474;

export function viewCommand(): Command {
  const command = new Command('view')
    .argument(
      '[paths...]',
      'datasets, shards, runs, bundles, evaluations, folders of them, or names in data/pretrained (default: the bundled policy)',
    )
    .addOption(new Option('--port <number>', `port to serve on (default: ${PORT}, or a free one)`).argParser(parsePort))
    .option('--host <address>', 'address to listen on; others than loopback let the network read the data', '127.0.0.1')
    .option('--open', 'open the browser (default: where there is a terminal)')
    .option('--no-open', 'do not open the browser')
    .option('--build <folder>', 'write a static copy with the data in it for any web host, instead of serving')
    .option('--originals <folder>', 'source files of human motion (BVH, video), to show the person beside the robot')
    .option('--overwrite', 'replace an earlier build', false);
  withCommonFlags(command, ['robot'], { robot: 'the one that the data names' });
  withExample(command, 'nextgait view datasets/walks runs/walk');
  return command.action(verbAction(view));
}

async function view(context: VerbContext, flags: ViewFlags, paths: readonly string[]): Promise<VerbResult> {
  const app = await builtApp();
  if (flags.robot !== undefined) await loadRobot(flags.robot);
  const given = paths.length > 0 ? await Promise.all(paths.map(placeOf)) : [packagePath('data', 'pretrained')];
  const told = new Set<string>();
  const warn = (text: string) => {
    // Made files are made again at each request: what is missing is told once.
    if (!told.has(text)) context.log.warn(text);
    told.add(text);
  };
  const watched = await watchItems(given, async (items) => {
    addGeometry(items, flags.robot, warn);
    addDriveFiles(items, flags.robot, warn);
    if (flags.originals !== undefined) await addOriginals(items, flags.originals, context.log);
  });
  if (flags.build !== undefined) return build(context, flags, app, watched.items);
  return serve(context, flags, app, watched);
}

/** A path as it is, and the folder of a policy that is named as other verbs take it. */
async function placeOf(path: string): Promise<string> {
  return (await isPresent(path)) ? path : ((await findBundle(path))?.folder ?? path);
}

function parsePort(text: string): number {
  const value = parseNumber(text);
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
  throw new InvalidArgumentError(`expected a port from 0 to 65535, found "${text}".`);
}

async function build(
  { log, signal }: VerbContext,
  flags: ViewFlags,
  app: string,
  items: readonly GivenItem[],
): Promise<VerbResult> {
  if (items.length === 0) {
    throw new DataError({
      where: `--build ${flags.build}`,
      what: 'nothing to put into it',
      fix: 'Name a folder with data',
    });
  }
  const folder = resolve(flags.build!);
  const { files, bytes } = await writeStaticBuild(app, items, folder, {
    flag: '--build',
    overwrite: flags.overwrite,
    signal,
  });
  log.info(`${flags.build}: the viewer with ${files} files of data, ${(bytes / 1e6).toFixed(1)} MB`);
  log.info(
    `Serve it from any web host; on this machine, for instance: python3 -m http.server --directory ${flags.build}`,
  );
  return { folder, files, bytes, description: join(folder, DESCRIPTION_FILE) };
}

async function serve(
  { log, interactive, signal }: VerbContext,
  flags: ViewFlags,
  app: string,
  { items, look }: WatchedItems,
): Promise<VerbResult> {
  const server = await startViewerServer({
    items,
    look,
    app,
    host: flags.host,
    port: flags.port ?? PORT,
    anyPort: flags.port === undefined,
    onError: (error) => log.warn(`viewer: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
  });
  for (const { kind, name } of items) log.info(`${kind} ${name}`);
  if (items.length === 0) log.info('nothing to view yet: what comes into this folder is shown when it is there');
  if (!isLoopback(flags.host)) {
    log.warn(
      `Everyone who reaches ${flags.host}:${server.port} can read these files. Leave --host out to keep them here.`,
    );
  }
  // Compiling the robot takes a moment: it has begun before the browser asks. What fails is told when it asks.
  for (const { made } of items)
    made
      .get(GEOMETRY_FILE)?.()
      .catch(() => {});
  log.info(`Viewer at ${server.address} (Ctrl-C ends it)`);
  if (flags.open ?? interactive) openBrowser(server.address);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await server.close();
  return { address: server.address };
}

/** Asks the desktop for its browser; where there is none, the printed address does. */
function openBrowser(address: string): void {
  const [command, ...before] =
    process.platform === 'darwin' ? ['open'] : process.platform === 'win32' ? ['cmd', '/c', 'start', ''] : ['xdg-open'];
  const child = spawn(command, [...before, address], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
