import { ANYONE_ID, type ApiKey, SCOPES, type Scope, secretOf } from '@foliot/access'
import { FoliotError } from '@foliot/jobs'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { assertSameOrigin } from '../same-origin.ts'
import { findKey, type KnownKeys } from './find-key.ts'
import { keyEnded } from './key-ended.ts'
import type { KeyUses } from './key-uses.ts'
import type { WrongKeys } from './wrong-keys.ts'

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

/** Whoever asks without a key where that is open to everybody, which only a loopback address allows. */
const ANYONE: ApiKey = Object.freeze({
  id: ANYONE_ID,
  name: 'anyone',
  scopes: new Set(SCOPES),
  tenant: undefined,
  expiresAt: undefined,
})

/** Ways besides the header by which a request may show its key, such as a cookie. */
export type Recognise = (request: FastifyRequest) => ApiKey | undefined

export interface Guard extends KnownKeys {
  keyUses: KeyUses
  wrongKeys: WrongKeys
  recognise: Recognise
}

/**
 * Lets a request through only if its key has the scope that its route names. Routes say it in `config.scope`; one that
 * does not stops the start, so that none is open by oversight.
 */
export function guardRoutes(app: FastifyInstance, guard: Guard): void {
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
    const caller = await callerOf(request, guard)
    // Also of one that is refused: the audit tells who it was.
    request.caller = caller
    if (scope && !caller.scopes.has(scope)) {
      const has = [...caller.scopes].join(', ')
      throw new FoliotError('forbidden', `expected a key with the scope ${scope}, got one with ${has}`)
    }
  })
  // Its body may have come slowly, and its key ended meanwhile. Before what routes do themselves, such as the audit.
  app.addHook('preHandler', (request, _reply, done) => {
    const { caller } = request
    done(!caller || guard.access.stillCounts(caller) ? undefined : keyEnded())
  })
}

async function callerOf(request: FastifyRequest, guard: Guard): Promise<ApiKey> {
  const { access, keyUses, wrongKeys, recognise } = guard
  const secret = secretOf(request.headers.authorization)
  // Where there is no key at all, none can be wrong.
  const isShown = secret !== undefined && (!access.isOpen || access.hasKeys)
  const key = isShown ? await findKey(secret, guard) : recognise(request)
  if (key) {
    keyUses.note(key)
    return key
  }
  if (access.isOpen && !isShown) {
    // The way to a loopback address is one that pages of other sites could borrow from the browser.
    assertSameOrigin(request, 'allowed')
    return ANYONE
  }
  if (!access.isSettled) throw unsettled()
  if (isShown && secret !== '') await wrongKeys.refuse(request)
  throw new FoliotError('unauthorized', 'expected `Authorization: Bearer <key>` with a key of this installation', {
    hint: 'keys are made with POST /v1/api-keys or `foliot keys create`, or set in FOLIOT_API_KEYS',
  })
}

/** It may be right: nobody could be asked yet. */
const unsettled = (): FoliotError =>
  new FoliotError(
    'unavailable',
    'this api does not know yet which keys there are: PostgreSQL did not answer, nor Redis',
    {
      hint: 'keys of FOLIOT_API_KEYS are taken meanwhile',
      retryAfterSeconds: 1,
    },
  )
