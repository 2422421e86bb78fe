import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { HEAP_ARGUMENTS } from '@foliot/local-services'
import type { Child } from './keep-running.ts'

export interface AppOptions {
  /** Its main file, as an absolute path. */
  entry: string
  env: NodeJS.ProcessEnv
  /** Told each line that it writes. */
  onLine: (text: string) => void
}

/**
 * Starts an app as a child that only we signal.
 *
 * The contract with an app that is started with FOLIOT_SUPERVISED=1: its standard input is a pipe to which nothing is
 * ever written, and when that ends, the app stops as on SIGTERM. So it goes when we go, even if we are killed.
 */
export function startApp({ entry, env, onLine }: AppOptions): Child {
  const child = spawn(process.execPath, ['--conditions=source', ...HEAP_ARGUMENTS, entry], {
    env: { ...env, FOLIOT_SUPERVISED: '1' },
    // A group of its own: Ctrl-C reaches the whole group of the terminal, and the apps have to go in order.
    detached: true,
    stdio: 'pipe',
  })
  // A write to it can only fail by its death, which `exited` tells.
  child.stdin.on('error', () => undefined)
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine)
  const exited: Child['exited'] = new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, how: error.message }))
    child.once('exit', (code, signal) => resolve({ code, how: signal ?? `code ${code}` }))
  })
  return { exited, signal: (signal) => void child.kill(signal) }
}
