import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { temporaryFolder } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { envNameProblems } from './env-names.ts'

async function check(files: Readonly<Record<string, string>>): Promise<string[]> {
  const root = await temporaryFolder()
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true })
    await writeFile(join(root, file), text)
  }
  return envNameProblems(root)
}

it('finds names that are only in the sources or only in the example', async () => {
  const problems = await check({
    '.env.example': '# FOLIOT_API is part of FOLIOT_KEYS\n# FOLIOT_API_PORT=1\nFOLIOT_OLD=\n',
    'apps/api/src/env.ts':
      '/** As in\n * FOLIOT_EXAMPLE. */\nFOLIOT_API_PORT, FOLIOT_API, and every FOLIOT_*\n// FOLIOT_OTHER',
    'infra/docker/Dockerfile': 'ENV FOLIOT_HOST=1',
    'docker-compose.yml': '# FOLIOT_NOTE\nkey: $FOLIOT_KEYS',
    'apps/api/src/env.test.ts': 'FOLIOT_TEST_ONLY',
    'packages/testkit/src/a.ts': 'FOLIOT_TEST_ONLY',
    'apps/api/dist/env.ts': 'FOLIOT_BUILT',
  })
  expect(problems.sort()).toEqual([
    'FOLIOT_API (apps/api/src/env.ts) is not in .env.example',
    'FOLIOT_HOST (infra/docker/Dockerfile) is not in .env.example',
    'FOLIOT_KEYS (docker-compose.yml) is not in .env.example',
    'FOLIOT_OLD is in .env.example, but nothing reads it',
  ])
})

it('asks for the example', async () => {
  expect(await check({})).toEqual(['.env.example: there is no such file'])
})
