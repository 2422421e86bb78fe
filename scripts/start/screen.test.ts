import { describe, expect, it } from 'vitest'
import { renderScreen } from './screen.ts'

const facts = {
  apiUrl: 'http://127.0.0.1:3000/',
  workerUrl: 'http://127.0.0.1:4000',
  redisUrl: 'redis://127.0.0.1:5000',
  redisDir: '/here/.foliot/redis',
  databaseUrl: 'postgres://foliot:s3cret@127.0.0.1:6000/foliot',
  databaseDir: '/here/.foliot/postgres',
  jobs: 'demo,other',
  hasDemo: true,
  hasKeys: false,
}

describe('renderScreen', () => {
  it('says what runs where', () => {
    const screen = renderScreen(facts)
    expect(screen).toMatch(/REST API +http:\/\/127.0.0.1:3000 +open/)
    expect(screen).toMatch(/Reference +http:\/\/127.0.0.1:3000\/docs$/m)
    expect(screen).toMatch(/Bull Board +http:\/\/127.0.0.1:3000\/board$/m)
    expect(screen).toMatch(/Worker +http:\/\/127.0.0.1:4000\/healthz +demo,other$/m)
    expect(screen).toMatch(/Redis +redis:\/\/127.0.0.1:5000 +\/here\/.foliot\/redis$/m)
    expect(screen).toMatch(/PostgreSQL +postgres:\/\/foliot:\*\*\*@127.0.0.1:6000\/foliot +\/here\/.foliot\/postgres$/m)
    expect(Math.max(...screen.split('\n').map((line) => line.length))).toBeLessThan(180)
  })

  it('says whose servers they are that it did not start, and what is lost without a PostgreSQL', () => {
    const given = renderScreen({ ...facts, redisDir: undefined, databaseDir: undefined })
    expect(given).toMatch(/ from FOLIOT_REDIS_URL$/m)
    expect(given).toMatch(/ from FOLIOT_DATABASE_URL$/m)
    expect(renderScreen({ ...facts, databaseUrl: undefined })).toMatch(/PostgreSQL +none +no history is kept$/m)
  })

  it('gives three lines to try, which can be pasted as they are', () => {
    const lines = renderScreen(facts)
      .split('\n')
      .filter((line) => line.includes('curl '))
    expect(lines.map((line) => /demo\.\w+|\/wait/.exec(line)?.[0])).toEqual(['demo.echo', '/wait', 'demo.fail'])
    expect(lines[2]).toContain('/v1/dead-letters')
    expect(lines.join('\n')).not.toMatch(/<\w+/)
  })

  it('leaves a place for the key if one is needed', () => {
    expect(renderScreen({ ...facts, hasKeys: true }).match(/curl -s -H 'authorization: Bearer <key>'/g)).toHaveLength(4)
  })

  it('asks for the job types if the demo is not loaded', () => {
    expect(renderScreen({ ...facts, hasDemo: false })).not.toContain('demo.')
    expect(renderScreen({ ...facts, hasDemo: false })).toContain('/v1/job-types')
  })

  it('shows an address that can be opened, and never a password', () => {
    const screen = renderScreen({ ...facts, apiUrl: 'http://0.0.0.0:3000', redisUrl: 'redis://me:s3cret@r:1/2' })
    expect(screen).toContain(' http://127.0.0.1:3000 ')
    expect(screen).toContain('redis://me:***@r:1/2')
    expect(screen).not.toContain('s3cret')
  })
})
