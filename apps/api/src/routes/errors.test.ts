import { describe, expect, it } from 'vitest'
import { makeDeadLetters } from '../fixtures/dead-letters.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const api = await openTestApi()

const groups = async (query = '') => (await api.get(`/v1/errors${query}`)).body

describe('GET /v1/errors', () => {
  it('is empty while nothing went wrong', async () => {
    expect(await groups()).toEqual({ items: [], nextCursor: null, truncated: false })
  })

  it('shows each kind of failure once, the most frequent first, and how to find its jobs', async () => {
    const refused = await makeDeadLetters(api, 3, { kind: 'smtp', message: 'refused', fingerprint: 'smtp-1' })
    const lost = await makeDeadLetters(api, 2, { message: 'lost', fingerprint: 'error-1' })
    const { items, truncated } = await groups()
    expect(truncated).toBe(false)
    expect(items).toEqual([
      {
        fingerprint: 'smtp-1',
        type: 'demo.echo',
        name: 'Error',
        kind: 'smtp',
        message: 'refused',
        count: 3,
        firstSeenAt: expect.any(String),
        lastSeenAt: expect.any(String),
        sampleJobId: refused.jobs.at(-1)?.id,
        queues: ['demo'],
      },
      expect.objectContaining({ fingerprint: 'error-1', count: 2, sampleJobId: lost.jobs.at(-1)?.id }),
    ])
    expect(items[0].firstSeenAt <= items[0].lastSeenAt).toBe(true)
    const [{ fingerprint }] = items
    const job = (await api.get(`/v1/jobs/${items[0].sampleJobId}`)).job(200)
    expect(job.error).toMatchObject({ fingerprint, message: 'refused' })
    expect((await api.get(`/v1/jobs?fingerprint=${fingerprint}`)).body.items).toHaveLength(3)
  })

  it('filters as the list of dead letters does', async () => {
    const { label } = await makeDeadLetters(api, 1, { kind: 'http', fingerprint: 'http-1' })
    const found = async (query: string) => (await groups(query)).items.map((item: { count: number }) => item.count)
    expect(await found(`?label=${label}`)).toEqual([1])
    expect(await found('?errorKind=http&queue=demo&type=demo.echo')).toEqual([1])
    expect(await found('?fingerprint=http-1')).toEqual([1])
    expect(await found('?fingerprint=http-2')).toEqual([])
    expect(await found('?from=2090-01-01T00:00:00Z')).toEqual([])
  })

  it.each(['limit=5', 'cursor=x', 'colour=red', 'label=x', 'from=noon', `fingerprint=${'x'.repeat(97)}`])(
    'refuses %s',
    async (query) => {
      ;(await api.get(`/v1/errors?${query}`)).problem(400, 'validation_failed')
    },
  )

  it('does not know a queue that is none', async () => {
    ;(await api.get('/v1/errors?queue=nowhere')).problem(404, 'not_found')
  })
})
