import { expect, it } from 'vitest'
import { exitCause } from './exit-cause.ts'

const usual = { code: null, signal: null, ranOutOfMemory: false, memoryMb: 512, uncaught: undefined }

it.each([
  [{ code: 0 }, 'exited with code 0'],
  [{ code: 7 }, 'exited with code 7'],
  [{ code: 1, uncaught: 'no such thing' }, 'exited with code 1 after an error that nobody caught: no such thing'],
  [{ signal: 'SIGSEGV' }, 'was killed by SIGSEGV'],
  [{ signal: 'SIGABRT' }, 'was killed by SIGABRT'],
  [{ signal: 'SIGABRT', ranOutOfMemory: true }, 'ran out of memory (heap limit 512 MB)'],
  [{ signal: 'SIGKILL' }, 'was killed by SIGKILL, as the system does when it runs out of memory'],
] as const)('says of %o that the process %s', (exit, cause) => {
  expect(exitCause({ ...usual, ...exit })).toBe(cause)
})
