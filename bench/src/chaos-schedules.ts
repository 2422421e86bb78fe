/**
 * pnpm chaos:schedules: schedulers are killed, frozen and stopped while schedules fire and are changed through REST. Afterwards
 * every tick has to have made its job, once, or to have a record of why it did not. The last line is one JSON object.
 */
import { runChaos } from './chaos/run-chaos.ts'
import { hasPassed } from './chaos/schedules/outcome.ts'
import { play } from './chaos/schedules/play.ts'
import { lastLine, report, saveProblems } from './chaos/schedules/report.ts'

await runChaos({ command: 'chaos:schedules', play, hasPassed, report, lastLine, saveProblems })
