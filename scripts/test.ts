// npm test: all tests of the workspace, once. Arguments go to Vitest: `npm test -- packages/jobs` runs what is in there.
import { runTestSuite } from './suite/run-tests.ts'

await runTestSuite(process.argv.slice(2))
