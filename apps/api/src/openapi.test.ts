import { createConfig, lintFromString } from '@redocly/openapi-core'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import type { OpenApi } from './fixtures/contract.ts'
import { openTestApi } from './fixtures/test-api.ts'

const api = await openTestApi()
const document = (await api.get('/openapi.json')).body as OpenApi
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, ...operation })),
)

describe('the OpenAPI document', () => {
  it('passes the recommended rules of a public linter', async () => {
    const config = await createConfig({ extends: ['recommended'] })
    const problems = await lintFromString({ source: JSON.stringify(document), config })
    // Liveness and readiness take nothing that could be wrong with a request.
    const excused = /^#\/paths\/~1(healthz|readyz)\/get\/responses$/
    const told = problems.map(({ ruleId, location, message }) => ({ ruleId, at: location[0]?.pointer ?? '', message }))
    expect(told.filter(({ ruleId, at }) => !(ruleId === 'operation-4xx-response' && excused.test(at)))).toEqual([])
  })

  it('is OpenAPI 3.1 and tells of every call of this api', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Foliot' } })
    expect(operations.map(({ name }) => name).toSorted()).toEqual([
      'DELETE /v1/api-keys/{id}',
      'DELETE /v1/calendars/{name}',
      'DELETE /v1/jobs/{id}',
      'DELETE /v1/schedules/{id}',
      'DELETE /v1/tenants/{name}',
      'GET /healthz',
      'GET /metrics',
      'GET /openapi.json',
      'GET /readyz',
      'GET /v1/api-keys',
      'GET /v1/api-keys/{id}',
      'GET /v1/audit',
      'GET /v1/calendars',
      'GET /v1/calendars/{name}',
      'GET /v1/dead-letters',
      'GET /v1/errors',
      'GET /v1/events',
      'GET /v1/job-types',
      'GET /v1/jobs',
      'GET /v1/jobs/{id}',
      'GET /v1/jobs/{id}/logs',
      'GET /v1/jobs/{id}/wait',
      'GET /v1/operations/{id}',
      'GET /v1/queues',
      'GET /v1/queues/{name}',
      'GET /v1/schedules',
      'GET /v1/schedules/{id}',
      'GET /v1/schedules/{id}/ticks',
      'GET /v1/tenants',
      'GET /v1/tenants/{name}',
      'GET /v1/watch',
      'GET /v1/workers',
      'PATCH /v1/queues/{name}',
      'POST /v1/api-keys',
      'POST /v1/api-keys/{id}/rotate',
      'POST /v1/calendars',
      'POST /v1/dead-letters/discard',
      'POST /v1/dead-letters/redrive',
      'POST /v1/jobs',
      'POST /v1/jobs/batch',
      'POST /v1/jobs/delete',
      'POST /v1/jobs/{id}/cancel',
      'POST /v1/jobs/{id}/promote',
      'POST /v1/jobs/{id}/retry',
      'POST /v1/operations/{id}/pause',
      'POST /v1/operations/{id}/resume',
      'POST /v1/queues/{name}/pause',
      'POST /v1/queues/{name}/resume',
      'POST /v1/schedules',
      'POST /v1/schedules/pause',
      'POST /v1/schedules/preview',
      'POST /v1/schedules/resume',
      'POST /v1/schedules/{id}/backfill',
      'POST /v1/schedules/{id}/pause',
      'POST /v1/schedules/{id}/resume',
      'POST /v1/schedules/{id}/trigger',
      'PUT /v1/calendars/{name}',
      'PUT /v1/schedules/{id}',
      'PUT /v1/tenants/{name}',
    ])
  })

  it('gives each call a name of its own, and its answers a meaning', () => {
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    const described = operations.flatMap(({ responses }) => Object.values(responses)) as { description?: string }[]
    expect(described.filter(({ description = 'Default Response' }) => description === 'Default Response')).toEqual([])
  })

  it('says of a request to enqueue what the api says of it', async () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    const validate = ajv.addSchema(document, 'api').compile({ $ref: 'api#/components/schemas/JobRequestInput' })
    const job = { type: 'demo.echo', input: 1 }
    const requests: unknown[] = [
      job,
      { type: 'demo.echo', input: null },
      { ...job, labels: { a: '😀'.repeat(256) }, priority: 2_097_151, attempts: 1000, delayMs: 0, timeoutMs: 1 },
      { type: 'demo.echo' },
      { input: 1 },
      { ...job, colour: 'red' },
      { ...job, priority: -1 },
      { ...job, priority: 1.5 },
      { ...job, attempts: 0 },
      { ...job, delayMs: '1' },
      { ...job, labels: { a: 1 } },
      { ...job, labels: { a: 'x\u0000' } },
      { ...job, labels: { ['k'.repeat(64)]: '' } },
      { ...job, labels: [] },
      { ...job, idempotencyKey: '' },
      { ...job, dedupe: { key: 'a', ttlMs: 1 } },
      { ...job, dedupe: 'a' },
      { ...job, dedupe: { key: '' } },
      { ...job, dedupe: { key: 'b', ttlMs: 0 } },
      { ...job, dedupe: { key: 'c', colour: 'red' } },
      { ...job, durability: 'paper' },
      [],
    ]
    for (const request of requests) {
      const { status } = await api.post('/v1/jobs', request)
      expect([request, validate(request)]).toEqual([request, status === 202])
    }
  })
})
