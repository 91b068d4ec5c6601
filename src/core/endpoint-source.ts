import type { Fields } from '../schema/composites.ts'
import type { Problem } from '../schema/scalars.ts'
import type { EndpointConfig } from './config.ts'

/**
 * Where endpoints are found while the gateway runs, in the place of a list: one kind of it. The map under
 * `upstreams.NAME.endpoints` has the keys of all kinds, and exactly one of those that name a kind. `O`: its options.
 */
export interface EndpointSource<O = unknown> {
  /** The key that asks for it: its kind. */
  readonly key: string
  /** What is written there, such as NAME:PORT. */
  readonly form: string
  /** As messages call it, with its article. */
  readonly called: string
  /** Its own key and all others that it takes; none is required. */
  readonly fields: Fields
  /** Keys that are meant by others, see `ObjectRules`. */
  readonly misplaced: Readonly<Record<string, string>>
  /** Options of what was read, or what is wrong with it. */
  // biome-ignore lint/suspicious/noExplicitAny: each gets what its own fields gave.
  read(values: any): { readonly options: O; readonly text: string } | Problem
}

/** The addresses of a name. A family that could not be queried is missing, one without addresses is empty. */
export interface FoundAddresses {
  readonly v4: readonly string[] | undefined
  readonly v6: readonly string[] | undefined
}

/** All addresses of a name. Rejects when nothing could be learnt. */
export type Lookup = (name: string) => Promise<FoundAddresses>

/** An endpoint that was discovered, with its addresses; `unix:` ones are refused. */
export interface FoundEndpoint {
  readonly config: EndpointConfig
  readonly addresses: readonly string[]
}

/** Looks once. Rejects with what is wrong; finding none is an error, too. */
export type Look = () => Promise<readonly FoundEndpoint[]>

/** Resolves the hosts of endpoints; those without an address are left out. What it has known stays known. */
export type HostLook = (configs: readonly EndpointConfig[]) => Promise<readonly FoundEndpoint[]>

/** What endpoints are found with, in the control plane. */
export interface FindContext {
  readonly upstream: string
  /** Paths of files are relative to it. */
  readonly folder: string
  /** Name servers; undefined: those of the system. */
  readonly servers: readonly string[] | undefined
  /** Few names at a time, over all sources. */
  readonly lookup: Lookup
  readonly hosts: HostLook
}

/** Finds the endpoints of one upstream. */
export interface Finder {
  readonly look: Look
  /** What is asked, for operators. */
  readonly from: string
  /** Calls back when something has probably changed; the function returned ends that. */
  watch?(changed: () => void): () => void
  /** A look has ended. */
  looked?(ok: boolean): void
}

export type Find<O = unknown> = (options: O, context: FindContext) => Finder

/** Addresses of one name; more are left out. */
const MAX_ADDRESSES = 256

/** Each address once, in an order that does not depend on the answer's. */
export function distinct(addresses: readonly string[]): string[] {
  return [...new Set(addresses)].sort().slice(0, MAX_ADDRESSES)
}
