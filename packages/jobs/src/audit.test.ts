import { expect, it } from 'vitest'
import { type AuditBegin, type AuditEnd, auditOutcomeOf, toAuditEntry } from './audit.ts'

const begin: AuditBegin = {
  id: '0198c0de-0000-7000-8000-000000000000',
  actor: { id: 'k1', name: 'ops', tenant: null },
  ip: '127.0.0.1',
  forwardedFor: null,
  userAgent: null,
  action: 'api_key.create',
  target: { kind: 'api_key', id: null, tenant: null },
  asked: { name: 'new' },
  reason: null,
  traceId: '0af7651916cd43dd8448eb211c80319c',
}

it.each([
  [null, 'unknown'],
  [200, 'ok'],
  [204, 'ok'],
  [303, 'ok'],
  [400, 'refused'],
  [409, 'refused'],
  [499, 'refused'],
  [500, 'failed'],
  [503, 'failed'],
])('the outcome of an answer with the status %s is %s', (status, outcome) => {
  expect(auditOutcomeOf(status)).toBe(outcome)
})

it('an entry has the target as it was known at last, and nothing of an outcome that there is not', () => {
  const target = { kind: 'api_key', id: 'k2', tenant: 'acme' }
  const end: AuditEnd = { status: 201, code: null, target, before: null, after: { name: 'new' }, endedAt: 'later' }
  const at = '2026-01-01T00:00:00.000Z'
  const nothing = { before: null, after: null, status: null, code: null, endedAt: null }
  expect(toAuditEntry(begin, Date.parse(at), undefined)).toEqual({ ...begin, at, outcome: 'unknown', ...nothing })
  expect(toAuditEntry(begin, Date.parse(at), end)).toEqual({ ...begin, at, outcome: 'ok', ...end })
})
