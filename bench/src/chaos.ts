/**
 * pnpm chaos: real processes are killed, frozen and stopped while jobs are sent through REST. Afterwards every accepted job
 * has to have ended, once. The last line is one JSON object.
 */
import { hasPassed } from './chaos/outcome.ts'
import { play } from './chaos/play.ts'
import { lastLine, report, saveProblems } from './chaos/report.ts'
import { runChaos } from './chaos/run-chaos.ts'

await runChaos({ command: 'chaos', play, hasPassed, report, lastLine, saveProblems })
