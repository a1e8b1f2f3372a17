#!/usr/bin/env node
// The `nextgait` executable.

import { runProgram } from './program.js';

await runProgram(process.argv.slice(2));
