import { fileURLToPath } from 'node:url'

/** Half of what it takes to start an app is compiling it, and tests start hundreds. */
const COMPILE_CACHE = fileURLToPath(new URL('../../../node_modules/.cache/foliot-tests', import.meta.url))

/** What a child process gets of our environment. The rest, above all every FOLIOT_*, is for the test to state. */
export const baseEnvironment = (): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  NODE_COMPILE_CACHE: COMPILE_CACHE,
})
