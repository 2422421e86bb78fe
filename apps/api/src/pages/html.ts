import type { FastifyReply } from 'fastify'

/** The style of our own pages. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1f2933; --soft: #52606d; --line: #cbd2d9; --paper: #fff; --back: #f3f5f7; --lead: #1d5fa8; --bad: #a61b1b }
@media (prefers-color-scheme: dark) { :root { --ink: #f0f3f6; --soft: #aab4be; --line: #46525e; --paper: #1d242c; --back: #12171d; --lead: #7ab7f5; --bad: #ff9b9b } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--back); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 26rem; padding: 2rem; background: var(--paper); border: 1px solid var(--line); border-radius: .5rem }
h1 { margin: 0 0 .75rem; font-size: 1.375rem; line-height: 1.25 }
p { margin: 0 0 1rem; overflow-wrap: anywhere }
.soft { color: var(--soft); font-size: .875rem }
.bad { padding: .625rem .75rem; border-left: 4px solid var(--bad); background: var(--back); color: var(--bad) }
label { display: block; margin-bottom: .25rem; font-weight: 600 }
input { width: 100%; padding: .625rem; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--soft); border-radius: .25rem }
button { width: 100%; margin: 1rem 0; padding: .625rem; font: inherit; font-weight: 600; color: var(--paper); background: var(--lead); border: 0; border-radius: .25rem; cursor: pointer }
a { color: var(--lead) }
:focus-visible { outline: 3px solid var(--lead); outline-offset: 2px }
main > :last-child { margin-bottom: 0 }
code { font-size: .875em }
`

/** HTML that is complete and safe to send. Made by the tag `html` alone. */
export interface Html {
  readonly text: string
}

/** Text in `${}` is escaped; `Html` in it is taken as it is, and what is absent as nothing. */
export function html(parts: TemplateStringsArray, ...values: (string | Html | undefined)[]): Html {
  const rendered = values.map((value = '') => (typeof value === 'string' ? escapeHtml(value) : value.text))
  return { text: parts.map((part, i) => part + (rendered[i] ?? '')).join('') }
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/** Sends a page of our own: one box with a heading. */
export function sendPage(reply: FastifyReply, title: string, content: Html, head?: Html): FastifyReply {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>${title} · Foliot</title>
<link rel="icon" href="data:,">
${head}
<style>${{ text: PAGE_STYLE }}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`
  return reply.type('text/html; charset=utf-8').send(page.text)
}
