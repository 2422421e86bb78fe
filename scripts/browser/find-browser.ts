import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/**
 * The Chromium to test with: the file that `CHROMIUM` names, else the first one on PATH.
 *
 * @throws Error saying how to get one.
 */
export function findBrowser(): string {
  const { CHROMIUM, PATH = '' } = process.env
  if (CHROMIUM) return CHROMIUM
  for (const name of NAMES) {
    for (const folder of PATH.split(delimiter)) {
      if (folder !== '' && isExecutable(join(folder, name))) return join(folder, name)
    }
  }
  throw new Error(
    `expected one of ${NAMES.join(', ')} on PATH, found none: install one (\`apt-get install chromium\`), or set CHROMIUM to its file`,
  )
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
