// pnpm bench rest|drain|batch|latency|memory: runs one benchmark of bench/. Arguments after its name go to it.
import { join } from 'node:path'
import { runProgram } from './suite/run-program.ts'

const root = join(import.meta.dirname, '..')
const NAMES = ['rest', 'drain', 'batch', 'latency', 'memory']

const [name, ...args] = process.argv.slice(2)
if (name === undefined || !NAMES.includes(name)) {
  const got = name === undefined ? 'none' : JSON.stringify(name)
  console.error(`expected the name of a bench (${NAMES.join(', ')}), got ${got}`)
  process.exit(1)
}
// Whoever started us has gone: runProgram hands the signal on.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
const file = join(root, 'bench/src', `${name}.ts`)
process.exit(await runProgram(process.execPath, { args: ['--conditions=source', file, ...args], cwd: root }))
