import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { SETTING_NAMES } from './names.ts'

const example = readFileSync(new URL('../../../.env.example', import.meta.url), 'utf8')

it('lists the same names as .env.example, in the same order', () => {
  const named = [...example.matchAll(/^#? ?(FOLIOT_\w+)=/gm)].map(([, name]) => name)
  expect(named).toEqual([...SETTING_NAMES])
})

it('has a line in .env.example that explains each name', () => {
  for (const name of SETTING_NAMES) expect(example).toMatch(new RegExp(`^# [A-Z].*\\.\\n# ${name}=`, 'm'))
})
