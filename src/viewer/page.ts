// The contract between the shell and its pages: what a page is, what it is given, where its data come from.
//
// A page's folder has one file `<page>-page.ts` that exports `createPage(): Page`; the shell loads it when its route is
// first followed. Pages know nothing of each other and nothing of a server: they read through ViewerSource, which is the
// same over `nextgait view` and over the files of a static build.

export const PAGE_NAMES = ['dataset', 'training', 'drive', 'evaluation', 'finetune'] as const;
export type PageName = (typeof PAGE_NAMES)[number];

/** Where one is, as `#/dataset?item=0&episode=walks%2F3&frame=120`. */
export interface Route {
  readonly page: PageName;
  readonly parameters: Readonly<Record<string, string>>;
}

export const ITEM_KINDS = ['dataset', 'run', 'bundle', 'evaluation'] as const;
export type ItemKind = (typeof ITEM_KINDS)[number];

/** A file of an item: its path within the item, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly bytes: number;
}

/** One thing that the viewer was given. */
export interface SourceItem {
  readonly kind: ItemKind;
  /** Name to show: the folder's own. */
  readonly name: string;
  /** Prefix of its files for readJson and readBytes, without a slash at the end: `data/0`. */
  readonly path: string;
  /** Its files as they were when describe() was called; a running training adds to them. 0 bytes: made on demand. */
  readonly files: readonly SourceFile[];
}

export interface SourceDescription {
  /** Version of the package that serves or wrote this. */
  readonly version: string;
  /** True over `nextgait view`, where files may grow; false for a static build. */
  readonly live: boolean;
  readonly items: readonly SourceItem[];
}

export interface ViewerSource {
  /** What there is to see; asks anew at each call. @throws ProblemError */
  describe(): Promise<SourceDescription>;
  /** @throws ProblemError where the file cannot be read or is not JSON */
  readJson<T>(path: string): Promise<T>;
  /**
   * A whole file, or its bytes [start, end): fewer where it ends before, none where `start` is at its end or after.
   * @throws ProblemError where the file cannot be read
   */
  readBytes(path: string, range?: { readonly start: number; readonly end: number }): Promise<Uint8Array>;
}

/** A ViewerSource to which pages add what they make; it lasts until the app is reloaded. */
export interface SessionSource extends ViewerSource {
  add(made: {
    readonly kind: ItemKind;
    readonly name: string;
    readonly files: Readonly<Record<string, Uint8Array>>;
  }): SourceItem;
}

/** What went wrong, and what to do about it; shown to the user as it is. */
export interface Problem {
  readonly what: string;
  readonly fix: string;
  /** For those who want to know more: an address, a stack. */
  readonly detail?: string;
}

export type Theme = 'light' | 'dark';

export interface Shortcut {
  /** `KeyboardEvent.key`, with `Shift+` before it where it must be held: `ArrowLeft`, `Shift+ArrowLeft`, ` `, `l`. */
  readonly keys: readonly string[];
  /** What it does, for the list that `?` shows. */
  readonly about: string;
  run(event: KeyboardEvent): void;
}

export interface PageContext {
  readonly source: SessionSource;
  readonly route: Route;
  /** The theme now. */
  readonly theme: Theme;
  /**
   * Goes to a route. `replace` changes the address alone (no history, no update of the page): for what follows the page,
   * such as the frame that is shown; not while the visitor goes elsewhere. A page that was left goes nowhere.
   */
  navigate(route: Route, options?: { readonly replace?: boolean }): void;
  /** Shows a problem in place of the page, unless it was left. */
  showProblem(problem: Problem): void;
  /** Shows a line of text for a few seconds, and says it to screen readers. */
  notify(text: string): void;
  /** Calls back at each change of theme until the page is unmounted. */
  onTheme(listener: (theme: Theme) => void): void;
  /** Calls back when things are there that were not, or are gone, since the page began to be mounted until it is left. */
  onItems(listener: (items: readonly SourceItem[]) => void): void;
  /** What the page finds again when it is mounted again, such as work that goes on; lasts until the app is reloaded. */
  readonly memory: Map<string, unknown>;
  /** Keyboard shortcuts of the page until it is unmounted. They are silent while a field has the focus. */
  bindShortcuts(shortcuts: readonly Shortcut[]): void;
}

export interface Page {
  readonly title: string;
  /** Builds the page inside `root`, which is empty. What it throws is shown as a problem. */
  mount(root: HTMLElement, context: PageContext): Promise<void>;
  /**
   * Follows another route of the same page, also while it is being mounted; without it the page is unmounted and mounted
   * again.
   */
  update?(route: Route): void;
  /** False for routes that need the page to be mounted anew: another item, for instance. */
  canFollow?(route: Route): boolean;
  /**
   * Stops everything and lets go of what garbage collection does not know (WebGL, workers, sockets, timers). Called once,
   * after mount has ended, also where that threw or the page was left meanwhile.
   */
  unmount(): void;
}

export interface PageModule {
  createPage(): Page;
}

/** An error whose text is for the user: `what` is the matter and `fix` is what to do. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(`${problem.what}. ${problem.fix}`, options);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}
