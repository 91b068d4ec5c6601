import type { LeanConfig } from '../../core/config.ts'
import type { PluginModule } from '../../core/plugin.ts'
import type { Level } from '../../lib/log.ts'
import type { Path } from '../../schema/path.ts'
import type { Secret } from '../../schema/secret.ts'
import type { Address } from './values.ts'

/** Who may use the admin API. */
export interface TokenConfig {
  readonly name: string
  readonly role: 'viewer' | 'operator' | 'admin'
  readonly secret: Secret
}

/** Peers that may name the operator of the admin API. Field names are lower-case. */
export interface ProxyIdentityConfig {
  /** CIDRs. */
  readonly from: readonly string[]
  readonly user: string
  readonly role: string
  /** By group; undefined: the field holds the role. */
  readonly roles: Readonly<Record<string, TokenConfig['role']>> | undefined
}

/** A collector that takes OTLP over HTTP. */
export interface CollectorConfig {
  /** Base URL without slash at its end. */
  readonly endpoint: string
  readonly protocol: 'http/protobuf' | 'http/json'
  /** Lower-case names; values are read when they are used. */
  readonly headers: readonly { readonly name: string; readonly secret: Secret }[]
  /** Milliseconds. */
  readonly timeout: number
}

/** A config that was read, checked and normalised. Frozen. */
export interface Config {
  /** The file, or the folder of files, that was named. */
  readonly file: string
  /** Paths of other files in it are relative to this folder. */
  readonly folder: string
  /** What it names as `plugins`, as all threads load it. */
  readonly plugins: readonly PluginModule[]
  /** Files and folders that workers read while they run: absolute, in order, each once. */
  readonly reads: readonly string[]
  /** SHA-256 over the meaning of the config (comments, order and places are ignored), hex. */
  readonly hash: string
  /** What workers get. */
  readonly lean: LeanConfig
  /** Every secret in this config. `place`: in `lean`, undefined where workers do not get it. */
  readonly secrets: readonly { readonly secret: Secret; readonly place: Path | undefined }[]
  readonly workers: number | 'auto'
  /** Workers free dead read buffers before V8 does. */
  readonly earlyCollection: boolean
  readonly admin: Address & {
    readonly hosts: readonly string[]
    readonly tokens: readonly TokenConfig[] | undefined
    readonly proxy: ProxyIdentityConfig | undefined
  }
  readonly probes: Address | undefined
  /** Milliseconds. */
  readonly drain: { readonly delay: number; readonly timeout: number }
  readonly logging: {
    /** Of the operational log. */
    readonly level: Level
    /** required: no change is made without a line in the audit log. */
    readonly audit: 'best-effort' | 'required'
  }
  readonly dns: { readonly servers: readonly string[] | undefined; readonly every: number }
  readonly stateDir: string | undefined
  /** What is sent to collectors; undefined: nothing of that kind. */
  readonly telemetry: {
    /** `service.name`. */
    readonly service: string
    /** `waiting`: spans at most. */
    readonly spans: (CollectorConfig & { readonly waiting: number }) | undefined
    /** `every`: milliseconds. */
    readonly metrics: (CollectorConfig & { readonly every: number }) | undefined
  }
  /** Milliseconds between two checks of the files; undefined: they are not watched. */
  readonly watch: number | undefined
}
