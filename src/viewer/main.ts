// The browser app's entry: finds its data beside itself, over `nextgait view` or on a static host, and starts the shell.

/// <reference types="vite/client" />

import type { PageModule, PageName } from './page.js';
import { startShell } from './shell/shell.js';
import { createHttpSource } from './source/http-source.js';
import { createSessionSource } from './source/session-source.js';

// A page is part of the app by its file: `<page>/<page>-page.ts`.
const modules = import.meta.glob<PageModule>('./*/*-page.ts');

const loaders = Object.fromEntries(
  Object.entries(modules).map(([path, load]) => [path.split('/')[1] as PageName, load]),
);

const source = createSessionSource(createHttpSource(new URL('./', document.baseURI)));
await startShell(document.getElementById('app')!, source, loaders);
