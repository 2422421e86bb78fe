import * as history from '@foliot/history'
import { FoliotError } from '@foliot/jobs'
import type { AccessWatch } from './access-watch.ts'

const RETRY_AFTER_S = 5

/** Keys and tenants as the routes change them. While PostgreSQL is away each call is refused as `unavailable`. */
export class AccessStore {
  readonly #db: history.Database | undefined
  readonly #watch: AccessWatch

  constructor(db: history.Database | undefined, watch: AccessWatch) {
    this.#db = db
    this.#watch = watch
  }

  /** So that a key which another process has made just now is known. */
  catchUp(): Promise<void> {
    return this.#watch.catchUp()
  }

  createKey(key: history.NewApiKey): Promise<history.ApiKeyRecord> {
    return this.#change((db) => history.createApiKey(db, key, Date.now()))
  }

  listKeys(owner: history.KeyOwner, limit: number, after?: history.KeyPosition) {
    return this.#ask((db) => history.listApiKeys(db, owner, limit, after))
  }

  readKey(id: string, owner: history.KeyOwner): Promise<history.ApiKeyRecord | undefined> {
    return this.#ask((db) => history.readApiKey(db, id, owner))
  }

  revokeKey(id: string, owner: history.KeyOwner): Promise<history.ChangedKey | undefined> {
    return this.#change((db) => history.revokeApiKey(db, id, owner, Date.now()))
  }

  rotateKey(id: string, owner: history.KeyOwner, rotation: history.Rotation): Promise<history.ChangedKey | undefined> {
    return this.#change((db) => history.rotateApiKey(db, id, owner, rotation, Date.now()))
  }

  listTenants(limit: number, after?: string) {
    return this.#ask((db) => history.listTenants(db, limit, after))
  }

  readTenant(name: string): Promise<history.Tenant | undefined> {
    return this.#ask((db) => history.readTenant(db, name))
  }

  setTenant(name: string, limits: history.StoredLimits): Promise<history.Tenant> {
    return this.#change((db) => history.setTenant(db, name, limits))
  }

  deleteTenant(name: string): Promise<boolean> {
    return this.#change((db) => history.deleteTenant(db, name))
  }

  async #change<T>(change: (db: history.Database) => Promise<T>): Promise<T> {
    const changed = await this.#ask(change)
    await this.#watch.refresh()
    return changed
  }

  async #ask<T>(question: (db: history.Database) => Promise<T>): Promise<T> {
    if (!this.#db) {
      throw new FoliotError('unavailable', 'expected a PostgreSQL, which keeps keys and tenants; this api has none', {
        hint: 'set FOLIOT_DATABASE_URL; keys of FOLIOT_API_KEYS need none',
      })
    }
    try {
      return await question(this.#db)
    } catch (error) {
      const reason = reasonOf(error)
      if (reason === undefined) throw error
      throw new FoliotError('unavailable', `keys and tenants cannot be read or changed: ${reason}`, {
        retryAfterSeconds: RETRY_AFTER_S,
        hint: 'keys that there are count meanwhile; look at the list before you make one again',
        cause: error,
      })
    }
  }
}

function reasonOf(error: unknown): string | undefined {
  if (history.isUnmigrated(error))
    return 'the tables of this version are not there yet: a recorder of it makes them when it starts'
  const trouble = history.databaseTroubleOf(error)
  return trouble && history.DATABASE_TROUBLES[trouble]
}
