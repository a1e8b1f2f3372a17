// The worker thread that cuts the batches of a training.

import { serveJobs } from '../base/worker-pool.js';
import { batchServer } from './batch-server.js';

await serveJobs(batchServer);
