import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSettings } from './env.ts'

let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'foliot-env-'))
})

afterAll(() => rm(dir, { recursive: true, force: true }))

describe('readSettings', () => {
  it('allows nothing by default', () => {
    const nothing = { httpAllow: new Set(), filesDir: undefined }
    expect(readSettings({})).toEqual(nothing)
    expect(readSettings({ FOLIOT_HTTP_ALLOW: '', FOLIOT_FILES_DIR: '' })).toEqual(nothing)
  })

  it('reads hosts and a folder', () => {
    expect(readSettings({ FOLIOT_HTTP_ALLOW: 'localhost:8080, 10.0.0.5', FOLIOT_FILES_DIR: dir })).toEqual({
      httpAllow: new Set(['localhost:8080', '10.0.0.5']),
      filesDir: dir,
    })
  })

  it('resolves a relative folder against the current one', () => {
    expect(readSettings({ FOLIOT_FILES_DIR: relative(process.cwd(), dir) }).filesDir).toBe(dir)
  })

  it('tells all that is wrong at once', () => {
    const env = { FOLIOT_HTTP_ALLOW: 'a.example,http://b.example,10.0.0.0/8', FOLIOT_FILES_DIR: join(dir, 'nothing') }
    expect(() => readSettings(env)).toThrow(
      /got "http:\/\/b\.example".*\n.*got "10\.0\.0\.0\/8".*\n.*expected a folder/,
    )
  })

  it('refuses a file for a folder', () => {
    expect(() => readSettings({ FOLIOT_FILES_DIR: import.meta.filename })).toThrow(
      'FOLIOT_FILES_DIR: expected a folder',
    )
  })
})
