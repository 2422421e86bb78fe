import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { readEnv } from './read-env.ts'
import { durationMs, flag, list, oneOf, port, secret, text, url } from './setting.ts'
import { SettingsError } from './settings-error.ts'

const redisEnv = { FOLIOT_REDIS_URL: url({ protocols: ['redis:', 'rediss:'] }) }
const workerEnv = {
  FOLIOT_WORKER_PORT: port().default(0),
  FOLIOT_JOBS: list(),
  FOLIOT_SHUTDOWN_GRACE_MS: durationMs().default(25_000),
  FOLIOT_SUPERVISED: flag().default(false),
  FOLIOT_FILES_DIR: text().optional(),
}
const pieces = { ...redisEnv, ...workerEnv }
const enough = { FOLIOT_REDIS_URL: 'redis://localhost', FOLIOT_JOBS: '@foliot/demo' }

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read()
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
  return []
}

describe('readEnv', () => {
  it('reads the pieces of several packages into one frozen object', () => {
    const env = readEnv(pieces, { ...enough, FOLIOT_WORKER_PORT: '8080', FOLIOT_SUPERVISED: '1', HOME: '/root' })
    expect(env).toEqual({
      FOLIOT_REDIS_URL: 'redis://localhost',
      FOLIOT_WORKER_PORT: 8080,
      FOLIOT_JOBS: ['@foliot/demo'],
      FOLIOT_SHUTDOWN_GRACE_MS: 25_000,
      FOLIOT_SUPERVISED: true,
      FOLIOT_FILES_DIR: undefined,
    })
    expect(Object.isFrozen(env)).toBe(true)
  })

  it('types each value by its piece', () => {
    const env = readEnv(pieces, enough)
    expectTypeOf(env.FOLIOT_WORKER_PORT).toEqualTypeOf<number>()
    expectTypeOf(env.FOLIOT_JOBS).toEqualTypeOf<readonly string[]>()
    expectTypeOf(env.FOLIOT_FILES_DIR).toEqualTypeOf<string | undefined>()
    // @ts-expect-error no piece has this name
    expect(env.FOLIOT_API_PORT).toBeUndefined()
  })

  it('takes an empty variable for one that is not set', () => {
    const env = readEnv(pieces, { ...enough, FOLIOT_WORKER_PORT: '', FOLIOT_FILES_DIR: '' })
    expect(env).toMatchObject({ FOLIOT_WORKER_PORT: 0, FOLIOT_FILES_DIR: undefined })
    expect(problemsOf(() => readEnv(pieces, { ...enough, FOLIOT_JOBS: '' }))).toEqual([
      'FOLIOT_JOBS: expected words separated by commas, got nothing; set it',
    ])
  })

  it('reports all problems in one error, a line each', () => {
    const env = { FOLIOT_REDIS_URL: 'http://localhost', FOLIOT_WORKER_PORT: '80a', FOLIOT_API_PROT: '3000' }
    expect(() => readEnv(pieces, env)).toThrow(
      new SettingsError([
        'FOLIOT_REDIS_URL: expected a URL that starts with redis:// or rediss://, got "http://localhost"; correct it',
        'FOLIOT_WORKER_PORT: expected a port from 0 to 65535, got "80a"; correct it, or unset it for the default 0',
        'FOLIOT_JOBS: expected words separated by commas, got nothing; set it',
        'FOLIOT_API_PROT: there is no such setting; did you mean FOLIOT_API_PORT?',
      ]),
    )
  })

  it('says that an optional variable can be left out', () => {
    const piece = { FOLIOT_LOG_LEVEL: oneOf(['info', 'debug']).optional() }
    expect(problemsOf(() => readEnv(piece, { FOLIOT_LOG_LEVEL: 'loud' }))).toEqual([
      'FOLIOT_LOG_LEVEL: expected one of info, debug, got "loud"; correct it, or unset it',
    ])
  })

  it('knows the names of the other apps', () => {
    expect(readEnv({}, { FOLIOT_API_PORT: '3000', FOLIOT_HTTP_ALLOW: 'localhost' })).toEqual({})
  })

  it.each([
    [
      'FOLIOT_PORT',
      'did you mean FOLIOT_API_PORT or FOLIOT_WORKER_PORT or FOLIOT_RECORDER_PORT or FOLIOT_SCHEDULER_PORT?',
    ],
    ['FOLIOT_REDIS', 'did you mean FOLIOT_REDIS_URL?'],
    ['FOLIOT_CONCURENCY', 'did you mean FOLIOT_CONCURRENCY?'],
    ['FOLIOT_WHATEVER_IT_IS', 'unset it, or use one of FOLIOT_REDIS_URL, '],
  ])('refuses %s, also when it is empty: %s', (name, wayOut) => {
    for (const value of ['1', '']) {
      const [problem, ...others] = problemsOf(() => readEnv({}, { [name]: value }))
      expect(problem?.startsWith(`${name}: there is no such setting; ${wayOut}`), problem).toBe(true)
      expect(others).toEqual([])
    }
  })

  it('refuses a piece whose name the platform does not list', () => {
    expect(() => readEnv({ FOLIOT_NEW: text() }, {})).toThrow(
      'expected the name of a setting from packages/settings/src/names.ts, got "FOLIOT_NEW"; add it there',
    )
  })

  it('takes any Zod schema and any name of others', () => {
    const env = readEnv({ OTEL_SERVICE_NAME: z.string().min(3) }, { OTEL_SERVICE_NAME: 'abc' })
    expect(env).toEqual({ OTEL_SERVICE_NAME: 'abc' })
  })

  it('shows only the beginning of a long value', () => {
    const [problem = ''] = problemsOf(() => readEnv({ FOLIOT_API_PORT: port() }, { FOLIOT_API_PORT: '9'.repeat(5000) }))
    expect(problem).toContain('"99')
    expect(problem.length).toBeLessThan(200)
  })
})

describe('secrets', () => {
  const isLong = [(keys: unknown) => String(keys).length > 30, 'expected 30 characters'] as const

  it.each<[string, z.core.$ZodType]>([
    ['plain', secret().refine(...isLong)],
    [
      'optional',
      secret()
        .optional()
        .refine(...isLong),
    ],
    [
      'with a default',
      secret()
        .default('x'.repeat(31))
        .refine(...isLong),
    ],
    [
      'transformed',
      secret()
        .transform((keys) => keys.split(','))
        .refine(...isLong),
    ],
    ['behind a pipe', secret().pipe(z.string().regex(/^\d+$/, 'expected digits')).optional()],
  ])('are not printed when %s', (_, schema) => {
    const [problem] = problemsOf(() => readEnv({ FOLIOT_API_KEYS: schema }, { FOLIOT_API_KEYS: 'hunter2' }))
    expect(problem).toContain('got a value that is not shown')
    expect(problem).not.toContain('hunter2')
  })

  it.each([
    ['http://user:hunter2@host:1/0', '"http://***@host:1/0"'],
    ['http://:hunter2@host', '"http://***@host"'],
    ['http://user:hunt@er2/hunter2@host', '"http://***@host"'],
    ['user:hunter2@host:6379', '"***@host:6379"'],
    ['redis:hunter2@host', '"***@host"'],
    ['host:6379', '"host:6379"'],
  ])('within the URL %s are not printed', (given, shown) => {
    const [problem] = problemsOf(() => readEnv(redisEnv, { FOLIOT_REDIS_URL: given }))
    expect(problem).toContain(`got ${shown}; `)
    expect(problem).not.toContain('hunter2')
  })
})
