import { FoliotError } from '@foliot/jobs'
import type { Api } from '../api.ts'
import { wantsPage } from './page-rules.ts'

/** Whoever opens the address of the api in a browser is shown the reference. Programs are told that nothing is there. */
export function rootRoute(app: Api): void {
  app.get('/', { config: { scope: 'public' } }, async (request, reply) => {
    reply.header('vary', 'accept')
    if (wantsPage(request)) return reply.redirect('/docs', 302)
    throw new FoliotError('not_found', 'there is nothing at /', { hint: '/docs shows what there is' })
  })
}
