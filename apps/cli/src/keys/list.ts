import { parseArgs } from 'node:util'
import { isTenantName } from '@foliot/access'
import { type ApiKeyRecord, type KeyPosition, listApiKeys, shownKey } from '@foliot/history'
import { type Command, UsageError } from '../command.ts'
import { withDatabase } from '../with-database.ts'
import { stateOf } from './state-of.ts'

const HELP = `foliot keys list [--tenant TENANT] [--json]

Lists the API keys of the store, the newest first, also revoked and expired ones. Secrets are stored nowhere.

  --tenant TENANT      keys of this tenant alone
  --json               one JSON object a line, as GET /v1/api-keys shows them

It asks the PostgreSQL of FOLIOT_DATABASE_URL.`

const PAGE = 500

export const listKeys: Command = {
  summary: 'list API keys',
  help: HELP,
  async run(args, surroundings) {
    const options = { tenant: { type: 'string' }, json: { type: 'boolean', default: false } } as const
    const { values } = parseArgs({ args, options, strict: true, allowPositionals: false })
    const { tenant, json } = values
    if (tenant !== undefined && !isTenantName(tenant)) {
      throw new UsageError(`Expected --tenant with a name like acme, got ${JSON.stringify(tenant)}.`)
    }
    const keys = await withDatabase(surroundings, async (db) => {
      const all: ApiKeyRecord[] = []
      for (let after: KeyPosition | undefined; ; after = all.at(-1)) {
        const page = await listApiKeys(db, tenant, PAGE, after)
        all.push(...page.keys)
        if (!page.more) return all
      }
    })
    if (json) for (const key of keys) await surroundings.out(JSON.stringify(shownKey(key)))
    else if (keys.length === 0) surroundings.note('There are none.')
    else for (const line of toTable(keys, Date.now())) await surroundings.out(line)
  },
}

function toTable(keys: readonly ApiKeyRecord[], now: number): string[] {
  const head = ['ID', 'NAME', 'TENANT', 'SCOPES', 'STATE', 'CREATED', 'EXPIRES', 'LAST USED']
  const rows = keys.map((key) => {
    const { id, name, tenant, scopes, createdAt, expiresAt, lastUsedAt } = shownKey(key)
    const cells = [id, name, tenant ?? '(all)', scopes.join(','), stateOf(key, now)]
    return [...cells, createdAt ?? '', expiresAt ?? 'never', lastUsedAt ?? 'never']
  })
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]?.length ?? 0)))
  return [head, ...rows].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
