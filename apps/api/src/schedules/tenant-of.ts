import { DEFAULT_TENANT, isTenantName } from '@foliot/access'
import { FoliotError } from '@foliot/jobs'
import { invalid } from '../problem.ts'
import type { Viewer } from '../viewer.ts'

/**
 * Whose schedule or calendar is meant, where names are told apart by tenant.
 *
 * @param noSuch what is said of one of another tenant than the viewer's: as of one that there never was
 * @throws FoliotError that, and `validation_failed`
 */
export function tenantOf({ tenant: own }: Viewer, asked: string | undefined, noSuch: () => FoliotError): string {
  if (asked === undefined || asked === own) return own ?? DEFAULT_TENANT
  if (own !== undefined) throw noSuch()
  if (isTenantName(asked)) return asked
  const message = `expected the name of a tenant like "acme" ([a-z0-9][a-z0-9._-]*), got ${JSON.stringify(asked)}`
  throw invalid('the query string is not as expected', [{ path: '/tenant', message }])
}

/**
 * For whom something new is made, or looked into: there is nothing yet that could be hidden.
 *
 * @throws FoliotError `forbidden`, `validation_failed`
 */
export const tenantFor = (viewer: Viewer, asked: string | undefined): string =>
  tenantOf(
    viewer,
    asked,
    () =>
      new FoliotError(
        'forbidden',
        `expected no tenant but ${viewer.tenant}, as the key’s is, got ${JSON.stringify(asked)}`,
        {
          hint: 'leave `tenant` out, or ask with a key of all tenants',
        },
      ),
  )
