/** What the history cannot keep, whatever is done, and why. */
export interface Refused<T> {
  item: T
  reason: string
}

/**
 * Writes all of them at once, or if something in them is to blame that they cannot be written, all others.
 *
 * @param write in one transaction; to do so twice changes nothing.
 * @throws what `write` throws if it is nothing that is to be written.
 */
export async function writeOrRefuse<T>(
  items: readonly T[],
  write: (items: readonly T[]) => Promise<void>,
): Promise<Refused<T>[]> {
  if (items.length === 0) return []
  try {
    await write(items)
    return []
  } catch (error) {
    if (!isOfTheData(error)) throw error
    if (items.length === 1) return [{ item: items[0] as T, reason: (error as Error).message }]
  }
  // Halves what cannot be written until the one is found that is to blame.
  const middle = Math.ceil(items.length / 2)
  return [...(await writeOrRefuse(items.slice(0, middle), write)), ...(await writeOrRefuse(items.slice(middle), write))]
}

/** Whether it is what was to be written that is wrong: PostgreSQL's classes 22, 23 and 54, or our own reading of it. */
function isOfTheData(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return (
    error instanceof TypeError ||
    error instanceof RangeError ||
    (typeof code === 'string' && /^(?:22|23|54)/.test(code))
  )
}
