import { FoliotError } from '@foliot/jobs'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Api } from './api.ts'

/** Tells a path that does not exist from one that exists with other methods. */
export class UnknownPaths {
  readonly #routes: { pattern: RegExp; method: string }[] = []

  /** Has to be made before the first route. */
  constructor(app: Api) {
    app.addHook('onRoute', ({ url, method }) => {
      const literal = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      const pattern = new RegExp(`^${literal.replace(/:[^/]+/g, '[^/]+').replace(/\\\*/g, '.*')}$`)
      for (const name of [method].flat()) this.#routes.push({ pattern, method: name })
    })
  }

  explain({ method, url }: FastifyRequest, reply: FastifyReply): FoliotError {
    const path = url.split('?')[0] as string
    const allowed = new Set(this.#routes.filter(({ pattern }) => pattern.test(path)).map((route) => route.method))
    if (allowed.size === 0) {
      return new FoliotError('not_found', `there is nothing at ${path.slice(0, 200)}`, {
        hint: '/docs shows what there is',
      })
    }
    const methods = [...allowed].sort().join(', ')
    reply.header('allow', methods)
    return new FoliotError('method_not_allowed', `expected one of ${methods} for ${path.slice(0, 200)}, got ${method}`)
  }
}
