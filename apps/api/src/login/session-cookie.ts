import type { FastifyRequest } from 'fastify'
import { SESSION_MS } from './sessions.ts'

const NAME = 'foliot_session'

/** The session that a request brings, if any. */
export function sessionOf({ headers }: FastifyRequest): string | undefined {
  for (const pair of headers.cookie?.split(';') ?? []) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === NAME) return value
  }
  return undefined
}

/** A `Set-Cookie` header: scripts cannot read the cookie, and other sites cannot have it sent. */
export const keepSession = (session: string, request: FastifyRequest): string =>
  setCookie(session, SESSION_MS / 1000, request)

/** A `Set-Cookie` header that has the browser forget the session. */
export const dropSession = (request: FastifyRequest): string => setCookie('', 0, request)

function setCookie(value: string, maxAgeSeconds: number, request: FastifyRequest): string {
  const attributes = [`${NAME}=${value}`, 'Path=/', `Max-Age=${maxAgeSeconds}`, 'HttpOnly', 'SameSite=Strict']
  return (isHttps(request) ? [...attributes, 'Secure'] : attributes).join('; ')
}

/** Whether the browser speaks https, perhaps with a proxy in front of us. */
function isHttps({ protocol, headers }: FastifyRequest): boolean {
  const forwarded = String(headers['x-forwarded-proto'] ?? '').split(',', 1)
  return protocol === 'https' || forwarded[0]?.trim().toLowerCase() === 'https'
}
