// The frame around the pages: header, navigation by the address, theme, keyboard, notices and problems.

import {
  ITEM_KINDS,
  type ItemKind,
  PAGE_NAMES,
  type Page,
  type PageContext,
  type PageModule,
  type PageName,
  type Problem,
  type Route,
  type SessionSource,
  type SourceDescription,
  type SourceItem,
} from '../page.js';
import { button, element, setButton } from './elements.js';
import { createKeyboard } from './keyboard.js';
import { problemOf, problemPanel } from './problem.js';
import { parseRoute, routeText } from './router.js';
import { createThemeSwitch } from './theme.js';

/** Loaders of the pages that this build has. */
export type PageLoaders = Readonly<Partial<Record<PageName, () => Promise<PageModule>>>>;

const PAGE_TEXTS: Readonly<Record<PageName, { label: string; kinds: readonly ItemKind[]; example: string }>> = {
  dataset: { label: 'Dataset', kinds: ['dataset'], example: 'nextgait view datasets/walks' },
  training: { label: 'Training', kinds: ['run'], example: 'nextgait view runs/walk' },
  drive: { label: 'Drive', kinds: ['bundle', 'run'], example: 'nextgait view' },
  evaluation: { label: 'Evaluation', kinds: ['evaluation'], example: 'nextgait view evaluations/walk' },
  // Shards may be dropped on it, and a policy may be a new one: it needs nothing that was given.
  finetune: { label: 'Fine-tune', kinds: ITEM_KINDS, example: 'nextgait view' },
};

const NOTICE_MS = 4000;
/** Between looks at what there is, over a server whose folders may grow. */
const LOOK_MS = 4000;

/** Builds the app in `root` and follows the address from then on. */
export async function startShell(root: HTMLElement, source: SessionSource, loaders: PageLoaders): Promise<void> {
  const theme = createThemeSwitch();
  const keyboard = createKeyboard();
  const main = element('main', { class: 'page', attributes: { id: 'page', tabindex: -1 } });
  const navigation = element('nav', { class: 'tabs', attributes: { 'aria-label': 'Pages' } });
  const themeButton = button('Theme', () => theme.toggle(), { icon: 'sun', iconOnly: true, keys: 't' });
  const nameTheme = () =>
    setButton(
      themeButton,
      theme.current === 'dark' ? 'sun' : 'moon',
      theme.current === 'dark' ? 'Light theme' : 'Dark theme',
      't',
    );
  nameTheme();
  theme.listen(nameTheme);
  const notice = element('div', { class: 'notice', attributes: { role: 'status', 'aria-live': 'polite' } });
  root.replaceChildren(
    element('a', {
      class: 'skip',
      text: 'Skip to content',
      attributes: { href: '#page' },
      on: { click: skipTo(main) },
    }),
    element('header', { class: 'topbar' }, [
      element('a', { class: 'brand', attributes: { href: '#/', 'aria-label': 'NextGait' } }, [
        element('img', { attributes: { src: './icon.svg', alt: '', width: 24, height: 24 } }),
        element('span', { text: 'NextGait' }),
      ]),
      navigation,
      element('div', { class: 'topbar-end' }, [
        button('Keyboard shortcuts', () => keyboard.showHelp(), { icon: 'keyboard', iconOnly: true, keys: '?' }),
        themeButton,
      ]),
    ]),
    main,
    notice,
  );
  keyboard.bind('Everywhere', [
    { keys: ['?'], about: 'show the keyboard shortcuts', run: () => keyboard.showHelp() },
    { keys: ['t'], about: 'light or dark theme', run: () => theme.toggle() },
  ]);

  let mounted: Mounted | undefined;
  const memories = new Map<PageName, Map<string, unknown>>();
  const itemListeners = new Set<(items: readonly SourceItem[]) => void>();
  let known: string | undefined;
  let last: SourceDescription | undefined;
  let visit = 0;
  /** The address that the page shown belongs to; one that is still to be followed is not written over. */
  let followed = '';
  let noticeTimer = 0;
  /** The page of the address, also while it is on its way. */
  let tab: PageName | undefined;
  /** Looks at what there is, and the newest of them that was answered. */
  let looks = 0;
  let answered = 0;

  const notify = (text: string) => {
    notice.textContent = text;
    notice.classList.add('is-shown');
    clearTimeout(noticeTimer);
    noticeTimer = window.setTimeout(() => notice.classList.remove('is-shown'), NOTICE_MS);
  };
  const leave = () => {
    const left = mounted;
    mounted = undefined;
    if (left === undefined) return;
    release(left);
  };
  const showProblem = (problem: Problem) => {
    try {
      leave();
    } finally {
      main.replaceChildren(problemPanel(problem));
    }
  };

  /** What there is now; where that has changed, the tabs and the page are told. */
  const look = async (): Promise<SourceDescription> => {
    const mine = ++looks;
    // A server that is away for a moment takes nothing from the page that it served.
    const description = await source.describe().catch((error: unknown) => {
      if (last === undefined) throw error;
      return last;
    });
    // Answers may come out of order: an older one takes nothing back.
    if (last !== undefined && mine < answered) return last;
    answered = mine;
    last = description;
    const now = JSON.stringify(description.items.map(({ kind, path, name }) => [kind, path, name]));
    if (now === known) return description;
    const isFirst = known === undefined;
    known = now;
    fillTabs(navigation, description, loaders);
    if (tab !== undefined) markTab(navigation, tab);
    if (!isFirst) for (const listener of itemListeners) listener(description.items);
    return description;
  };

  const follow = async (description: SourceDescription, current: number): Promise<void> => {
    // Another address was chosen while it was asked what there is.
    if (current !== visit) return;
    followed = location.hash;
    const route = parseRoute(location.hash) ?? firstRoute(description, loaders);
    tab = route.page;
    markTab(navigation, tab);
    const canFollow = mounted?.name === route.page && mounted.page.canFollow?.(route) !== false;
    if (canFollow && mounted?.page.update !== undefined) {
      mounted.page.update(route);
      return;
    }
    leave();
    const loader = loaders[route.page];
    const { label, kinds, example } = PAGE_TEXTS[route.page];
    if (loader === undefined || !description.items.some(({ kind }) => kinds.includes(kind))) {
      showProblem({
        what: `There is nothing here for the page "${label}"`,
        fix: `Start the viewer with something to show on it, for instance: ${example}`,
      });
      return;
    }
    const loading = element('div', { class: 'loading', text: 'Loading…', attributes: { role: 'status' } });
    main.replaceChildren(loading);
    const page = (await loader()).createPage();
    if (current !== visit) return;
    const own: Mounted = { page, name: route.page, releases: [], isBuilt: false };
    mounted = own;
    const context: PageContext = {
      source,
      route,
      get theme() {
        return theme.current;
      },
      navigate(next, options) {
        if (mounted !== own) return;
        if (!options?.replace) location.hash = routeText(next);
        else if (location.hash === followed) {
          history.replaceState(null, '', routeText(next));
          followed = location.hash;
        }
      },
      showProblem(problem) {
        // A page that was left has nothing to say any more.
        if (mounted === own) showProblem(problem);
      },
      notify,
      memory: memoryOf(memories, route.page),
      onItems(listener) {
        itemListeners.add(listener);
        own.releases.push(() => itemListeners.delete(listener));
        // What came while the page was being built.
        if (last !== undefined && last !== description) listener(last.items);
      },
      onTheme: (listener) => own.releases.push(theme.listen(listener)),
      bindShortcuts: (shortcuts) => own.releases.push(keyboard.bind(page.title, shortcuts)),
    };
    document.title = `${page.title} · NextGait`;
    const place = element('div', { class: `page-root page-${route.page}` });
    main.replaceChildren(place, loading);
    try {
      await page.mount(place, context);
      loading.remove();
    } catch (error) {
      context.showProblem(problemOf(error));
    }
    own.isBuilt = true;
    if (mounted !== own) release(own);
  };

  const guard = async (work: (current: number) => Promise<void>) => {
    const current = ++visit;
    try {
      await work(current);
    } catch (error) {
      // A page that was left while it loaded has nothing to say any more.
      if (visit === current) showProblem(problemOf(error));
    }
  };
  window.addEventListener('error', (event) => {
    // Without an error object it is none of ours: a browser's note on resizing, or a script of an extension.
    if (event.error != null) showProblem(problemOf(event.error));
  });
  window.addEventListener('unhandledrejection', (event) => showProblem(problemOf(event.reason)));

  await guard(async (current) => {
    const description = await look();
    window.addEventListener('hashchange', () => void guard(async (next) => follow(await look(), next)));
    // A page that had nothing to show may have it now.
    itemListeners.add(() => {
      if (mounted === undefined) void guard(async (next) => follow(await look(), next));
    });
    if (description.live) setInterval(() => !document.hidden && void look(), LOOK_MS);
    await follow(description, current);
  });
}

interface Mounted {
  readonly page: Page;
  readonly name: PageName;
  readonly releases: (() => void)[];
  isBuilt: boolean;
}

/** A page that is left while it is being built is unmounted when that is over: it knows only then what it holds. */
function release({ page, releases, isBuilt }: Mounted): void {
  for (const one of releases.splice(0)) one();
  if (isBuilt) page.unmount();
}

function memoryOf(memories: Map<PageName, Map<string, unknown>>, page: PageName): Map<string, unknown> {
  const memory = memories.get(page) ?? new Map<string, unknown>();
  memories.set(page, memory);
  return memory;
}

function hasPage(description: SourceDescription, loaders: PageLoaders, page: PageName): boolean {
  return loaders[page] !== undefined && description.items.some(({ kind }) => PAGE_TEXTS[page].kinds.includes(kind));
}

/** Where an address without a route leads: the page of the first thing that was given. */
function firstRoute(description: SourceDescription, loaders: PageLoaders): Route {
  const first = description.items[0]?.kind;
  const fitting = PAGE_NAMES.filter((page) => hasPage(description, loaders, page));
  const page = fitting.find((name) => first !== undefined && PAGE_TEXTS[name].kinds.includes(first)) ?? fitting[0];
  return { page: page ?? 'dataset', parameters: {} };
}

function fillTabs(navigation: HTMLElement, description: SourceDescription, loaders: PageLoaders): void {
  navigation.replaceChildren(
    ...PAGE_NAMES.filter((page) => hasPage(description, loaders, page)).map((page) =>
      element('a', {
        class: 'tab',
        text: PAGE_TEXTS[page].label,
        attributes: { href: `#/${page}`, 'data-page': page },
      }),
    ),
  );
}

function markTab(navigation: HTMLElement, page: PageName): void {
  for (const tab of navigation.querySelectorAll('a')) {
    if (tab.dataset.page === page) tab.setAttribute('aria-current', 'page');
    else tab.removeAttribute('aria-current');
  }
}

/** The fragment is the route, so that a plain link cannot move the focus. */
function skipTo(target: HTMLElement): (event: Event) => void {
  return (event) => {
    event.preventDefault();
    target.focus();
  };
}
