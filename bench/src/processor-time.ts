import { readFile } from 'node:fs/promises'
import type { Redis } from 'ioredis'

/** What Linux counts in, whatever the machine: 1/100 s. */
const TICK_US = 10_000

/** The processor time that a process has used so far, in microseconds. NaN where there is no /proc. */
async function processorUs(pid: number): Promise<number> {
  if (process.platform !== 'linux') return Number.NaN
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name of the program, in brackets, may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_US
}

/** The same of Redis, as it says itself. */
export async function redisUs(redis: Redis): Promise<number> {
  const info = await redis.info('cpu')
  const seconds = (name: string): number => Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1])
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6
}

/** What the two who share the work have used between two moments, in microseconds. */
export interface Used {
  nodeUs: number
  redisUs: number
}

/** Starts counting. The function that it gives tells what was used since. */
export async function countProcessorTime(pid: number, redis: Redis): Promise<() => Promise<Used>> {
  const now = async () => ({ nodeUs: await processorUs(pid), redisUs: await redisUs(redis) })
  const before = await now()
  return async () => {
    const after = await now()
    return { nodeUs: after.nodeUs - before.nodeUs, redisUs: after.redisUs - before.redisUs }
  }
}
