import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isDeadLetter, isTerminal, type JobStatus, MOVES, STATUSES } from './states.ts'

const page = readFileSync(new URL('../../../docs/job-states.md', import.meta.url), 'utf8')

/** The moves in the page's table, as `from → to: event`. */
const tabled = [...page.matchAll(/^\| `(\w+)` +\| `(\w+)` +\| `(\w+)`.*\|$/gm)].map(([, from, to, event]) => [
  from,
  to,
  event,
])

/** The arrows in the page's diagram, but for those that begin a life or end it. */
const drawn = [...page.matchAll(/^ +(\w+) --> (\w+)/gm)].map(([, from, to]) => `${from} → ${to}`)

const moves = Object.entries(MOVES).flatMap(([from, tos]) =>
  Object.entries(tos).map(([to, event]) => [from, to, event]),
)

describe('docs/job-states.md', () => {
  it('has each legal move in its table, with its event, and no other', () => {
    expect(tabled.sort()).toEqual(moves.sort())
  })

  it('draws each legal move, and no other', () => {
    expect(drawn.sort()).toEqual(moves.map(([from, to]) => `${from} → ${to}`).sort())
  })

  it('says what each status means', () => {
    const explained = [...page.matchAll(/^\| `(\w+)` +\| [^`|]+\|$/gm)].map(([, status]) => status)
    expect(explained).toEqual([...STATUSES])
  })
})

describe('a status', () => {
  it('is terminal if nothing but a redrive leads on from it', () => {
    for (const status of STATUSES) {
      const redriven = Object.values(MOVES[status]).every((event) => event === 'redriven')
      expect([status, isTerminal(status)]).toEqual([status, redriven])
    }
  })

  it('is that of a dead letter if it can be redriven', () => {
    for (const status of STATUSES) {
      expect([status, isDeadLetter(status)]).toEqual([status, 'queued' in MOVES[status] && isTerminal(status)])
    }
  })

  it('can be reached from the first, and leads to an end', () => {
    const reach = (from: JobStatus, seen: Set<JobStatus> = new Set()): Set<JobStatus> => {
      for (const to of Object.keys(MOVES[from]) as JobStatus[]) {
        if (!seen.has(to)) reach(to, seen.add(to))
      }
      return seen
    }
    expect([...reach('scheduled')].sort()).toEqual([...STATUSES].sort())
    for (const status of STATUSES) expect(isTerminal(status) || [...reach(status)].some(isTerminal)).toBe(true)
  })
})
