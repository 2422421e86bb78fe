import { join } from 'node:path'
import { startProcess, temporaryFolder } from '@foliot/testkit'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')

/** What turbo would go by if it ran this task with these variables, without running it. */
async function plan(task: string, env: Record<string, string>) {
  const run = await startProcess({
    command: [join(root, 'node_modules/.bin/turbo')],
    entry: 'run',
    args: [task, '--dry=json', '--cache-dir', await temporaryFolder()],
    cwd: root,
    env: { ...env, TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' },
  })
  expect(await run.exited, run.errorText).toMatchObject({ code: 0 })
  const { envMode, globalCacheInputs, tasks } = JSON.parse(run.lines.map(({ text }) => text).join('\n'))
  return {
    envMode: envMode as string,
    names: globalCacheInputs.environmentVariables.configured.map((pair: string) => pair.split('=')[0]) as string[],
    hashes: tasks.map(({ hash }: { hash: string }) => hash) as string[],
  }
}

it.each(['FOLIOT_API_PORT', 'FOLIOT_A_NAME_OF_TOMORROW', 'OTEL_SERVICE_NAME'])(
  'a task that turbo runs sees %s, and another value of it is no reason to take an old result',
  async (name) => {
    const [one, two] = await Promise.all([plan('test', { [name]: '1' }), plan('test', { [name]: '2' })])
    // Strict: of the variables, a task sees only those that are configured.
    expect([one.envMode, one.names]).toEqual(['strict', [name]])
    expect(one.hashes.length).toBeGreaterThan(0)
    for (const hash of two.hashes) expect(one.hashes).not.toContain(hash)
  },
)
