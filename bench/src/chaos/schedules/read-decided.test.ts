import { describe, expect, it } from 'vitest'
import { joinMade } from './read-decided.ts'

const row = { id: 'a', scheduleId: 's', scheduledFor: '1970-01-01T00:00:05.000Z', createdAt: 5003 }
const made = { id: 'a', scheduleId: 's', scheduledFor: 5000, createdAt: 5003, begun: 1 }

describe('the jobs that ticks made', () => {
  it('are those of the history, with how often handlers began them', () => {
    expect(joinMade([row], 'a 1 s 5000\n')).toEqual([made])
    expect(joinMade([row], '')).toEqual([{ ...made, begun: 0 }])
  })

  it('were begun twice if a first attempt was, and not if another attempt followed', () => {
    expect(joinMade([row], 'a 1 s 5000\na 2 s 5000\n')).toEqual([made])
    expect(joinMade([row], 'a 1 s 5000\na 1 s 5000\n')).toEqual([{ ...made, begun: 2 }])
  })

  it('are also those that ran and are not in the history, but for a line that is not whole', () => {
    expect(joinMade([], 'a 1 s 5000\nb 1 s 60')).toEqual([{ ...made, createdAt: undefined }])
  })
})
