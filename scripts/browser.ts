// npm run browser: what only a browser can tell, in a real Chromium. Arguments go to Vitest.
import { runTestSuite } from './suite/run-tests.ts'

await runTestSuite(['--config', 'vitest.browser.config.ts', ...process.argv.slice(2)])
