import type { LifeLimits } from '../lib/lifetime.ts'
import type { EncodedSlashes, PathPoliciesConfig } from './path-policy.ts'
import type { AccessLogConfig, SamplingConfig } from './seeing-config.ts'

/**
 * The lean config: what the data plane runs on. Plain, immutable, structured-cloneable; every default filled in, units
 * resolved (durations in milliseconds, sizes in bytes, ratios from 0 to 1), `off` is `undefined`. Where a value came
 * from stays in the control plane. `config/normalise.ts` makes it.
 */

/** What a worker runs: one config generation. Units as in the note at the top of this file. */
export interface LeanConfig {
  readonly gateway: { readonly name: string }
  readonly listeners: readonly ListenerConfig[]
  /** CIDRs, or `unix`, of peers whose X-Forwarded-*, deadlines and attempt counts are believed. */
  readonly trustedProxies: readonly string[]
  readonly correlation: CorrelationConfig
  /** undefined: off. `slow`: milliseconds until the answer begins from which a request is kept. */
  readonly flightRecorder: { readonly slow: number; readonly entries: number } | undefined
  readonly pathPolicy: PathPoliciesConfig
  readonly accessLog: AccessLogConfig
  /** undefined: no spans. */
  readonly tracing: SamplingConfig | undefined
  /** `endpointSeries`: endpoints of an upstream that a worker counts separately. */
  readonly metrics: { readonly endpointSeries: number }
  /** Options by the name of the feature, only of features that the root has. */
  readonly features: Readonly<Record<string, unknown>>
  readonly upstreams: readonly UpstreamConfig[]
  readonly routes: readonly RouteConfig[]
}

/** Where the correlation ID of a request comes from, and from which peers it is kept. */
export interface CorrelationConfig {
  /** Lower-case field names, at least one. */
  readonly headers: readonly string[]
  readonly trust: 'any' | 'proxies'
}

/** An address on which requests come in, with its timeouts (milliseconds) and limits (bytes, counts). */
export interface ListenerConfig {
  readonly name: string
  /** Numeric address, `::` and `0.0.0.0` included; or `unix:` and a path, see `lib/address.ts`. */
  readonly host: string
  /** 0: the system chooses; sockets with a path have none. */
  readonly port: number
  /** Of the file of a socket with a path. */
  readonly mode: number
  /** Milliseconds. `body`: longest gap between bytes. */
  readonly timeouts: { readonly headers: number; readonly body: number; readonly keepAlive: number }
  readonly limits: {
    readonly headerBytes: number
    readonly headerCount: number
    /** Longest request target, bytes. */
    readonly targetBytes: number
    /** Open connections, all workers together. */
    readonly connections: number
  }
  /** Of each connection. */
  readonly connections: LifeLimits
  /** What a client means that closes its side while it waits for an answer; auto: the time since its request says. */
  readonly halfClose: 'auto' | 'answer' | 'abort'
  /** What speaks HTTP/1.1: a server of Sluice's own, or node:http. */
  readonly http1: 'own' | 'node'
}

/** An endpoint as configured or discovered; a name may resolve to several addresses. `weight` from 1, `tier` from 0. */
export interface EndpointConfig {
  readonly scheme: 'http' | 'https'
  /** Name or address as written, lower-case, IPv6 without brackets; or `unix:` and a path, with port 0. */
  readonly host: string
  readonly port: number
  readonly weight: number
  readonly tier: number
  readonly zone: string | undefined
  /** Requests in flight, all workers together; undefined: bounded by connections and waiters only. */
  readonly maxConcurrent: number | undefined
}

/** TLS towards the endpoints of an upstream; texts are PEM. */
export interface UpstreamTls {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  /** undefined: the endpoint's host. */
  readonly serverName: string | undefined
  readonly verify: boolean
}

/** Where the text of a hash key comes from. */
export type HashSource =
  /** Header names are lower-case. */
  { readonly from: 'header' | 'cookie' | 'query'; readonly name: string } | { readonly from: 'client' | 'path' }

/** Everything about the choice of an endpoint except the algorithm. */
export interface BalancingConfig {
  /** The first source that the request has is used; empty: nothing is hashed. */
  readonly hashOn: readonly HashSource[]
  /** How many times its fair share of the requests in flight a hashing algorithm may give to an endpoint. */
  readonly balanceFactor: number | undefined
}

/** A named service: its endpoints, and how connections to them are made and shared. */
export interface UpstreamConfig {
  readonly name: string
  /** Empty where they are discovered. */
  readonly endpoints: readonly EndpointConfig[]
  readonly source: SourceConfig | undefined
  readonly tls: UpstreamTls
  /** Of those that features provide, see `core/balancer.ts`. */
  readonly algorithm: string
  readonly balancing: BalancingConfig
  readonly connections: {
    /** Per endpoint, all workers together. */
    readonly max: number
    /** Waiters per endpoint and worker. */
    readonly maxWaiting: number
    /** Milliseconds an idle connection is kept. */
    readonly keepAlive: number
  } & LifeLimits
  /** TCP and TLS, milliseconds. */
  readonly connectTimeout: number
  /** Options by the name of the feature, only of features that the upstream has. */
  readonly features: Readonly<Record<string, unknown>>
}

/** Where the control plane finds endpoints, as a feature provides it, see `core/endpoint-source.ts`. */
export interface SourceConfig {
  readonly kind: string
  /** Milliseconds between two looks. */
  readonly every: number
  /** For people. */
  readonly text: string
  /** Of its kind. */
  readonly options: unknown
}

/**
 * Entries of collections that features have at the root, by kind and name: those that the options of one use refer to, and
 * what these refer to.
 */
export type Reach = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** A route after defaults and profiles were merged in: which requests it takes, and what becomes of them. */
export interface RouteConfig {
  readonly name: string
  readonly match: readonly MatchConfig[]
  readonly precedence: number
  readonly encodedSlashes: EncodedSlashes
  /** undefined: a policy (redirect, respond) answers. */
  readonly to: readonly WeightedUpstream[] | undefined
  /** Upstreams that take over from those of `to`, in order, see `Feature.alternates`. */
  readonly alternates: readonly string[]
  /** Options by the name of the feature, only of features that the route has. */
  readonly features: Readonly<Record<string, unknown>>
  /** By the name of the feature, where it refers to any. */
  readonly reach: Readonly<Record<string, Reach>>
}

/** An upstream of a route; its share is its weight among those of all. */
export interface WeightedUpstream {
  readonly upstream: string
  readonly weight: number
}

/** One way to match; a route has one or more. Empty lists: any. */
export interface MatchConfig {
  /** Names of listeners. */
  readonly listeners: readonly string[]
  /** Lower-case; `*.example.com` or exact. */
  readonly hosts: readonly string[]
  readonly paths: readonly PathPattern[]
  readonly methods: readonly string[]
  readonly headers: readonly ValueCondition[]
  readonly query: readonly ValueCondition[]
}

/**
 * A path by segments, normal form. `prefix`: ends in `/*`, matches the path itself, with slash, and all below.
 * `regex` stands alone and is matched against the whole path.
 */
export type PathPattern =
  | {
      readonly kind: 'segments'
      readonly source: string
      readonly segments: readonly PathSegment[]
      readonly prefix: boolean
    }
  | { readonly kind: 'regex'; readonly source: string }

/** One segment of a path in normal form: a text, or any text as a named parameter. */
export type PathSegment = { readonly literal: string } | { readonly param: string }

/** A condition on the values of one header field or query key; `value` is empty for `present` and `absent`. */
export interface ValueCondition {
  /** Header names are lower-case. */
  readonly name: string
  readonly op: 'present' | 'absent' | 'exact' | 'prefix' | 'suffix' | 'contains' | 'regex'
  readonly value: string
}
