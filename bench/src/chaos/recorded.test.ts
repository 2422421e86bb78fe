import type { Job } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import type { JobRecord } from './ledger.ts'
import { problemsOfHistory } from './recorded.ts'

const records = [{ id: 'a', job: { status: 'succeeded', attempt: 2 } as Job }] as JobRecord[]
const row = { id: 'a', status: 'succeeded', attempt: 2 } as const
const kindsOf = (rows: Parameters<typeof problemsOfHistory>[1]) =>
  problemsOfHistory(records, rows).map(({ kind }) => kind)

describe('problemsOfHistory', () => {
  it('finds none with a job that is there once, as it ended, whatever else is there', () => {
    expect(kindsOf([row, { ...row, id: 'b' }])).toEqual([])
  })

  it('finds a job that is missing, that is there twice, and that is there as it was before', () => {
    expect(kindsOf([])).toEqual(['unrecorded'])
    expect(kindsOf([row, row])).toEqual(['doubled'])
    expect(kindsOf([{ ...row, status: 'failed' }])).toEqual(['wrong'])
    expect(kindsOf([{ ...row, attempt: 1 }])).toEqual(['wrong'])
  })
})
