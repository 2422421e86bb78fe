import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { exitOnSettingsError, SettingsError } from './settings-error.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

function run(main: string): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const flags = ['--conditions=source', '--input-type=module-typescript', '--eval', main]
  return new Promise((resolve) => {
    execFile(process.execPath, flags, { cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr })
    })
  })
}

it('ends the process with code 78 and a line for each problem', async () => {
  const main = `
    import { exitOnSettingsError, port, readEnv, secret } from './index.ts'
    const pieces = { FOLIOT_API_PORT: port(), FOLIOT_API_KEYS: secret() }
    exitOnSettingsError(() => readEnv(pieces, { FOLIOT_API_PORT: 'web' }))
    console.log('started')`
  expect(await run(main)).toEqual({
    code: 78,
    stdout: '',
    stderr: [
      '2 settings are wrong:',
      '  FOLIOT_API_PORT: expected a port from 0 to 65535, got "web"; correct it',
      '  FOLIOT_API_KEYS: expected a secret, got nothing; set it',
      'Every name and its default stands in .env.example.',
      '',
    ].join('\n'),
  })
})

it('gives what was read, and does not touch other errors', () => {
  expect(exitOnSettingsError(() => 7)).toBe(7)
  const read = () => {
    throw new RangeError('not a setting')
  }
  expect(() => exitOnSettingsError(read)).toThrow(new RangeError('not a setting'))
})

it('speaks of one problem in the singular', () => {
  expect(new SettingsError(['X: wrong']).message).toMatch(/^A setting is wrong:\n {2}X: wrong\n/)
})
