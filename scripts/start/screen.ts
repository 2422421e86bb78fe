/** What runs where. */
export interface ScreenFacts {
  apiUrl: string
  workerUrl: string
  redisUrl: string
  /** Where the data of our own Redis is; undefined if it is not ours. */
  redisDir: string | undefined
  /** Undefined: there is none, so there is no history. */
  databaseUrl: string | undefined
  /** Where the data of our own PostgreSQL is; undefined if it is not ours. */
  databaseDir: string | undefined
  /** The modules that the worker has loaded, joined by commas. */
  jobs: string
  /** Whether those include the demo, which the lines to try are about. */
  hasDemo: boolean
  hasKeys: boolean
}

/** The one screen that `npm start` shows when everything is up. */
export function renderScreen(facts: ScreenFacts): string {
  const api = reachable(facts.apiUrl)
  const rows = [
    ['REST API', api, facts.hasKeys ? 'asks for a key' : 'open, as FOLIOT_API_KEYS is not set'],
    ['Reference', `${api}/docs`, ''],
    ['Bull Board', `${api}/board`, ''],
    ['Worker', `${reachable(facts.workerUrl)}/healthz`, facts.jobs],
    ['Redis', withoutPassword(facts.redisUrl), facts.redisDir ?? 'from FOLIOT_REDIS_URL'],
    facts.databaseUrl === undefined
      ? ['PostgreSQL', 'none', 'no history is kept']
      : ['PostgreSQL', withoutPassword(facts.databaseUrl), facts.databaseDir ?? 'from FOLIOT_DATABASE_URL'],
  ]
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const table = rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('   ')}`.trimEnd())
  return ['', 'Foliot is running.', '', ...table, '', ...linesToTry(api, facts), '', 'Ctrl-C stops it.', ''].join('\n')
}

function linesToTry(api: string, { hasDemo, hasKeys }: ScreenFacts): string[] {
  const curl = `curl -s${hasKeys ? " -H 'authorization: Bearer <key>'" : ''}`
  if (!hasDemo) return ['See what it can run:', '', `  ${curl} ${api}/v1/job-types`]
  const post = `${curl} -H 'content-type: application/json' ${api}/v1/jobs -d`
  return [
    'Try it: send a job, wait for its result, and send one that fails until it is a dead letter:',
    '',
    `  id=$(${post} '{"type":"demo.echo","input":{"hello":"world"}}' | cut -d'"' -f4)`,
    `  ${curl} ${api}/v1/jobs/$id/wait`,
    `  ${post} '{"type":"demo.fail","input":{"times":3}}'; sleep 5; ${curl} ${api}/v1/dead-letters`,
  ]
}

/** An address to type into a browser: "every address of this machine" is none. */
function reachable(url: string): string {
  return url.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]').replace(/\/$/, '')
}

function withoutPassword(text: string): string {
  const url = new URL(text)
  if (url.password !== '') url.password = '***'
  return url.href
}
