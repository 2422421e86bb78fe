/** Calls `work` `times` times, `width` calls at a time, and resolves when all have ended. */
export async function inFlight(times: number, width: number, work: () => Promise<void>): Promise<void> {
  let left = times
  const lane = async (): Promise<void> => {
    while (left-- > 0) await work()
  }
  await Promise.all(Array.from({ length: width }, lane))
}
