// A worker thread of an evaluation.

import { serveJobs } from '../base/worker-pool.js';
import { createTrialServer } from './trial-server.js';

await serveJobs(createTrialServer);
