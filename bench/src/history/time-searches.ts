import { type Database, searchJobs } from '@foliot/history'
import { type ApiAt, askApi } from '../ask-api.ts'
import { percentile } from '../statistics.ts'
import { type SearchQuery, toQueryString } from './search-queries.ts'

/** Times of one sort of question, in milliseconds. */
export interface Times {
  p50Ms: number
  p95Ms: number
}

export interface SearchTimes {
  name: string
  group: SearchQuery['group']
  /** By `searchJobs` alone. */
  direct: Times
  /** Through the api. Undefined where it has no such filter. */
  rest: Times | undefined
  /** How many jobs were on a page, on average. */
  found: number
}

/** Where questions are asked. */
export interface Target {
  api: ApiAt
  db: Database
  signal: AbortSignal
}

const PAGE = 50
/** Questions of each sort that only warm up. */
const WARM_UP = 3

/** Asks one question after another, each both ways. @throws Error if an answer is not what it has to be. */
export async function timeSearches(queries: readonly SearchQuery[], target: Target, times: number) {
  const all: SearchTimes[] = []
  for (const query of queries) all.push(await timeSearch(query, target, times))
  return all
}

async function timeSearch(query: SearchQuery, { api, db, signal }: Target, times: number): Promise<SearchTimes> {
  const { name, group, fits } = query
  const filters = Array.from({ length: WARM_UP + times }, () => query.filter())
  let found = 0
  let asked = 0
  const direct = await timeEach(filters, async (filter) => {
    signal.throwIfAborted()
    const { jobs } = await searchJobs(db, filter, PAGE)
    found += jobs.length
    asked++
    expectFits(name, fits, jobs.length)
  })
  // Undefined for all of its sort, or for none.
  const asksApi = filters.every((filter) => toQueryString(filter, PAGE) !== undefined)
  const rest = asksApi
    ? await timeEach(filters, async (filter) => {
        signal.throwIfAborted()
        const path = `/v1/jobs?${toQueryString(filter, PAGE)}`
        const { items } = await askApi<{ items: unknown[] }>(api, 'GET', path)
        expectFits(name, fits, items.length)
      })
    : undefined
  return { name, group, direct, rest, found: found / asked }
}

function expectFits(name: string, fits: number | undefined, found: number): void {
  if (fits === undefined || fits === found) return
  throw new Error(`expected ${fits} jobs for "${name}", got ${found}`)
}

/** One sort of question is asked for no longer, once there are some times. */
const LONG_ENOUGH_MS = 1500
const LEAST = 10

/** Does the same with each; the first few only warm up. What takes long is not done with all. */
export async function timeEach<T>(all: readonly T[], ask: (one: T) => Promise<void>): Promise<Times> {
  const times: number[] = []
  const startedAt = performance.now()
  for (const [i, one] of all.entries()) {
    if (i >= WARM_UP + LEAST && performance.now() - startedAt > LONG_ENOUGH_MS) break
    const askedAt = performance.now()
    await ask(one)
    times.push(performance.now() - askedAt)
  }
  const measured = times.slice(WARM_UP)
  return { p50Ms: percentile(measured, 50), p95Ms: percentile(measured, 95) }
}
