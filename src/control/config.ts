import type { LeanConfig } from '../core/config.ts'
import type { AdminToken } from './admin/tokens.ts'

/** What the control plane needs of a loaded config. */
export interface GatewayConfig {
  readonly lean: LeanConfig
  readonly workers: number | 'auto'
  readonly admin: {
    readonly host: string
    readonly port: number
    /** Host names under which the admin API may be asked, besides localhost and loopback literals. Lower-case. */
    readonly hosts: readonly string[]
    /** undefined: no `admin.auth`. */
    readonly tokens: readonly AdminToken[] | undefined
  }
  readonly probes: { readonly host: string; readonly port: number } | undefined
  /** Milliseconds. */
  readonly drain: { readonly delay: number; readonly timeout: number }
  readonly dns: {
    /** `address:port`; undefined: the system's resolver. */
    readonly servers: readonly string[] | undefined
    /** Milliseconds. */
    readonly every: number
  }
  readonly stateDir: string | undefined
  readonly hash: string
}
