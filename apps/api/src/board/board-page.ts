import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { escapeHtml } from '../pages/html.ts'
import type { BoardAdapter } from './board-adapter.ts'
import { BOARD_STYLE } from './board-style.ts'

/** What of the board's own page is kept: its style sheets and scripts, as far as this server has them. */
const ASSET =
  /<link href="static\/[\w./-]+\.css" rel="stylesheet">|<script defer src="static\/[\w./-]+\.js"><\/script>/g

/**
 * The page that holds the board. It is ours because the board's own loads fonts from elsewhere and has styles in its
 * text, which the Content-Security-Policy forbids.
 *
 * @param base the path of the board, without a slash at the end.
 * @throws Error if the installed version of the board is not as expected.
 */
export function boardPage({ viewsPath, settings }: Pick<BoardAdapter, 'viewsPath' | 'settings'>, base: string): string {
  const template = readFileSync(join(viewsPath, 'index.ejs'), 'utf8')
  const assets = template.match(ASSET) ?? []
  for (const kind of ['css', 'js']) {
    if (assets.some((asset) => asset.includes(`.${kind}"`))) continue
    throw new Error(`expected the page of @bull-board/ui to load a ${kind} file of its own, found none`)
  }
  const config = JSON.stringify(settings).replaceAll('<', '\\u003c')
  return `<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<base href="${base}/">
<title>${escapeHtml(settings.boardTitle ?? '')}</title>
<link rel="icon" type="image/svg+xml" id="fav-logo" href="${escapeHtml(settings.favIcon?.default ?? '')}">
${assets.join('\n')}
<style>${BOARD_STYLE}</style>
</head>
<body class="preload">
<script id="__UI_CONFIG__" type="application/json">${config}</script>
<div id="root"></div>
</body>
</html>
`
}
