// npm run browser: what only a browser can tell, in a real Chromium. Arguments go to Vitest.
import { findBrowser } from './browser/find-browser.ts'
import { runTestSuite } from './suite/run-tests.ts'

await runTestSuite(async () => {
  findBrowser()
  return { config: 'vitest.browser.config.ts', args: process.argv.slice(2) }
})
