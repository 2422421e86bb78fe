import type { JobContext } from '@foliot/jobs'

export interface TestContext {
  readonly ctx: JobContext
  /** What was logged, whatever its level. */
  readonly lines: string[]
  readonly progress: unknown[]
}

export interface TestContextOptions {
  /** Default: one that never aborts. */
  signal?: AbortSignal
  /** Called with each progress value. */
  onProgress?: (value: unknown) => void
}

/** A context without a queue behind it, and what was told to it. For tests. */
export function testContext({ signal, onProgress }: TestContextOptions = {}): TestContext {
  const lines: string[] = []
  const progress: unknown[] = []
  const write = (message: string): void => {
    lines.push(message)
  }
  const ctx: JobContext = {
    jobId: '01970000-0000-7000-8000-000000000000',
    type: 'test.any',
    queue: 'default',
    tenant: 'default',
    labels: {},
    attempt: 1,
    maxAttempts: 3,
    scheduledFor: new Date(0),
    signal: signal ?? new AbortController().signal,
    log: { debug: write, info: write, warn: write, error: write },
    async progress(value) {
      progress.push(value)
      onProgress?.(value)
    },
    step: async (_, fn) => fn(),
  }
  return { ctx, lines, progress }
}
