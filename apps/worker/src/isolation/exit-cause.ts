/** What is known of a process that ended. */
export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
  /** Whether V8 said that it found no more room in its heap. */
  ranOutOfMemory: boolean
  memoryMb: number
  /** The message of the error that ended it. */
  uncaught: string | undefined
}

/** Why a process ended, as it stands after "the process": in words for people. */
export function exitCause({ code, signal, ranOutOfMemory, memoryMb, uncaught }: Exit): string {
  if (ranOutOfMemory) return `ran out of memory (heap limit ${memoryMb} MB)`
  // Memory beside V8's heap, that of buffers, is limited by the system alone.
  if (signal === 'SIGKILL') return 'was killed by SIGKILL, as the system does when it runs out of memory'
  if (signal) return `was killed by ${signal}`
  if (uncaught !== undefined) return `exited with code ${code} after an error that nobody caught: ${uncaught}`
  return `exited with code ${code}`
}

/** How V8 says it, before it ends the process, on the standard error of the latter. */
export const saysOutOfMemory = (line: string): boolean => line.includes('JavaScript heap out of memory')
