import { workspaceFiles } from './workspace-files.ts'

const NAME = /\bFOLIOT_[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b/g

/** `FOLIOT_X=…`, also as `# FOLIOT_X=…`. */
const SETTING = /^#?\s*(FOLIOT_[A-Z0-9_]+)=/gm

/** A name in a comment may be an example. */
const COMMENT_LINE = /^\s*(?:\/?\*|\/\/|#).*$/gm

const SOURCES = [
  '{apps,packages,examples,bench,scripts,infra}/**/*.{ts,mjs,html,sh,yml,yaml,Dockerfile}',
  '*.{yml,yaml}',
  'infra/**/Dockerfile',
]

/** What only tests set is no setting. */
const isTest = (file: string): boolean => file.endsWith('.test.ts') || /^packages\/testkit\/|\/fixtures\//.test(file)

/** Each FOLIOT_* name that the sources use and `.env.example` does not set, be it in a comment, and the reverse. */
export async function envNameProblems(root: string): Promise<string[]> {
  const example = (await workspaceFiles(root, ['.env.example'])).get('.env.example')
  if (example === undefined) return ['.env.example: there is no such file']
  const explained = new Set([...example.matchAll(SETTING)].map(([, name]) => name))
  const used = usedNames([...(await workspaceFiles(root, SOURCES))].filter(([file]) => !isTest(file)))
  const missing = [...used].filter(([name]) => !explained.has(name))
  const unread = [...explained].filter((name) => name !== undefined && !used.has(name))
  return [
    ...missing.map(([name, file]) => `${name} (${file}) is not in .env.example`),
    ...unread.map((name) => `${name} is in .env.example, but nothing reads it`),
  ]
}

/** The names in the code of these files, each with the first file that has it. */
function usedNames(files: readonly (readonly [string, string])[]): Map<string, string> {
  const names = new Map<string, string>()
  for (const [file, text] of files) {
    for (const [name] of text.replace(COMMENT_LINE, '').matchAll(NAME)) if (!names.has(name)) names.set(name, file)
  }
  return names
}
