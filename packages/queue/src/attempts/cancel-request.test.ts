import { describe, expect, it } from 'vitest'
import { parseCancelRequest } from './cancel-request.ts'

describe('parseCancelRequest', () => {
  it('reads what was written', () => {
    const request = { by: 'ops', reason: 'wrong input', at: 1 }
    expect(parseCancelRequest(JSON.stringify(request))).toEqual(request)
  })

  it.each([undefined, '', '{', 'null', '{}', '{"by":1,"reason":"r","at":1}'])('takes %s for none', (text) => {
    expect(parseCancelRequest(text)).toBeUndefined()
  })
})
