// Small helpers to build DOM by hand: enough for an app without a framework.

export interface ElementOptions {
  readonly class?: string;
  readonly text?: string;
  readonly title?: string;
  /** Attributes; `true` is written as an empty one, `false` and undefined are left out. */
  readonly attributes?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
}

/** An HTML element with its content. Text is never taken for markup. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  options: ElementOptions = {},
  children: readonly (Node | string)[] = [],
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (options.class !== undefined) made.className = options.class;
  if (options.text !== undefined) made.textContent = options.text;
  if (options.title !== undefined) made.title = options.title;
  setAttributes(made, options.attributes ?? {});
  for (const [type, listener] of Object.entries(options.on ?? {})) made.addEventListener(type, listener);
  made.append(...children);
  return made;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svgElement<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: ElementOptions['attributes'] = {},
  children: readonly Node[] = [],
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS(SVG, tag) as SVGElementTagNameMap[Tag];
  setAttributes(made, attributes);
  made.append(...children);
  return made;
}

function setAttributes(target: Element, attributes: NonNullable<ElementOptions['attributes']>): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    target.setAttribute(name, value === true ? '' : String(value));
  }
}

/** Icons of the app: strokes in a 24 x 24 box. */
const ICONS = {
  play: 'M8 5v14l11-7z',
  pause: 'M8 5v14M16 5v14',
  first: 'M6 5v14M19 5l-9 7 9 7z',
  last: 'M18 5v14M5 5l9 7-9 7z',
  previous: 'M15 5l-7 7 7 7',
  next: 'M9 5l7 7-7 7',
  loop: 'M17 3l3 3-3 3M20 6H8a4 4 0 0 0-4 4v1M7 21l-3-3 3-3M4 18h12a4 4 0 0 0 4-4v-1',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M4 12H2M22 12h-2M5 5l1.5 1.5M17.5 17.5L19 19M5 19l1.5-1.5M17.5 6.5L19 5',
  moon: 'M20 14.5A8 8 0 1 1 9.5 4 6.5 6.5 0 0 0 20 14.5z',
  keyboard: 'M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M7 14h10',
  warning: 'M12 3l10 18H2zM12 10v5M12 18h.01',
  link: 'M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1',
  camera: 'M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z',
  list: 'M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01',
  chart: 'M4 4v16h16M7 15l4-5 4 3 5-7',
  close: 'M6 6l12 12M18 6L6 18',
  filter: 'M3 5h18l-7 8v6l-4 2v-8z',
} as const;
export type IconName = keyof typeof ICONS;

export function icon(name: IconName): SVGElement {
  return svgElement('svg', { viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true' }, [
    svgElement('path', { d: ICONS[name] }),
  ]);
}

/** A button; with an icon alone, the label is its name for screen readers and its tooltip. */
export function button(
  label: string,
  onPress: () => void,
  options: {
    readonly icon?: IconName;
    readonly iconOnly?: boolean;
    readonly class?: string;
    readonly keys?: string;
  } = {},
): HTMLButtonElement {
  const title = options.keys === undefined ? label : `${label} (${options.keys})`;
  const made = element('button', {
    class: `button ${options.iconOnly ? 'button-icon' : ''} ${options.class ?? ''}`.trim(),
    title,
    attributes: { type: 'button', 'aria-label': options.iconOnly ? label : undefined },
    on: { click: onPress },
  });
  if (options.icon !== undefined) made.append(icon(options.icon));
  if (!options.iconOnly) made.append(element('span', { text: label }));
  return made;
}

/** Puts another icon into an icon button, and gives it another name. */
export function setButton(target: HTMLButtonElement, name: IconName, label: string, keys?: string): void {
  target.querySelector('svg')?.replaceWith(icon(name));
  target.setAttribute('aria-label', label);
  target.title = keys === undefined ? label : `${label} (${keys})`;
}
