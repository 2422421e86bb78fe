import { describe, expect, it } from 'vitest'
import { BODY_MAX_BYTES, PREVIEW_BYTES, previewBody } from './body-preview.ts'

async function* chunksOf(...chunks: (Buffer | string)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

describe('previewBody', () => {
  it('has the whole of a short body', async () => {
    expect(await previewBody(chunksOf('ab', 'cd'))).toEqual({ bodyPreview: 'abcd', bodyBytes: 4, bodyCut: false })
    expect(await previewBody(chunksOf())).toEqual({ bodyPreview: '', bodyBytes: 0, bodyCut: false })
  })

  it('keeps the first 4 KiB of a long body and counts the rest', async () => {
    const { bodyPreview, bodyBytes, bodyCut } = await previewBody(chunksOf('a'.repeat(4000), 'b'.repeat(4000), 'c'))
    expect(bodyPreview).toBe('a'.repeat(4000) + 'b'.repeat(PREVIEW_BYTES - 4000))
    expect({ bodyBytes, bodyCut }).toEqual({ bodyBytes: 8001, bodyCut: false })
  })

  it('ends a preview with a whole character, also if chunks part one', async () => {
    const bytes = Buffer.from('€'.repeat(2000))
    const { bodyPreview } = await previewBody(chunksOf(bytes.subarray(0, 4), bytes.subarray(4)))
    expect(bodyPreview).toBe('€'.repeat(1365))
    expect((await previewBody(chunksOf(Buffer.from('€').subarray(0, 2)))).bodyPreview).toBe('\uFFFD')
  })

  it.each([
    ['text/plain; charset=iso-8859-1', Buffer.from([0xfc]), 'ü'],
    ['text/html; charset="UTF-16LE"', Buffer.from('ü', 'utf16le'), 'ü'],
    ['text/plain; charset=klingon', Buffer.from('ü'), 'ü'],
    ['text/plain', Buffer.from('ü'), 'ü'],
  ])('decodes %s', async (contentType, bytes, text) => {
    expect((await previewBody(chunksOf(bytes), contentType)).bodyPreview).toBe(text)
  })

  it('stops after 10 MiB and leaves the rest unread', async () => {
    const MIB = Buffer.alloc(1024 * 1024, 'x')
    let given = 0
    let left = false
    async function* endless() {
      try {
        for (; given < 100; given++) yield MIB
      } finally {
        left = true
      }
    }
    expect(await previewBody(endless())).toMatchObject({ bodyBytes: BODY_MAX_BYTES, bodyCut: true })
    expect({ given, left }).toEqual({ given: 10, left: true })
    const exact = await previewBody(chunksOf(...Array.from({ length: 10 }, () => MIB)))
    expect(exact).toMatchObject({ bodyBytes: BODY_MAX_BYTES, bodyCut: false })
  })
})
