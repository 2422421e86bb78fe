import { createHash } from 'node:crypto'
import type { JobFailure } from '@foliot/jobs'

/** How much of a message tells errors apart, once what varies is out of it. */
const MESSAGE_LENGTH = 500
const FRAMES = 3

/** What is different each time the same thing goes wrong. The order matters: quoted text may hold anything. */
const VARIABLE = [
  // Text in quotes. An apostrophe within a word is none.
  /"[^"\n]*"|`[^`\n]*`|“[^“”\n]*”|(?<!\w)'[^'\n]*'(?!\w)/g,
  // UUIDs
  /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi,
  // Hexadecimal numbers, digests, object ids
  /\b0x[0-9a-f]+\b|\b(?=[a-f]*\d)[0-9a-f]{8,}\b/gi,
  // Other ids: long words with a digit in them
  /\b(?=[a-z_]*\d)\w{12,}\b/gi,
  // Numbers, versions, addresses, the parts of times
  /(?:(?<!\w)[-+])?\d+(?:[.,:]\d+)*/g,
]

/**
 * Names what went wrong, so that the same failure of a thousand jobs has one name: `<kind>-<16 hex digits>`. It is made of
 * the job type, the error's name and kind, its message without what varies, and the top three frames of its stack without
 * lines, columns and the folders above the last one.
 */
export function fingerprint(type: string, { name, kind, message, stack }: JobFailure): string {
  const parts = [type, name, kind, normaliseMessage(message), topFrames(stack ?? '')]
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex')
  return `${kind}-${digest.slice(0, 16)}`
}

/** A message with `*` for whatever varies from job to job. */
export function normaliseMessage(message: string): string {
  const constant = VARIABLE.reduce((text, pattern) => text.replace(pattern, '*'), message)
  return constant.replace(/\s+/g, ' ').trim().slice(0, MESSAGE_LENGTH)
}

/** The first frames of a stack as V8 writes it, such as `sendMail (handlers/mail.ts)`. */
export function topFrames(stack: string): string[] {
  const frames: string[] = []
  for (const [, frame] of stack.matchAll(/^ +at (.+)$/gm)) {
    if (frames.length === FRAMES) break
    frames.push(shortenFrame(frame as string))
  }
  return frames
}

function shortenFrame(frame: string): string {
  const [, caller = '', place = ''] = /^(?:async )?(?:(.*) \((.*)\)|.*)$/.exec(frame) ?? []
  const at = shortenPlace(place || frame.replace(/^async /, ''))
  return caller === '' ? at : `${caller} (${at})`
}

/** `file:///srv/app-7/src/mail.ts?v=2:10:5` is `src/mail.ts`: releases lie in other folders, edits move lines. */
function shortenPlace(place: string): string {
  const path = place.replace(/(?::\d+){1,2}$/, '').replace(/\?.*$/, '')
  return path.split(/[\\/]/).slice(-2).join('/').replace(/\d+/g, '*')
}
