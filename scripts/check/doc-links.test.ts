import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { temporaryFolder } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { brokenDocLinks } from './doc-links.ts'

async function check(files: Readonly<Record<string, string>>): Promise<string[]> {
  const root = await temporaryFolder()
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true })
    await writeFile(join(root, file), text)
  }
  return brokenDocLinks(root)
}

describe('brokenDocLinks', () => {
  it('finds each form of a link to a file that is not there, with its line', async () => {
    const text = '# A\n\n[a](x.md) [![b](y.png)](docs/z.md "title")\n\n[c]: <../../w.md>\n<a href="v.md">v</a>\n'
    expect(await check({ 'a.md': text })).toEqual([
      'a.md:3: x.md: there is no such file',
      'a.md:3: y.png: there is no such file',
      'a.md:3: docs/z.md: there is no such file',
      'a.md:5: ../../w.md: leads out of the repository',
      'a.md:6: v.md: there is no such file',
    ])
  })

  it('follows links between folders, from the root, to folders and with encoded names', async () => {
    const links = '[a](../b.md) [b](/docs/a.md) [c](./) [d](c%20d.ts) [e](https://example.org/x) [f](mailto:a@b.c)'
    expect(await check({ 'docs/a.md': links, 'b.md': '', 'docs/c d.ts': '' })).toEqual([])
  })

  it('finds anchors that no heading has', async () => {
    const files = {
      'a.md': '[a](#one) [b](b.md#two-and-a-half-v20) [c](b.md#nine) [d](b.md#two) [e](b.md#two-1) [f](c.ts#L1)\n# One',
      'b.md': '## Two\n### `Two` & a [half](x), v2.0! ##\n# two\n<a id="nine"></a>\n[x](b.md#two-2)',
      'c.ts': '',
      x: '',
    }
    expect(await check(files)).toEqual([
      'a.md:1: b.md#two-and-a-half-v20: b.md has no heading with that anchor',
      'a.md:1: c.ts#L1: only headings of Markdown files can be linked to, and c.ts is none',
      'b.md:5: b.md#two-2: b.md has no heading with that anchor',
    ])
    expect(
      await check({ ...files, 'a.md': '[b](b.md#two--a-half-v20)', 'b.md': files['b.md'].replace('two-2', 'two') }),
    ).toEqual([])
  })

  it('passes over code, and over what is installed or built', async () => {
    const code = '`[a](x.md)`\n```md\n[b](x.md)\n# Not a heading\n~~~\n```\n[c](#not-a-heading)'
    expect(await check({ 'a.md': code, 'p/node_modules/b.md': '[a](x)', 'p/dist/c.md': '[a](x)' })).toEqual([
      'a.md:7: #not-a-heading: a.md has no heading with that anchor',
    ])
  })
})
