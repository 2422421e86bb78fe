import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { BOARD_STYLE } from '../board/board-style.ts'
import { PAGE_STYLE } from './html.ts'

const hashOf = (style: string): string => `'sha256-${createHash('sha256').update(style).digest('base64')}'`

/** Styles that stand in the text of a page: ours, and one inside the board's drawing of the Redis logo. */
const STYLES = [hashOf(PAGE_STYLE), hashOf(BOARD_STYLE), "'sha256-r2N1TB/gHbBtBZFKg7ejmq1acVSREzucTAEw6ga4hoU='"]

/**
 * What browsers may do with our pages: load what this server has and nothing else, in no one's frame. `data:` is for
 * images that stand inside style sheets.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'self' ${STYLES.join(' ')}`,
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "form-action 'self'",
  "base-uri 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** Adds the headers that keep a page to itself. */
export async function keepToSelf(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.headers({
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'x-content-type-options': 'nosniff',
    // Our own forms have to say where they come from.
    'referrer-policy': 'same-origin',
  })
}

/** Whether a person is waiting for a page, rather than a program for data. */
export const wantsPage = ({ method, headers }: FastifyRequest): boolean =>
  (method === 'GET' || method === 'HEAD') && (headers.accept ?? '').includes('text/html')
