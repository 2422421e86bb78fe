import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openOutput } from './output.ts'
import { readSettings } from './settings.ts'
import { listenForStop } from './stop-requests.ts'
import type { SupervisorOptions } from './supervisor.ts'

const root = join(import.meta.dirname, '../..')

/**
 * Runs a command of this folder with what this process was given, and ends the process with the exit code it returns.
 *
 * @param name how the user called it; it takes no arguments
 */
export async function runCommand(name: string, run: (options: SupervisorOptions) => Promise<number>): Promise<never> {
  const requests = listenForStop()
  try {
    const [surplus] = process.argv.slice(2)
    // What the caller's environment sets goes before what stands in the file.
    const envFile = join(root, '.env')
    if (existsSync(envFile)) process.loadEnvFile(envFile)
    if (surplus !== undefined) throw new Error(`${name} takes no arguments, got ${JSON.stringify(surplus)}.`)
    process.exitCode = await run({
      settings: readSettings(process.env),
      env: process.env,
      entries: {
        api: join(root, 'apps/api/src/main.ts'),
        worker: join(root, 'apps/worker/src/main.ts'),
        recorder: join(root, 'apps/recorder/src/main.ts'),
        scheduler: join(root, 'apps/scheduler/src/main.ts'),
        cli: join(root, 'apps/cli/src/main.ts'),
      },
      dataDir: join(root, '.foliot'),
      output: openOutput(process.stdout, process.stdout.isTTY && !process.env.NO_COLOR),
      requests,
    })
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
  process.exit()
}
