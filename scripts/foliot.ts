// npm run foliot -- <command>: keys and more, on the PostgreSQL of FOLIOT_DATABASE_URL, or that of the Foliot that runs here.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { claimOn, postgresUrlOn } from '@foliot/local-services'

const root = join(import.meta.dirname, '..')
const envFile = join(root, '.env')
// What the caller's environment sets goes before what stands in the file.
if (existsSync(envFile)) process.loadEnvFile(envFile)

const child = spawn(
  process.execPath,
  ['--conditions=source', join(root, 'apps/cli/src/main.ts'), ...process.argv.slice(2)],
  { env: { ...process.env, ...(await whatRunsHere()) }, stdio: 'inherit' },
)
child.on('error', (error) => {
  console.error(error.message)
  process.exit(1)
})
child.on('exit', (code) => process.exit(code ?? 1))

/** The servers of an `npm start`, unless the settings name others. */
async function whatRunsHere(): Promise<NodeJS.ProcessEnv> {
  if (process.env.FOLIOT_DATABASE_URL) return {}
  const databaseUrl = await postgresUrlOn(join(root, '.foliot/postgres'))
  if (databaseUrl === undefined) return {}
  const redis = process.env.FOLIOT_REDIS_URL ? undefined : await claimOn(join(root, '.foliot/redis'))
  return { FOLIOT_DATABASE_URL: databaseUrl, ...(redis && { FOLIOT_REDIS_URL: `redis://127.0.0.1:${redis.port}` }) }
}
