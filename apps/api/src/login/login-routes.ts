import { z } from 'zod'
import { findKey } from '../access/find-key.ts'
import type { Api, ApiDeps } from '../api.ts'
import { html, sendPage } from '../pages/html.ts'
import { beginErrorAnswer } from '../problem.ts'
import { assertSameOrigin } from '../same-origin.ts'
import { sendLoginPage } from './login-page.ts'
import { nextPage, pageFor } from './next-page.ts'
import { recogniseBy } from './recognise.ts'
import { dropSession, keepSession } from './session-cookie.ts'
import type { Sessions } from './sessions.ts'

const FORM_BYTES = 8 * 1024

const LoginForm = z.object({ key: z.string().default(''), next: z.string().optional() })

/** `/login` takes a key and gives a session for it; `/logout` ends it. */
export function loginRoutes(app: Api, deps: ApiDeps, sessions: Sessions): void {
  const { access, keyUses, wrongKeys, log } = deps
  const recognise = recogniseBy(sessions)
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )

  app.get<{ Querystring: Record<string, unknown> }>(
    '/login',
    { config: { scope: 'public' } },
    async (request, reply) => {
      const next = nextPage(request.query.next)
      if (access.isOpen || recognise(request)) return reply.redirect(next, 303)
      return sendLoginPage(reply, next, { reload: request.headers['sec-fetch-site'] === 'cross-site' })
    },
  )

  app.post(
    '/login',
    { config: { scope: 'public', audit: false }, bodyLimit: FORM_BYTES, schema: { body: LoginForm } },
    async (request, reply) => {
      assertSameOrigin(request, 'allowed')
      const next = nextPage(request.body.next)
      if (access.isOpen) return reply.redirect(next, 303)
      const secret = request.body.key.trim()
      const key = await findKey(secret, deps)
      if (key?.scopes.has('read')) {
        log.info({ caller: key.name, ip: request.ip }, 'logged in')
        keyUses.note(key)
        reply.header('set-cookie', keepSession(sessions.issue(key, Date.now()), request))
        return reply.redirect(pageFor(key, next), 303)
      }
      if (key) log.warn({ caller: key.name, ip: request.ip }, 'a login was refused')
      // The secret is not ours to repeat: whoever mistyped it sees nothing of it, nor does the log.
      else if (secret !== '' && access.isSettled) {
        try {
          await wrongKeys.refuse(request)
        } catch (error) {
          const { message, retryAfterSeconds } = beginErrorAnswer(error, request, reply)
          return sendLoginPage(reply, next, { problem: `${message}. Try again in ${retryAfterSeconds} s.` })
        }
      }
      const problem = key
        ? `The key ${key.name} may not look here: it lacks the scope read.`
        : access.isSettled
          ? 'No key here is like that.'
          : 'This api cannot tell yet whether there is such a key. Try again in a moment.'
      return sendLoginPage(reply.code(key ? 403 : 401), next, { problem })
    },
  )

  app.get('/logout', { config: { scope: 'read' } }, async (request, reply) => {
    if (access.isOpen) return reply.redirect('/board', 303)
    const content = html`<p>You use the key <code>${request.caller.name}</code>.</p>
<form method="post" action="/logout"><button>Log out</button></form>
<p>${request.caller.tenant === undefined ? html`<a href="/board">Back to the board</a>` : html`<a href="/docs">Back to the reference</a>`}</p>`
    return sendPage(reply, 'Log out', content)
  })

  app.post('/logout', { config: { scope: 'public', audit: false } }, async (request, reply) => {
    assertSameOrigin(request, 'allowed')
    return reply.header('set-cookie', dropSession(request)).redirect('/login', 303)
  })
}
