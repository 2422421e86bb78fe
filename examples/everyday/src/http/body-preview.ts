import { TextDecoder } from 'node:util'

export const PREVIEW_BYTES = 4 * 1024
export const BODY_MAX_BYTES = 10 * 1024 * 1024

export interface BodyPreview {
  /** The first 4 KiB as text, up to the last whole character. */
  bodyPreview: string
  /** How many bytes were read. */
  bodyBytes: number
  /** There was more than 10 MiB; the rest was left unread. */
  bodyCut: boolean
}

/** Reads a body to its end and keeps its beginning. `contentType` says how its text is encoded; else it is UTF-8. */
export async function previewBody(body: AsyncIterable<Buffer>, contentType = ''): Promise<BodyPreview> {
  const head: Buffer[] = []
  let bodyBytes = 0
  for await (const chunk of body) {
    if (bodyBytes < PREVIEW_BYTES) head.push(chunk.subarray(0, PREVIEW_BYTES - bodyBytes))
    bodyBytes += chunk.length
    if (bodyBytes > BODY_MAX_BYTES) break
  }
  // A decoder that expects more does not turn the half of a character into U+FFFD.
  const bodyPreview = decoderFor(contentType).decode(Buffer.concat(head), { stream: bodyBytes > PREVIEW_BYTES })
  return { bodyPreview, bodyBytes: Math.min(bodyBytes, BODY_MAX_BYTES), bodyCut: bodyBytes > BODY_MAX_BYTES }
}

function decoderFor(contentType: string): TextDecoder {
  const [, charset = 'utf-8'] = /;\s*charset="?([^";\s]+)/i.exec(contentType) ?? []
  try {
    return new TextDecoder(charset)
  } catch {
    // A charset that nobody knows: most of what is sent is readable as UTF-8 all the same.
    return new TextDecoder()
  }
}
