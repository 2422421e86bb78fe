import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { defineJob } from '@foliot/jobs'
import { temporaryFolder } from '@foliot/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { runnablesOf } from './fixtures/runnables.ts'
import { groupByQueue, loadJobPacks } from './job-packs.ts'

let folder: string
beforeAll(async () => {
  folder = await temporaryFolder()
})

const load = (...modules: string[]) => loadJobPacks(modules, folder)

async function write(file: string, code: string): Promise<string> {
  await mkdir(dirname(join(folder, file)), { recursive: true })
  await writeFile(join(folder, file), code)
  return `./${file}`
}

// A folder of its own has no node_modules to find these in.
const imports = `
  import { defineJob, jobPack } from ${JSON.stringify(import.meta.resolve('@foliot/jobs'))}
  import { z } from ${JSON.stringify(import.meta.resolve('zod'))}
`

/** A module with one job type. */
const pack = (type: string, options = ''): string => `${imports}
  const definition = defineJob({ name: '${type}', input: z.object({ to: z.string() }), ${options} })
  export default jobPack([definition], { '${type}': ({ to }) => 'hello ' + to })`

describe('loadJobPacks', () => {
  it('loads files and packages as the folder sees them, with what is announced of each type', async () => {
    const file = await write('greet.mjs', pack('greet.one', "queue: 'greetings', version: 2"))
    await write(
      'node_modules/@acme/jobs/package.json',
      '{"name": "@acme/jobs", "type": "module", "exports": "./main.js"}',
    )
    await write('node_modules/@acme/jobs/main.js', pack('greet.two'))
    const runnables = await load(
      file,
      '@acme/jobs',
      join(folder, (await write('three.mjs', pack('greet.three'))).slice(2)),
    )
    expect([...runnables.keys()]).toEqual(['greet.one', 'greet.two', 'greet.three'])
    const one = runnables.get('greet.one')
    expect(one?.handler({ to: 'you' }, undefined as never)).toBe('hello you')
    expect(one?.definition).toMatchObject({ name: 'greet.one', version: 2, timeoutMs: 60_000 })
    expect(one?.type).toMatchObject({
      name: 'greet.one',
      queue: 'greetings',
      version: 2,
      inputSchema: { type: 'object', properties: { to: { type: 'string' } } },
    })
  })

  it('refuses to start without any', async () => {
    await expect(load()).rejects.toThrow(
      new TypeError('expected FOLIOT_JOBS to name the modules with the jobs to run, got none'),
    )
  })

  it.each([
    ['a file that is not there', './nowhere.mjs', "Cannot find module './nowhere.mjs'"],
    ['a package that is not installed', '@acme/nowhere', "Cannot find module '@acme/nowhere'"],
    ['a file named without its ./', 'greet.mjs', "Cannot find module 'greet.mjs'"],
  ])('names %s and where it looked, in one line', async (_, name, reason) => {
    await expect(load(name)).rejects.toThrow(
      new TypeError(`expected to load ${name}, which FOLIOT_JOBS names, from ${folder}: ${reason}`),
    )
  })

  it('passes on what a module throws while it is loaded', async () => {
    const file = await write('throws.mjs', "throw new Error('MAIL_URL is missing\\nset it')")
    await expect(load(file)).rejects.toThrow(/^expected to load \.\/throws\.mjs, .*: MAIL_URL is missing$/)
    const twice = await write('twice.mjs', pack('greet.twice').replace('[definition]', '[definition, definition]'))
    await expect(load(twice)).rejects.toThrow(/: job type "greet\.twice" is defined twice in one pack$/)
    const nothing = await write('nothing.mjs', 'throw undefined')
    await expect(load(nothing)).rejects.toThrow(/: undefined$/)
  })

  it.each([
    ['no default export', 'export const jobs = []', 'undefined'],
    ['a default export of another kind', 'export default 1', 'number'],
    ['null', 'export default null', 'object'],
    ['jobs without handlers', 'export default { jobs: [] }', 'object'],
    ['jobs that are no list', 'export default { jobs: {}, handlers: {} }', 'object'],
    ['handlers that are null', 'export default { jobs: [], handlers: null }', 'object'],
  ])('refuses a module with %s', async (what, code, got) => {
    const file = await write(`${what.replaceAll(' ', '-')}.mjs`, code)
    await expect(load(file)).rejects.toThrow(
      new TypeError(`expected the default export of ${file} to be jobPack(jobs, handlers), got ${got}`),
    )
  })

  it('refuses a job type without a handler, if a pack was made without jobPack', async () => {
    const file = await write(
      'bare.mjs',
      pack('greet.bare').replace('jobPack([definition]', '((jobs) => ({ jobs, handlers: {} }))([definition]'),
    )
    await expect(load(file)).rejects.toThrow(
      new TypeError(`expected ${file} to have a handler for job type "greet.bare", got undefined`),
    )
  })

  it('refuses a schema that cannot be announced', async () => {
    const file = await write('date.mjs', pack('greet.date').replace('z.string()', 'z.date()'))
    await expect(load(file)).rejects.toThrow(/^job "greet\.date": its input cannot be said in JSON Schema: /)
  })

  it('refuses a type that two modules define', async () => {
    const [a, b] = [await write('a.mjs', pack('greet.same')), await write('b.mjs', pack('greet.same'))]
    await expect(load(a, b)).rejects.toThrow(
      new TypeError(`job type "greet.same" is defined by two modules in FOLIOT_JOBS; one is ${b}`),
    )
  })
})

describe('groupByQueue', () => {
  const define = (name: string, queue: string) => defineJob({ name, queue, input: z.unknown() })
  const runnables = runnablesOf(
    [define('mail.send', 'email'), define('mail.sort', 'email'), define('disk.tidy', 'disk')],
    {
      'mail.send': () => null,
      'mail.sort': () => null,
      'disk.tidy': () => null,
    },
  )
  const group = (...only: string[]) =>
    Object.fromEntries(
      [...groupByQueue(runnables, only)].map(([queue, found]) => [queue, found.map(({ type }) => type.name)]),
    )

  it('serves the queues of all types', () => {
    expect(group()).toEqual({ email: ['mail.send', 'mail.sort'], disk: ['disk.tidy'] })
  })

  it('serves only the queues that it is told to', () => {
    expect(group('disk')).toEqual({ disk: ['disk.tidy'] })
    expect(group('disk', 'email')).toEqual(group())
  })

  it('refuses a queue that no loaded type belongs to', () => {
    expect(() => group('disk', 'emial')).toThrow(
      new TypeError('expected FOLIOT_QUEUES to name queues of the loaded jobs (email, disk), got "emial"'),
    )
  })
})
