// The worker thread of a recording: its own physics, its own network, one episode a job.

import { serveJobs } from '../base/worker-pool.js';
import { recordServer } from './record-server.js';

await serveJobs(recordServer);
