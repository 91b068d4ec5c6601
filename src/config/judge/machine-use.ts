/** How much of this machine a config may use that comes from elsewhere. */
export interface MachineFence {
  /** Folder below which the files, those of sockets included, are that it may name; undefined: it may name none. */
  readonly files: string | undefined
  /** Environment values that it may use. */
  readonly env: readonly string[]
}
