import type { ApiKey, ApiKeys, Scope } from '@foliot/access'
import { SCOPES } from '@foliot/access'
import { FoliotError } from '@foliot/jobs'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { assertSameOrigin } from './same-origin.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a key needs for this route. `public` needs none. A route without one is refused at start. */
    scope?: Scope | 'public'
  }
  interface FastifyInstance {
    /** What a key needs for routes of this instance that do not say it themselves, such as those of a plugin. */
    scopeOfRoutes: Scope | undefined
  }
  interface FastifyRequest {
    /** Who asks. */
    caller: ApiKey
  }
}

/** Whoever asks while no keys are set, which only a loopback address allows. */
const ANYONE: ApiKey = Object.freeze({ name: 'anyone', scopes: new Set(SCOPES), tenant: undefined })

/** Ways besides the header by which a request may show its key, such as a cookie. */
export type Recognise = (request: FastifyRequest) => ApiKey | undefined

/**
 * Lets a request through only if its key has the scope that its route names. Routes say it in `config.scope`; one that
 * does not stops the start, so that none is open by oversight.
 */
export function guardRoutes(app: FastifyInstance, keys: ApiKeys, recognise: Recognise = () => undefined): void {
  app.decorateRequest('caller', null as unknown as ApiKey)
  app.decorate('scopeOfRoutes', undefined)
  app.addHook('onRoute', function (route) {
    const scope = route.config?.scope ?? this.scopeOfRoutes
    if (scope === undefined) throw new Error(`route ${String(route.method)} ${route.url} names no scope`)
    route.config = { ...route.config, scope }
  })
  app.addHook('onRequest', async (request) => {
    const { scope } = request.routeOptions.config
    if (scope === 'public') return
    // Without keys it is the way to a loopback address that pages of other sites could borrow from the browser.
    if (keys.size === 0) assertSameOrigin(request, 'allowed')
    const caller = keys.size === 0 ? ANYONE : (keys.fromHeader(request.headers.authorization) ?? recognise(request))
    if (!caller) {
      throw new FoliotError('unauthorized', 'expected `Authorization: Bearer <key>` with a key of this installation', {
        hint: 'keys are set in FOLIOT_API_KEYS',
      })
    }
    if (scope && !caller.scopes.has(scope)) {
      const has = [...caller.scopes].join(', ')
      throw new FoliotError('forbidden', `expected a key with the scope ${scope}, got one with ${has}`)
    }
    request.caller = caller
  })
}
