import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createBullBoard } from '@bull-board/api'
import { temporaryFolder } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { BoardAdapter } from './board-adapter.ts'
import { boardPage } from './board-page.ts'

function board(boardTitle: string): BoardAdapter {
  const adapter = new BoardAdapter()
  createBullBoard({ queues: [], serverAdapter: adapter, options: { uiConfig: { boardTitle } } })
  return adapter
}

it('loads scripts and styles of this server and nothing from elsewhere', () => {
  const page = boardPage(board('Foliot'), '/board')
  expect(page.match(/<script defer src="static\/js\//g)?.length).toBeGreaterThan(1)
  expect(page).toContain('<base href="/board/">')
  expect(page).not.toMatch(/https?:|\/\/[a-z]/)
  expect(page).not.toMatch(/ style=| on\w+=/)
})

it('lets no setting break out of where it stands', () => {
  const page = boardPage(board('</script></title><b>'), '/board')
  expect(page).not.toContain('<b>')
  expect(page.match(/<\/title>/g)).toHaveLength(1)
})

it('refuses a version of the board whose page it does not understand', async () => {
  const viewsPath = await temporaryFolder()
  await writeFile(join(viewsPath, 'index.ejs'), '<link href="static/css/main.css" rel="stylesheet">')
  expect(() => boardPage(Object.assign(board('Foliot'), { viewsPath }), '/board')).toThrow('a js file')
})
