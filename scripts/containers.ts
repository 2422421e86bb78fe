// node scripts/run.mjs containers: tries docker-compose.yml for real, with images built from this checkout and three
// workers, and takes all of it down again, with the images. Needs Docker with Compose, a network and about two minutes.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { startedBy, type TrialApi, trialApi, until } from './containers/api.ts'
import { type Compose, findCompose, TRIAL_IMAGES } from './containers/compose.ts'
import { noteImages } from './containers/leftovers.ts'
import { lastLine } from './suite/last-line.ts'

const WORKERS = 3
/** Those that go on running. */
const SERVICES = ['api', 'worker', 'recorder', 'scheduler', 'redis', 'postgres']
const key = randomBytes(32).toString('base64')
// Settings of the user's own .env that would change what is tried are set to what they are without it.
const env = {
  FOLIOT_API_KEYS: key,
  FOLIOT_API_HOST: '127.0.0.1',
  FOLIOT_API_PORT: '0',
  FOLIOT_JOBS: '',
  FOLIOT_QUEUES: '',
  FOLIOT_CONCURRENCY: '',
  FOLIOT_ISOLATED_MEMORY_MB: '',
  FOLIOT_SHUTDOWN_GRACE_MS: '',
}

const trial: Compose = await findCompose('foliot-trial', env).catch((error) => {
  console.error(error.message)
  console.log(`\n${lastLine({ passed: 0, failed: 1 })}`)
  process.exit(1)
})
const { compose, tryCompose, docker, tryDocker } = trial
const leftovers = await noteImages(trial)
const idsOf = async (service: string): Promise<string[]> => (await compose(['ps', '-a', '-q', service])).split('\n')
const inspect = (id: string, format: string): Promise<string> => docker(['inspect', '--format', format, id])

/** Runs JavaScript in a container, and gives what it prints. */
const nodeIn = (id: string, code: string): Promise<string> =>
  docker(['exec', id, 'node', '--input-type=module', '-e', code])

let api: TrialApi | undefined
const theApi = (): TrialApi => api ?? assert.fail('the api did not come up')

async function findApi(): Promise<TrialApi> {
  const found = trialApi(`http://${await compose(['port', 'api', '3000'])}`, key)
  await until('three workers', async () => (await found.workerHosts()).length === WORKERS)
  return found
}

/** Each builds on what those before it left behind. */
const STEPS: Readonly<Record<string, () => Promise<void>>> = {
  'does not come up without a key': async () => {
    const { code, stderr } = await tryCompose(['config'], { FOLIOT_API_KEYS: '' })
    assert.notEqual(code, 0)
    assert.match(stderr, /openssl rand -base64 32/)
  },

  'comes up with three workers': async () => {
    await compose(['up', '-d', '--build', '--scale', `worker=${WORKERS}`])
    api = await findApi()
    assert.equal(await api.status('/readyz', undefined), 200)
  },

  'does not start an api without a key by any other way': async () => {
    const { code, stdout } = await tryDocker(['run', '--rm', TRIAL_IMAGES.api])
    assert.equal(code, 78)
    assert.match(stdout, /expected FOLIOT_API_KEYS/)
  },

  'asks everybody for a key': async () => {
    assert.equal(await theApi().status('/v1/workers', undefined), 401)
    assert.equal(await theApi().status('/v1/workers', 'wrong'), 401)
    assert.equal(await theApi().status('/metrics', key), 200)
    const [worker = ''] = await idsOf('worker')
    const code = "console.log((await fetch('http://127.0.0.1:3001/metrics')).status)"
    assert.equal(await nodeIn(worker, code), '401')
  },

  'makes a key by its command, and takes it': async () => {
    const create = ['keys', 'create', '--name', 'trial', '--scopes', 'read', '--all-tenants', '--json']
    await compose(['build', 'foliot'])
    const made = await compose(['run', '--rm', '-T', 'foliot', ...create])
    const { id, key: secret } = JSON.parse(made.split('\n').at(-1) as string) as { id: string; key: string }
    await until('the key to count', async () => (await theApi().status('/v1/workers', secret)) === 200)
    await compose(['run', '--rm', '-T', 'foliot', 'keys', 'revoke', id])
    await until('the key to count no more', async () => (await theApi().status('/v1/workers', secret)) === 401)
  },

  'runs without rights, on a root that it cannot write to': async () => {
    const code = `
      import { readFileSync, writeFileSync } from 'node:fs'
      const status = readFileSync('/proc/self/status', 'utf8')
      console.log(process.getuid(), status.match(/CapBnd:\\t(\\w+)/)[1], status.match(/NoNewPrivs:\\t(\\d)/)[1])
      try { writeFileSync('/app/file', '') } catch (error) { console.log(error.code) }`
    for (const id of (await Promise.all(['api', 'worker', 'recorder', 'scheduler'].map(idsOf))).flat()) {
      assert.deepEqual((await nodeIn(id, code)).split('\n'), ['1000 0000000000000000 1', 'EROFS'])
    }
  },

  'passes its own health checks': () =>
    until('eight healthy containers', async () => {
      const ids = (await Promise.all(SERVICES.map(idsOf))).flat()
      const healths = await Promise.all(ids.map((id) => inspect(id, '{{.State.Health.Status}}')))
      return healths.length === WORKERS + 5 && healths.every((health) => health === 'healthy')
    }),

  'has a PostgreSQL that lets in whoever has its password alone': async () => {
    const [postgres = ''] = await idsOf('postgres')
    const ask = (password: string) => {
      const query = `PGPASSWORD=${password} psql -h 127.0.0.1 -U foliot -tAc 'SELECT current_database()' foliot`
      return tryDocker(['exec', postgres, 'sh', '-c', query])
    }
    assert.deepEqual(await ask('$(cat /secrets/postgres)'), { code: 0, stdout: 'foliot\n', stderr: '' })
    assert.match((await ask('wrong')).stderr, /password authentication failed/)
  },

  'takes what finished into the history': async () => {
    const { id } = await theApi().enqueue('demo.echo', { hello: 'history' })
    const [postgres = ''] = await idsOf('postgres')
    const query = `SELECT status FROM foliot.jobs WHERE id = '${id}'`
    const ask = [
      'exec',
      postgres,
      'sh',
      '-c',
      `PGPASSWORD=$(cat /secrets/postgres) psql -h 127.0.0.1 -U foliot -tAc "${query}" foliot`,
    ]
    await until('the job to be recorded', async () => (await tryDocker(ask)).stdout === 'succeeded\n')
    assert.equal((await theApi().job(id)).status, 'succeeded')
  },

  'fires a schedule': async () => {
    await theApi().schedule('trial')
    await until('three jobs of it', async () => (await theApi().jobsOf('trial')).length >= 3)
  },

  'spreads jobs over all workers': async () => {
    const jobs = await Promise.all(Array.from({ length: 30 }, () => theApi().enqueue('demo.sleep', { ms: 1000 })))
    const ended = await Promise.all(jobs.map(({ id }) => theApi().ended(id)))
    assert.ok(ended.every(({ status }) => status === 'succeeded'))
    assert.equal(new Set(ended.flatMap(startedBy)).size, WORKERS)
  },

  'finishes the job of a killed worker on another one': async () => {
    const { id } = await theApi().enqueue('demo.sleep', { ms: 3000 })
    await until('the job to run', async () => (await theApi().job(id)).status === 'running')
    const [first = ''] = startedBy(await theApi().job(id))
    await docker(['kill', '--signal', 'KILL', first])
    const job = await theApi().ended(id)
    assert.equal(job.status, 'succeeded')
    assert.equal(startedBy(job).length, 2)
    assert.notEqual(startedBy(job)[1], first)
    await docker(['start', first])
  },

  'starts a worker again that has died': async () => {
    const { id } = await theApi().enqueue('demo.crash', { times: 1 })
    assert.equal((await theApi().ended(id)).status, 'succeeded')
    const restarts = await Promise.all((await idsOf('worker')).map((id) => inspect(id, '{{.RestartCount}}')))
    assert.deepEqual(restarts.sort(), ['0', '0', '1'])
  },

  'stops cleanly, and goes on with the same data': async () => {
    const { id } = await theApi().enqueue('demo.sleep', { ms: 60_000 })
    await until('the job to run', async () => (await theApi().job(id)).status === 'running')
    await compose(['stop'])
    const ids = (await Promise.all(SERVICES.map(idsOf))).flat()
    assert.deepEqual(new Set(await Promise.all(ids.map((id) => inspect(id, '{{.State.ExitCode}}')))), new Set(['0']))
    await compose(['start'])
    api = await findApi()
    await until('the job to run again', async () => (await theApi().job(id)).status === 'running')
    const events = (await theApi().job(id)).timeline.map(({ event }) => event)
    assert.deepEqual(events, ['created', 'started', 'handed_back', 'started'])
  },
}

// Ctrl-C and SIGTERM end the trial, but what it has started is taken down.
const interrupted = Promise.withResolvers<never>()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (process.connected) process.send?.(signal)
    interrupted.reject(new Error(`ended by ${signal}`))
  })
}

let passed = 0
try {
  for (const [name, step] of Object.entries(STEPS)) {
    const error: unknown = await Promise.race([
      step().then(
        () => undefined,
        (thrown) => thrown ?? 'nothing',
      ),
      interrupted.promise,
    ])
    if (error === undefined) passed++
    console.log(...(error === undefined ? [`ok    ${name}`] : [`FAIL  ${name}\n`, error]))
  }
} catch (error) {
  console.error(error)
} finally {
  await compose(['down', '--volumes'])
  await leftovers.remove()
}
const failed = Object.keys(STEPS).length - passed
console.log(lastLine({ passed, failed }))
process.exit(failed === 0 ? 0 : 1)
