// npm run worker: one more worker beside what `npm start` runs here, or on FOLIOT_REDIS_URL, until Ctrl-C.

import { runOneMoreWorker } from './start/one-more-worker.ts'
import { runCommand } from './start/run-command.ts'

await runCommand('npm run worker', ({ entries, ...options }) => runOneMoreWorker({ ...options, entry: entries.worker }))
