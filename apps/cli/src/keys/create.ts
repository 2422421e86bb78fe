import { parseArgs } from 'node:util'
import {
  DEFAULT_TENANT,
  digestOf,
  isKeyName,
  isTenantName,
  KEY_NAME_RULE,
  newSecret,
  SCOPES,
  type Scope,
} from '@foliot/access'
import { createApiKey, createFirstApiKey, type NewApiKey, shownKey } from '@foliot/history'
import { type Command, UsageError } from '../command.ts'
import { readTime } from '../read-time.ts'
import { withDatabase } from '../with-database.ts'
import { spreadKeys } from './key-store.ts'

const HELP = `foliot keys create --name NAME --scopes SCOPE[,SCOPE…] [--tenant TENANT | --all-tenants] [--expires-at TIME] [--json]

Makes an API key and shows its secret, this once: it is stored nowhere.

  --name NAME          for people: what or whom it is for
  --scopes SCOPES      ${SCOPES.join(', ')}; admin includes the others
  --tenant TENANT      whose jobs it sees and moves; default: ${DEFAULT_TENANT}
  --all-tenants        those of all tenants
  --expires-at TIME    when it ends, like 2030-01-31T12:00:00Z; default: never
  --first              only if there is no key at all, else nothing is made; an api that is open to its machine stays so
  --json               answer one JSON object, as POST /v1/api-keys does

It asks the PostgreSQL of FOLIOT_DATABASE_URL, and tells the Redis of FOLIOT_REDIS_URL.`

const OPTIONS = {
  name: { type: 'string' },
  scopes: { type: 'string' },
  tenant: { type: 'string' },
  'all-tenants': { type: 'boolean', default: false },
  'expires-at': { type: 'string' },
  first: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const

export const createKey: Command = {
  summary: 'make an API key',
  help: HELP,
  async run(args, surroundings) {
    const { values } = parseArgs({ args, options: OPTIONS, strict: true, allowPositionals: false })
    const now = Date.now()
    const secret = newSecret()
    const key: NewApiKey = {
      name: readName(values.name),
      digest: digestOf(secret),
      tenant: readTenant(values.tenant, values['all-tenants']),
      scopes: readScopes(values.scopes),
      createdBy: 'foliot keys create',
      expiresAt: readExpiry(values['expires-at'], now),
    }
    const made = await withDatabase(surroundings, async (db) => {
      const record = await (values.first ? createFirstApiKey : createApiKey)(db, key, now)
      if (record) await spreadKeys(db, surroundings)
      return record
    })
    if (!made) return surroundings.note('There are keys: none was made.')
    const shown = shownKey(made)
    if (values.json) return await surroundings.out(JSON.stringify({ ...shown, key: secret }))
    const rows = [
      ['id', shown.id],
      ['name', shown.name],
      ['tenant', shown.tenant ?? 'all'],
      ['scopes', shown.scopes.join(', ')],
      ['expires', shown.expiresAt ?? 'never'],
      ['key', secret],
    ]
    for (const [name = '', value = ''] of rows) await surroundings.out(`${name.padEnd(9)}${value}`)
    surroundings.note('\nThe key is shown this once: it is stored nowhere.')
  },
}

function readName(text: string | undefined): string {
  if (text !== undefined && isKeyName(text)) return text
  throw wrong('--name with', KEY_NAME_RULE, '', text)
}

function readScopes(text: string | undefined): Scope[] {
  const scopes = (text ?? '').split(/[,+]/).map((scope) => scope.trim())
  if (scopes.every((scope): scope is Scope => (SCOPES as readonly string[]).includes(scope)))
    return [...new Set(scopes)]
  throw wrong('--scopes with one or more of', SCOPES.join(', '), 'separated by commas', text)
}

function readTenant(text: string | undefined, isForAll: boolean): string | null {
  if (text !== undefined && isForAll) throw new UsageError('Expected --tenant or --all-tenants, got both.')
  if (isForAll) return null
  if (text === undefined || isTenantName(text)) return text ?? DEFAULT_TENANT
  throw wrong('--tenant with a name like', 'acme', '([a-z0-9][a-z0-9._-]*, at most 63 characters)', text)
}

function readExpiry(text: string | undefined, now: number): number | null {
  if (text === undefined) return null
  const at = readTime(text)
  if (at !== undefined && at > now) return at
  throw wrong('--expires-at with a time to come like', '2030-01-31T12:00:00Z', '', text)
}

const wrong = (option: string, what: string, more: string, came: string | undefined): UsageError =>
  new UsageError(
    `Expected ${[option, what, more].filter((part) => part !== '').join(' ')}, got ${came === undefined ? 'none' : JSON.stringify(came)}.`,
  )
