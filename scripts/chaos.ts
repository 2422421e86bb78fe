// pnpm chaos [--minutes N] [--seed S]: kills processes while jobs run, and accounts for every job. See bench/src/chaos.ts.
import { join } from 'node:path'
import { runProgram } from './suite/run-program.ts'

const root = join(import.meta.dirname, '..')
const file = join(root, 'bench/src/chaos.ts')

// Whoever started us has gone: runProgram hands the signal on.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.exit(
  await runProgram(process.execPath, { args: ['--conditions=source', file, ...process.argv.slice(2)], cwd: root }),
)
