import { describe, expect, it } from 'vitest'
import { seededRandom } from './random.ts'
import { chaosRequests } from './requests.ts'

function requests(seed: number, count: number) {
  const all = chaosRequests({ random: seededRandom(seed, 'requests'), seed, sink: 'http://127.0.0.1:1' })
  return Array.from({ length: count }, () => all.next().value)
}

describe('the requests of a run', () => {
  it('follow from the seed', () => {
    expect(requests(7, 100)).toEqual(requests(7, 100))
    expect(requests(7, 100)).not.toEqual(requests(8, 100))
  })

  it('have an idempotency key each, and a label by which their job is known', () => {
    const all = requests(7, 1000)
    expect(new Set(all.map(({ body }) => body.idempotencyKey)).size).toBe(1000)
    expect(all.map(({ body }) => Number(body.labels.request))).toEqual(all.map(({ n }) => n))
  })

  it('are of every kind within a minute', () => {
    const kinds = new Set(requests(1, 3000).map(({ kind }) => kind))
    expect(kinds.size).toBe(16)
  })

  it('tell the effects of one request from those of another', () => {
    for (const { n, body } of requests(1, 1000).filter(({ kind }) => kind === 'has effects')) {
      expect(body.input).toMatchObject({ request: n, sink: 'http://127.0.0.1:1' })
    }
  })
})
