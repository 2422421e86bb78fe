import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', '.git', '.foliot', '.turbo'])

/** The files of the workspace that match, by their path from `root`, in order. What is installed or built is left out. */
export async function workspaceFiles(root: string, patterns: readonly string[]): Promise<Map<string, string>> {
  const isOurs = (path: string): boolean => !path.split('/').some((part) => NOT_OURS.has(part))
  const paths: string[] = []
  for await (const entry of glob(patterns, {
    cwd: root,
    withFileTypes: true,
    exclude: (entry) => NOT_OURS.has(entry.name),
  })) {
    const path = join(entry.parentPath, entry.name).slice(root.length + 1)
    if (entry.isFile() && isOurs(path)) paths.push(path)
  }
  const texts = paths.sort().map(async (path) => [path, await readFile(join(root, path), 'utf8')] as const)
  return new Map(await Promise.all(texts))
}
