// npm start: everything on one machine, until Ctrl-C.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openOutput } from './start/output.ts'
import { readSettings } from './start/settings.ts'
import { listenForStop } from './start/stop-requests.ts'
import { supervise } from './start/supervisor.ts'

const root = join(import.meta.dirname, '..')

async function main(): Promise<number> {
  const requests = listenForStop()
  const [surplus] = process.argv.slice(2)
  // What the caller's environment sets goes before what stands in the file.
  const envFile = join(root, '.env')
  if (existsSync(envFile)) process.loadEnvFile(envFile)
  if (surplus !== undefined) throw new Error(`npm start takes no arguments, got ${JSON.stringify(surplus)}.`)
  return supervise({
    settings: readSettings(process.env),
    env: process.env,
    entries: { api: join(root, 'apps/api/src/main.ts'), worker: join(root, 'apps/worker/src/main.ts') },
    dataDir: join(root, '.foliot'),
    output: openOutput(process.stdout, process.stdout.isTTY && !process.env.NO_COLOR),
    requests,
  })
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
process.exit()
