import { parseArgs } from 'node:util'
import { revokeApiKey } from '@foliot/history'
import { FoliotError, isJobId } from '@foliot/jobs'
import { type Command, UsageError } from '../command.ts'
import { withDatabase } from '../with-database.ts'
import { spreadKeys } from './key-store.ts'

const HELP = `foliot keys revoke ID

Ends an API key: within seconds it counts nowhere, and streams that were opened with it end. One that is revoked stays so.
\`foliot keys list\` shows the ids.

It asks the PostgreSQL of FOLIOT_DATABASE_URL, and tells the Redis of FOLIOT_REDIS_URL.`

export const revokeKey: Command = {
  summary: 'end an API key',
  help: HELP,
  async run(args, surroundings) {
    const { positionals } = parseArgs({ args, options: {}, strict: true, allowPositionals: true })
    const [id = '', ...surplus] = positionals
    if (!isJobId(id) || surplus.length > 0) {
      const came = positionals.length === 0 ? 'none' : JSON.stringify(positionals.join(' '))
      throw new UsageError(`Expected the id of one key, as \`foliot keys list\` shows it, got ${came}.`)
    }
    const revoked = await withDatabase(surroundings, async (db) => {
      const changed = await revokeApiKey(db, id, undefined, Date.now())
      if (changed) await spreadKeys(db, surroundings)
      return changed?.key
    })
    if (!revoked) throw new FoliotError('not_found', `there is no API key ${id}`, { hint: 'see `foliot keys list`' })
    await surroundings.out(`revoked ${revoked.id} (${revoked.name})`)
  },
}
