/**
 * Milliseconds, with a fraction, of a clock that never steps. It is the machine's, not the process's, so that times
 * taken in two processes can be subtracted.
 */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6
