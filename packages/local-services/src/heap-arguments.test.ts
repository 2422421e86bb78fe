import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { HEAP_ARGUMENTS } from './heap-arguments.ts'

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

describe('HEAP_ARGUMENTS', () => {
  it.each(['api', 'worker'])('are used by `npm start` in apps/%s', (app) => {
    const { scripts } = JSON.parse(read(`apps/${app}/package.json`))
    expect(scripts.start).toBe(`node --conditions=source ${HEAP_ARGUMENTS.join(' ')} src/main.ts`)
  })

  it('are used by the images', () => {
    const command = JSON.stringify(['node', ...HEAP_ARGUMENTS, 'dist/main.js']).replaceAll(',', ', ')
    expect(read('infra/docker/Dockerfile').split('\n')).toContain(`CMD ${command}`)
  })
})
