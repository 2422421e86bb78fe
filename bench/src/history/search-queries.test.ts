import { describe, expect, it } from 'vitest'
import { seededRandom } from '../chaos/random.ts'
import { Archive } from './archive.ts'
import { searchQueries, toQueryString } from './search-queries.ts'

const archive = new Archive({ seed: 7, first: 0, jobs: 1000, from: 0, to: 1_000_000 })
const queries = searchQueries(archive, seededRandom(7, 'questions'))

describe('the questions of the bench', () => {
  it('are each filter alone, six pairs and some that fit little', () => {
    const countOf = (group: string): number => queries.filter((query) => query.group === group).length
    expect(countOf('one filter')).toBeGreaterThan(10)
    expect(countOf('a pair')).toBe(6)
    expect(countOf('rare')).toBeGreaterThan(4)
  })

  it('are all known to the api, but for the tenant', () => {
    const unknown = queries.filter((query) => toQueryString(query.filter(), 50) === undefined)
    expect(unknown.map(({ name }) => name)).toEqual(['tenant'])
  })
})

describe('a filter as a query string', () => {
  it('says the same', () => {
    const filter = {
      statuses: ['failed', 'timed_out'],
      labels: [{ key: 'region', value: 'eu-west' }],
      from: 0,
      input: [{ path: ['address', 'city'], value: 'Århus' }],
    } as const
    expect(Object.fromEntries(new URLSearchParams(toQueryString(filter, 50)))).toEqual({
      limit: '50',
      status: 'failed,timed_out',
      label: 'region:eu-west',
      from: '1970-01-01T00:00:00.000Z',
      'input.address.city': 'Århus',
    })
  })

  it('is none where the api has no such filter', () => {
    expect(toQueryString({ tenant: 'acme' }, 50)).toBeUndefined()
    expect(toQueryString({ queues: ['mail', 'data'] }, 50)).toBeUndefined()
  })
})
