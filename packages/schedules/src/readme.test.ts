import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { compileRule, nextTick } from './index.ts'

it('the README tells what its example prints', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const rule = compileRule({ id: 'nightly-report', cron: '30 2 * * MON-FRI', timezone: 'Europe/Berlin' })
  const { nominal, due } = nextTick(rule, Date.parse('2027-01-01T12:00Z')) ?? {}
  expect(readme).toContain(`// { nominal: ${nominal}, due: ${due} }`)
})
