// The worker thread of a recording: its own physics, its own network, one episode a job.

import { recordServer } from './record-server.js';
import { serveJobs } from './worker-pool.js';

await serveJobs(recordServer);
