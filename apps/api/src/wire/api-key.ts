import { DEFAULT_TENANT, isKeyName, isTenantName, KEY_NAME_MAX, KEY_NAME_RULE, SCOPES } from '@foliot/access'
import { z } from 'zod'
import { page } from './list.ts'

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS

/** `[a-z0-9][a-z0-9._-]*`, 63 characters at most. */
const TenantName = z
  .string()
  .refine(isTenantName, 'expected a name like "acme" ([a-z0-9][a-z0-9._-]*, at most 63 characters)')
  .meta({ pattern: '^[a-z0-9][a-z0-9._-]{0,62}$' })

const time = z.string().describe('RFC 3339, UTC')

const fields = {
  id: z.string(),
  name: z.string(),
  tenant: z.string().nullable().describe('Whose jobs it sees and moves; null for those of all.'),
  scopes: z.array(z.enum(SCOPES)),
  createdAt: time,
  createdBy: z.string().describe('The name of the key by which it was made.'),
  expiresAt: time.nullable().describe('It counts until then; null for no end.'),
  lastUsedAt: time.nullable().describe('Up to a minute behind.'),
  revokedAt: time.nullable(),
  replacedBy: z.string().nullable().describe('The id of the key that a rotation made in its place.'),
}

export const ApiKey = z.object(fields)

export const NewKey = z.object({
  ...fields,
  key: z.string().describe('The secret, shown this once: it is stored nowhere.'),
})

export const ApiKeyList = z.object({
  items: z.array(ApiKey),
  nextCursor: z.string().nullable().describe('null on the last page.'),
})

export const ListApiKeys = z.strictObject({
  ...page,
  tenant: TenantName.optional().describe('Keys of this tenant alone, without those of all tenants.'),
})

export const CreateApiKey = z.strictObject({
  name: z
    .string()
    .refine(isKeyName, `expected ${KEY_NAME_RULE}`)
    .meta({ minLength: 1, maxLength: KEY_NAME_MAX, description: 'For people: what or whom it is for.' }),
  scopes: z.array(z.enum(SCOPES)).min(1).describe('What it may do. `admin` includes the others.'),
  tenant: TenantName.nullable()
    .optional()
    .describe(
      `Whose jobs it sees and moves; null for those of all. Default: the tenant of the caller, \`${DEFAULT_TENANT}\` for one of all.`,
    ),
  expiresAt: z.iso.datetime({ offset: true }).nullable().optional().describe('Default: it has no end.'),
})

const OVERLAP_MAX_DAYS = 30

export const RotateApiKey = z.strictObject({
  overlapMs: z
    .int()
    .min(0)
    .max(OVERLAP_MAX_DAYS * DAY_MS)
    .default(DAY_MS)
    .describe('How long the old key goes on; 0 ends it now.'),
})

z.globalRegistry.add(ApiKey, { id: 'ApiKey' })
z.globalRegistry.add(NewKey, { id: 'NewApiKey' })
z.globalRegistry.add(ApiKeyList, { id: 'ApiKeyList' })
