import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { Schema } from './schema.ts'

/**
 * Leaves the planner one way to go until the transaction ends, so that nothing hangs on its statistics, which know little
 * of the day that has just begun: reading in an `order` that an index has, or all that an `index` finds.
 */
export async function allow(tx: Transaction<Schema>, way: 'order' | 'index'): Promise<void> {
  const inOrder = way === 'order' ? 'on' : 'off'
  const byIndex = way === 'index' ? 'on' : 'off'
  await sql`
    select set_config('enable_seqscan', 'off', true), set_config('max_parallel_workers_per_gather', '0', true),
      set_config('enable_indexscan', ${inOrder}, true), set_config('enable_indexonlyscan', ${inOrder}, true),
      set_config('enable_bitmapscan', ${byIndex}, true), set_config('enable_sort', ${byIndex}, true),
      set_config('work_mem', '64MB', true)`.execute(tx)
}

/** Conditions that all have to hold. */
export const and = (conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> =>
  conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `)
