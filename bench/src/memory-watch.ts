import { readFile } from 'node:fs/promises'
import type { Running } from './process.ts'
import { median } from './statistics.ts'

export const MB = 1024 * 1024
const KIB = 1024
const LOOK_EVERY_MS = 250

/** What is known of a process's resident memory, in MB. */
export interface Memory {
  /** When it was first looked at. */
  firstMb: number
  maxMb: number
  /** How much more it took at the end of the time watched than in the middle of it. */
  growthMb: number
}

/** Watches the resident memory of a process from now on. The function that it gives ends that, and tells. */
export function watchMemory({ pid, exited }: Running): () => Memory {
  const samples: number[] = []
  const timer = setInterval(() => void look(), LOOK_EVERY_MS)
  const look = async (): Promise<void> => {
    const bytes = await residentBytes(pid)
    if (bytes !== undefined) samples.push(bytes / MB)
  }
  void look()
  void exited.then(() => clearInterval(timer))
  return () => {
    clearInterval(timer)
    const [firstMb = Number.NaN] = samples
    return { firstMb, maxMb: Math.max(...samples), growthMb: growthOverLastHalf(samples) }
  }
}

/**
 * The median of the last fifth of the last half, less that of its first fifth: a single garbage collection moves neither,
 * a leak moves both apart.
 */
export function growthOverLastHalf(samples: readonly number[]): number {
  const half = samples.slice(Math.floor(samples.length / 2))
  const fifth = Math.max(1, Math.floor(half.length / 5))
  return median(half.slice(-fifth)) - median(half.slice(0, fifth))
}

/** Undefined for a process that has ended. */
async function residentBytes(pid: number): Promise<number | undefined> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    const kib = /^VmRSS:\s+(\d+)/m.exec(status)?.[1]
    return kib === undefined ? undefined : Number(kib) * KIB
  } catch (error) {
    // Gone before, or while it was read.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
