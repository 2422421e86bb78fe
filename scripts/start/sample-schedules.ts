import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** One that is seen firing at once, and one as people write them. */
const SAMPLES = {
  'sample-every-10-seconds': { type: 'demo.echo', input: { from: 'a schedule' }, everyMs: 10_000 },
  'sample-weekday-mornings': {
    type: 'demo.echo',
    input: { good: 'morning' },
    cron: '0 9 * * MON-FRI',
    timezone: 'Europe/Berlin',
    overlap: 'queue_one',
  },
}

/** The first start has to make the tables meanwhile. */
const PATIENCE_MS = 20_000

/**
 * Makes two schedules, once in the life of a data folder: whoever deletes them has them no more.
 *
 * @returns what to tell of them: undefined if they were made before, or the start was given up.
 */
export async function makeSampleSchedules(
  apiUrl: string,
  dataDir: string,
  ending: AbortSignal,
): Promise<string | undefined> {
  const note = join(dataDir, 'sample-schedules')
  if (existsSync(note)) return undefined
  for (const [id, schedule] of Object.entries(SAMPLES)) {
    const problem = await put(new URL(`/v1/schedules/${id}`, apiUrl), schedule, ending)
    if (ending.aborted) return undefined
    if (problem !== undefined) return `The sample schedules could not be made: ${problem}`
  }
  await writeFile(note, 'They were made once. Without this file they are made again.\n')
  return [
    'Two sample schedules were made; one fires every 10 seconds. See what they do, and be rid of them:',
    '',
    `  curl -s ${new URL('/v1/schedules', apiUrl)}`,
    `  curl -s '${new URL('/v1/jobs', apiUrl)}?scheduleId=sample-every-10-seconds'`,
    `  curl -s -X DELETE ${new URL('/v1/schedules/sample-every-10-seconds', apiUrl)}`,
    '',
  ].join('\n')
}

/** @returns what went wrong */
async function put(url: URL, schedule: object, ending: AbortSignal): Promise<string | undefined> {
  const headers = { 'content-type': 'application/json' }
  const until = Date.now() + PATIENCE_MS
  for (;;) {
    try {
      const response = await fetch(url, { method: 'PUT', headers, body: JSON.stringify(schedule), signal: ending })
      if (response.ok) return undefined
      const text = await response.text()
      if (response.status !== 503 || Date.now() > until) return text
    } catch (error) {
      if (ending.aborted || Date.now() > until) return (error as Error).message
    }
    await sleep(500, undefined, { signal: ending }).catch(() => undefined)
  }
}
