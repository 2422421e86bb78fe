import type { AuditBegin } from '@foliot/jobs'
import { expect, it } from 'vitest'
import { Refusals } from './refusals.ts'

const actorOf = (id: string) => ({ id, name: id, tenant: null })

const FROM = { ip: '10.0.0.1', forwardedFor: null, userAgent: null, traceId: '' }

const leaveOut = (refusals: Refusals, key: string, ip = FROM.ip) =>
  refusals.leaveOut({ ...FROM, ip, actor: actorOf(key) } as AuditBegin, { status: 404, code: 'not_found' })

it('remembers no more than the last ten thousand keys', () => {
  const refusals = new Refusals(() => 0)
  for (let i = 0; i < 60; i++) expect(refusals.mayWrite(actorOf('first'))).toBe(true)
  expect(refusals.mayWrite(actorOf('first'))).toBe(false)
  for (let i = 0; i < 9_999; i++) refusals.mayWrite(actorOf(`k${i}`))
  expect(refusals.mayWrite(actorOf('first'))).toBe(false)
  for (let i = 0; i < 10_000; i++) refusals.mayWrite(actorOf(`l${i}`))
  expect(refusals.mayWrite(actorOf('first'))).toBe(true)
})

it('counts what could not be told together with what came since', () => {
  const refusals = new Refusals()
  for (let i = 0; i < 3; i++) leaveOut(refusals, 'k1')
  const untold = refusals.takeLeftOut()
  expect(refusals.takeLeftOut()).toEqual([])
  for (const key of ['k1', 'k2']) leaveOut(refusals, key, '10.0.0.2')
  refusals.giveBack(untold)
  expect(refusals.takeLeftOut()).toMatchObject([
    { actor: { id: 'k1' }, ip: '10.0.0.1', count: 4, since: untold[0]?.since },
    { actor: { id: 'k2' }, ip: '10.0.0.2', count: 1 },
  ])
})
