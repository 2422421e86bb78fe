// pnpm chaos:schedules [--minutes N] [--seed S]: kills schedulers while schedules fire, and accounts for every tick. See
// bench/src/chaos-schedules.ts.
import { join } from 'node:path'
import { runProgram } from './suite/run-program.ts'

const root = join(import.meta.dirname, '..')
const file = join(root, 'bench/src/chaos-schedules.ts')

// Whoever started us has gone: runProgram hands the signal on.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.exit(
  await runProgram(process.execPath, { args: ['--conditions=source', file, ...process.argv.slice(2)], cwd: root }),
)
