// pnpm bench rest|drain|batch|latency|memory|cancel|redrive|outage|idle|history|schedules: runs one benchmark of bench/. Arguments after its name go to it.
// pnpm bench all: one after the other, and as the last line how many of them ran to their end.
import { join } from 'node:path'
import { lastLine } from './suite/last-line.ts'
import { runProgram } from './suite/run-program.ts'

const root = join(import.meta.dirname, '..')
const NAMES = [
  'rest',
  'drain',
  'batch',
  'latency',
  'memory',
  'cancel',
  'redrive',
  'outage',
  'idle',
  'history',
  'schedules',
]

const [name, ...args] = process.argv.slice(2)
if (name === undefined || ![...NAMES, 'all'].includes(name)) {
  const got = name === undefined ? 'none' : JSON.stringify(name)
  console.error(`expected the name of a bench (${NAMES.join(', ')}, or all), got ${got}`)
  process.exit(1)
}
// Whoever started us has gone: runProgram hands the signal on.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.exit(name === 'all' ? await runAll() : await runBench(name))

function runBench(bench: string): Promise<number> {
  const file = join(root, 'bench/src', `${bench}.ts`)
  return runProgram(process.execPath, { args: ['--conditions=source', file, ...args], cwd: root })
}

async function runAll(): Promise<number> {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const bench of NAMES) counts[(await runBench(bench)) === 0 ? 'passed' : 'failed']++
  console.log(`\n${lastLine(counts)}`)
  return counts.failed === 0 ? 0 : 1
}
