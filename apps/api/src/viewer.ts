import type { ApiKey } from '@foliot/access'
import { FoliotError } from '@foliot/jobs'

/** Whose jobs somebody sees and moves: those of one tenant, or of all. A caller is one. */
export type Viewer = Pick<ApiKey, 'tenant'>

export const ALL_TENANTS: Viewer = Object.freeze({ tenant: undefined })

export const isVisible = (job: { tenant: string }, { tenant }: Viewer): boolean =>
  tenant === undefined || tenant === job.tenant

/**
 * Refuses those who see one tenant what all tenants share.
 *
 * @param what it is, for people: "the limits of a queue"
 * @throws FoliotError `forbidden`
 */
export function assertAllTenants({ tenant }: Viewer, what: string): void {
  if (tenant === undefined) return
  throw new FoliotError('forbidden', `expected a key of all tenants, got one of ${tenant}`, {
    hint: `${what} concern all tenants alike`,
  })
}
