export interface CallOptions {
  /** Ends the call, also between two tries. It then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** Of calls about what belongs to a tenant. */
export interface TenantOptions extends CallOptions {
  /** Whose it is, for a key of all tenants. Default: that of the object, if one is given, or else the api's, `default`. */
  tenant?: string | undefined
}

/** Of calls that change what has a revision. */
export interface ChangeOptions extends TenantOptions {
  /**
   * Change it only as it was read: rejects with the code `precondition_failed` if it has another revision by now. A put, pause
   * or resume like that is not repeated when its answer got lost, because it may be what has changed it. Default: change it as it is.
   */
  revision?: number | undefined
}
