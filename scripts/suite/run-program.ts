import { spawn } from 'node:child_process'
import { constants } from 'node:os'

export interface ProgramOptions {
  args?: readonly string[]
  cwd: string
  env?: NodeJS.ProcessEnv
  /** Told its output, piece by piece. Default: it writes to our terminal itself. */
  onOutput?: (text: string) => void
}

/**
 * Runs a program to its end, and gives its exit code as a shell would. SIGINT and SIGTERM are handed on to it; our own
 * end follows from its end.
 */
export async function runProgram(program: string, options: ProgramOptions): Promise<number> {
  const { args = [], cwd, env = process.env, onOutput } = options
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: onOutput === undefined ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => onOutput?.(text))
  }
  const handOn = (signal: NodeJS.Signals): void => {
    // scripts/run.mjs would otherwise take the signal for one that reached only itself.
    if (process.connected) process.send?.(signal)
    child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.on(signal, handOn)
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]))
    })
  } finally {
    for (const signal of signals) process.off(signal, handOn)
  }
}
