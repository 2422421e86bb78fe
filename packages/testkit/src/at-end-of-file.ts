import { afterAll } from 'vitest'

const endings: (() => Promise<unknown>)[] = []

/** Has `end` run after the last test of the file, the latest first, whatever became of the tests. */
export function atEndOfFile(end: () => Promise<unknown>): void {
  endings.push(end)
}

/** Ends all that it was told of and that has not ended. */
export async function endAll(): Promise<void> {
  const errors: unknown[] = []
  for (const end of endings.splice(0).reverse()) await end().catch((error) => errors.push(error))
  if (errors.length > 0) throw new AggregateError(errors, 'what a test file started could not all be ended')
}

// At import, because Vitest takes hooks only while it collects a file: a test that is already running cannot add one.
afterAll(endAll)
