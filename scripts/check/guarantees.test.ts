import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const docs = join(import.meta.dirname, '../../docs')
const text = readFileSync(join(docs, 'guarantees.md'), 'utf8')

/** `- [room](path): "title of the test"` */
const NAMED = /^- \[[^\]]+\]\(([^)]+)\): "(.+)"$/gm

const named = Array.from(text.matchAll(NAMED), ([, path, title]) => [path as string, title as string] as const)

describe('docs/guarantees.md', () => {
  it('names a test for each promise', () => {
    const promises = text.split(/^## /m).slice(1)
    expect(promises.length).toBeGreaterThan(0)
    for (const promise of promises) expect(promise.match(NAMED) ?? [], promise.split('\n')[0]).not.toEqual([])
    expect(text.match(/^- /gm)).toHaveLength(named.length)
  })

  it.each(named)('%s has "%s"', (path, title) => {
    const file = join(docs, path)
    expect(existsSync(file)).toBe(true)
    expect(readFileSync(file, 'utf8')).toContain(`'${title}'`)
  })
})
