import type { Recognise } from '../access/guard-routes.ts'
import { assertSameOrigin } from '../same-origin.ts'
import { sessionOf } from './session-cookie.ts'
import type { Sessions } from './sessions.ts'

/**
 * Knows a request by its session cookie. The browser adds that to whatever any page has it ask for, so a change has to
 * be asked for by a page of ours.
 */
export const recogniseBy =
  (sessions: Sessions): Recognise =>
  (request) => {
    const session = sessionOf(request)
    const key = session === undefined ? undefined : sessions.read(session, Date.now())
    if (key) assertSameOrigin(request, 'refused')
    return key
  }
