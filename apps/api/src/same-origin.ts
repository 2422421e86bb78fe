import { FoliotError } from '@foliot/jobs'
import type { FastifyRequest } from 'fastify'

const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses a change that a page of another site had the browser ask for. Browsers say where a request comes from; they
 * are believed about themselves, since what they add by themselves (a cookie, the way to a loopback address) is all
 * that such a page could use.
 *
 * @param silence what it means if nothing is said: `allowed` where programs call that are no browsers.
 * @throws FoliotError `forbidden`
 */
export function assertSameOrigin(request: FastifyRequest, silence: 'allowed' | 'refused'): void {
  if (READING.has(request.method)) return
  const { 'sec-fetch-site': site, origin, referer, host } = request.headers
  const from = origin ?? referer
  // Browsers give Sec-Fetch-Site over https and to loopback; it holds also if a proxy changes the Host header.
  if (site === 'same-origin') return
  if (
    site === undefined &&
    (from === undefined ? silence === 'allowed' : host !== undefined && hostOf(from) === host)
  ) {
    return
  }
  const came = from ?? (site === undefined ? 'one that does not say where from' : `one that is ${String(site)}`)
  throw new FoliotError(
    'forbidden',
    `expected a change asked for by a page of this server, got ${came.slice(0, 200)}`,
    {
      hint: 'programs send `Authorization: Bearer <key>` instead of a cookie; a proxy has to pass on the Host header',
    },
  )
}

/** Undefined for `null`, which browsers send for pages without an origin of their own. */
function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined
}
