import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Settings } from './handlers.ts'
import { type AllowList, parseAllowList } from './http/allow-list.ts'

/**
 * Reads `FOLIOT_HTTP_ALLOW` (hosts between commas, default none) and `FOLIOT_FILES_DIR` (a folder, default none).
 * An empty variable counts as unset.
 *
 * @throws Error once, with a line for each variable that is wrong.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>> = process.env): Settings {
  const problems: string[] = []
  const settings = {
    httpAllow: readHttpAllow(env.FOLIOT_HTTP_ALLOW ?? '', problems),
    filesDir: readFilesDir(env.FOLIOT_FILES_DIR ?? '', problems),
  }
  if (problems.length > 0) throw new Error(`the everyday jobs cannot start:\n  ${problems.join('\n  ')}`)
  return settings
}

function readHttpAllow(text: string, problems: string[]): AllowList {
  const { allow, unreadable } = parseAllowList(text)
  for (const entry of unreadable) {
    problems.push(
      'FOLIOT_HTTP_ALLOW: expected hosts like example.com, 10.0.0.5:8080 or [::1]:3000 between commas, ' +
        `got ${JSON.stringify(entry)}; correct it, or leave it out`,
    )
  }
  return allow
}

function readFilesDir(text: string, problems: string[]): string | undefined {
  if (text === '') return undefined
  if (!statSync(text, { throwIfNoEntry: false })?.isDirectory()) {
    problems.push(`FOLIOT_FILES_DIR: expected a folder, got ${JSON.stringify(text)}; create it, or correct the path`)
  }
  return resolve(text)
}
