import type { FastifyReply } from 'fastify'
import { html, sendPage } from '../pages/html.ts'

export interface LoginPage {
  /** Why the last try failed. */
  problem?: string | undefined
  /**
   * Whether the browser should ask once more. It sends no session when a link on another site led here, but does when
   * this page leads on: somebody who is logged in then gets past it.
   */
  reload?: boolean
}

/** @param next the page to go to afterwards, a path of ours. */
export function sendLoginPage(reply: FastifyReply, next: string, { problem, reload = false }: LoginPage): FastifyReply {
  const again = `0;url=/login?next=${encodeURIComponent(next)}`
  const content = html`${problem === undefined ? undefined : html`<p class="bad" role="alert" id="problem">${problem}</p>`}
<form method="post" action="/login">
<label for="key">Key</label>
<input id="key" name="key" type="password" autocomplete="current-password" autocapitalize="off" spellcheck="false" required autofocus aria-describedby="${problem === undefined ? 'about' : 'problem about'}">
<input name="next" type="hidden" value="${next}">
<button>Log in</button>
</form>
<p class="soft" id="about">Any key of this installation that may <code>read</code>. Those who run it make them.</p>`
  reply.header('cache-control', 'no-store')
  return sendPage(reply, 'Log in', content, reload ? html`<meta http-equiv="refresh" content="${again}">` : undefined)
}
