import { ERRORS } from '@foliot/jobs'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { loginFor } from '../login/next-page.ts'
import { answerError, beginErrorAnswer, toFoliotError } from '../problem.ts'
import { html, sendPage } from './html.ts'
import { wantsPage } from './page-rules.ts'

/** Answers people with a page, and with the login if that is what is missing; programs get the problem. */
export function answerPageError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  if (!wantsPage(request)) answerError(error, request, reply)
  else if (toFoliotError(error).code === 'unauthorized') reply.redirect(loginFor(request.url), 303)
  else sendErrorPage(error, request, reply)
}

function sendErrorPage(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { code, message, hint } = beginErrorAnswer(error, request, reply)
  const content = html`<p class="bad">${message}</p>
${hint === undefined ? undefined : html`<p class="soft">${hint}</p>`}
<p><a href="${request.url}">Try again</a>${code === 'forbidden' ? html` · <a href="/logout">Log out</a>` : undefined}</p>`
  sendPage(reply, ERRORS[code].title, content)
}
