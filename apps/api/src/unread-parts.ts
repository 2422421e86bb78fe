import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Api } from './api.ts'
import { invalid } from './problem.ts'

/**
 * A route that reads no query string or no body takes none: what a caller sends for a reason would be ignored in silence.
 * Has to be called before the first route. An empty body or `{}` is nothing.
 */
export function refuseUnreadParts(app: Api): void {
  app.addHook('onRoute', (route) => {
    if (!route.url.startsWith('/v1/')) return
    const checks = [
      route.schema?.querystring ? refusePrototype : refuseQuery,
      ...(route.schema?.body ? [] : [refuseBody]),
    ]
    route.preValidation = [...[route.preValidation ?? []].flat(), ...checks]
  })
}

type Done = (error?: Error) => void

function refuseQuery({ query }: FastifyRequest, _reply: FastifyReply, done: Done): void {
  done(unread('query string', 'query parameters', query))
}

/** Where a schema lets names in that it does not know, Zod passes over this one. */
function refusePrototype({ query }: FastifyRequest, _reply: FastifyReply, done: Done): void {
  const isThere = Object.hasOwn(query as object, '__proto__')
  done(isThere ? unread('query string', 'such parameter', { ['__proto__']: '' }) : undefined)
}

function refuseBody({ body }: FastifyRequest, _reply: FastifyReply, done: Done): void {
  done(unread('body', 'body', body))
}

function unread(part: string, what: string, value: unknown) {
  if (value === undefined || value === null) return undefined
  const names = typeof value === 'object' ? Object.keys(value) : ['']
  if (names.length === 0) return undefined
  const message = `expected no ${what}, as nothing of it is read here`
  return invalid(
    `the ${part} is not as expected`,
    names.map((name) => ({ path: name && `/${name}`, message })),
  )
}
