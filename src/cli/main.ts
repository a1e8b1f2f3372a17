#!/usr/bin/env node
// The `nextgait` executable.

import { createProgram } from './program.js';

await createProgram().parseAsync();
