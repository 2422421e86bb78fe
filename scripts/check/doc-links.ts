import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { workspaceFiles } from './workspace-files.ts'

/** Anything with a scheme leads out of the repository; whether it is there is not ours to say. */
const HAS_SCHEME = /^[a-z][a-z0-9+.-]*:/i

const LINKS = [
  /\]\(\s*<?([^)\s>]+)>?[^)]*\)/g,
  /^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)/g,
  /<(?:a|img)\b[^>]*?\b(?:href|src)="([^"]+)"/g,
]

/** Each link of a Markdown file that leads nowhere in the repository, as `<file>:<line>: <what is wrong>`. */
export async function brokenDocLinks(root: string): Promise<string[]> {
  const docs = await workspaceFiles(root, ['**/*.md'])
  const problems: string[] = []
  for (const [file, text] of docs) {
    for (const { target, line } of linksOf(text)) {
      const problem = problemOf(target, file, { root, docs })
      if (problem !== undefined) problems.push(`${file}:${line}: ${target}: ${problem}`)
    }
  }
  return problems
}

function problemOf(target: string, from: string, { root, docs }: { root: string; docs: Map<string, string> }) {
  if (HAS_SCHEME.test(target) || target.startsWith('//')) return undefined
  const [path = '', anchor] = decodeURIComponent(target).split('#')
  const file =
    path === '' ? from : path.startsWith('/') ? path.slice(1) : relative(root, join(root, dirname(from), path))
  if (file.startsWith('..')) return 'leads out of the repository'
  if (!existsSync(join(root, file))) return 'there is no such file'
  if (anchor === undefined) return undefined
  const doc = docs.get(file)
  if (doc === undefined) return `only headings of Markdown files can be linked to, and ${file} is none`
  return anchorsOf(doc).has(anchor) ? undefined : `${file} has no heading with that anchor`
}

function linksOf(text: string): { target: string; line: number }[] {
  const lines = withoutFences(text).map((line) => line.replace(/(`+).*?\1/g, ''))
  return lines.flatMap((line, index) =>
    LINKS.flatMap((link) => [...line.matchAll(link)].map((match) => ({ target: match[1] ?? '', line: index + 1 }))),
  )
}

/** The anchors that GitHub makes of the headings, and those set by hand. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  const counts = new Map<string, number>()
  for (const line of withoutFences(text)) {
    const heading = /^ {0,3}#{1,6}\s+(.*?)(?:\s+#+)?\s*$/.exec(line)?.[1]
    if (heading !== undefined) {
      const slug = slugOf(heading)
      const count = counts.get(slug) ?? 0
      counts.set(slug, count + 1)
      anchors.add(count === 0 ? slug : `${slug}-${count}`)
    }
    for (const [, id = ''] of line.matchAll(/<\w+\b[^>]*?\b(?:id|name)="([^"]+)"/g)) anchors.add(id)
  }
  return anchors
}

function slugOf(heading: string): string {
  const words = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/<[^>]+>/g, '')
  return words
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-')
}

/** The lines of a text, those of code blocks emptied. */
function withoutFences(text: string): string[] {
  let fence: string | undefined
  return text.split('\n').map((line) => {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence === undefined) {
      fence = mark
      return mark === undefined ? line : ''
    }
    if (mark?.startsWith(fence)) fence = undefined
    return ''
  })
}
