import { DEFAULT_TENANT, isTenantName } from '@foliot/access'
import { FoliotError } from '@foliot/jobs'
import { invalid } from '../problem.ts'
import type { Viewer } from '../viewer.ts'

/**
 * Whose schedule or calendar is meant, where names are told apart by tenant.
 *
 * @throws FoliotError `forbidden`, `validation_failed`
 */
export function tenantOf({ tenant: own }: Viewer, asked: string | undefined): string {
  if (asked === undefined || asked === own) return own ?? DEFAULT_TENANT
  if (own !== undefined) {
    throw new FoliotError('forbidden', `expected no tenant but ${own}, as the key’s is, got ${JSON.stringify(asked)}`, {
      hint: 'leave `tenant` out, or ask with a key of all tenants',
    })
  }
  if (isTenantName(asked)) return asked
  const message = `expected the name of a tenant like "acme" ([a-z0-9][a-z0-9._-]*), got ${JSON.stringify(asked)}`
  throw invalid('the query string is not as expected', [{ path: '/tenant', message }])
}
