import type { FastifyRequest } from 'fastify'

/** Whose schedule or calendar was asked for, for the audit, if the request says it. */
export function askedTenant({ query }: FastifyRequest): object | undefined {
  const { tenant } = query as { tenant?: unknown }
  return tenant === undefined ? undefined : { tenant }
}

/** That, and all of the body. */
export function askedOf(request: FastifyRequest): object | undefined {
  const asked = { ...askedTenant(request), ...(request.body as object | null | undefined) }
  return Object.keys(asked).length === 0 ? undefined : asked
}
