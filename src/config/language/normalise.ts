import { createHash } from 'node:crypto'
import type { BalancingConfig, LeanConfig, ListenerConfig, RouteConfig, UpstreamConfig } from '../../core/config.ts'
import { type AnyFeature, actsOn } from '../../core/feature.ts'
import type { SamplingConfig } from '../../core/seeing-config.ts'
import type { Path } from '../../schema/path.ts'
import { Secret } from '../../schema/secret.ts'
import type { Marked } from '../../schema/walk.ts'
import type { Config } from './config.ts'
import type { WithFeatures } from './features.ts'
import type { Language } from './language.ts'
import { pathPolicies } from './path-policy.ts'
import { Reaching } from './reach.ts'
import type { RootOptions } from './root.ts'
import { alternatesOf, type RouteOptions } from './route.ts'
import type { UpstreamOptions } from './upstream.ts'

/** Owner and group may connect. */
const UNIX_MODE = 0o660

/** What was read, as the planes want it: one shape for short and long forms, one level of names. */
export function normalise(
  root: RootOptions,
  where: Pick<Config, 'file' | 'folder' | 'plugins' | 'reads'>,
  language: Language,
  marks: readonly Marked[],
): Config {
  const { features } = language
  const reaching = new Reaching(root, marks, language)
  const lean: LeanConfig = {
    gateway: root.gateway,
    listeners: [...root.listeners].map(
      ([name, { connections, halfClose, http1, limits, listen, mode, timeouts }]): ListenerConfig => ({
        name,
        ...listen,
        mode: mode ?? UNIX_MODE,
        timeouts,
        limits,
        connections,
        halfClose,
        http1,
      }),
    ),
    trustedProxies: root.trust.proxies,
    correlation: { ...root.correlation, headers: root.correlation.headers.map((name) => name.toLowerCase()) },
    flightRecorder: root.flightRecorder,
    pathPolicy: pathPolicies(root.pathPolicy, root.listeners),
    accessLog: root.logging.access,
    tracing: sampling(root),
    metrics: { endpointSeries: root.metrics.endpointSeries },
    features: featuresIn(root, features),
    upstreams: [...root.upstreams].map(([name, options]) => upstream(name, options, features)),
    routes: [...root.routes].map(([name, options]) => route(name, options, features, reaching)),
  }
  const rest = {
    lean,
    workers: root.workers,
    earlyCollection: root.earlyCollection,
    admin: {
      ...root.admin.listen,
      hosts: root.admin.hosts,
      tokens: root.admin.auth?.tokens,
      proxy: proxyIdentity(root.admin.trustedProxyHeader),
    },
    logging: { level: root.logging.level, audit: root.logging.audit },
    probes: root.probes?.listen,
    drain: root.drain,
    dns: root.dns,
    stateDir: root.stateDir,
    watch: root.watch,
    telemetry: telemetry(root),
  }
  // Other code is another meaning.
  const code = where.plugins.map(({ name, url }) => [name, new URL(url).search])
  const meaning = code.length === 0 ? rest : { ...rest, code, reads: where.reads }
  const hash = createHash('sha256').update(canonicalText(meaning, new Map())).digest('hex')
  return deepFreeze({ ...where, hash, ...rest, secrets: secretsIn(rest) })
}

function proxyIdentity(options: RootOptions['admin']['trustedProxyHeader']): Config['admin']['proxy'] {
  return options && { ...options, roles: options.roles && Object.fromEntries(options.roles) }
}

function sampling({ tracing }: RootOptions): SamplingConfig | undefined {
  if (tracing === undefined) return undefined
  const { buffer, errors, parents, sample } = tracing
  return { sample, errors, parents, requests: buffer.requests }
}

function telemetry({ gateway, metrics, tracing }: RootOptions): Config['telemetry'] {
  const service = tracing?.service ?? gateway.name
  return {
    service,
    spans: tracing && { ...tracing.otlp, waiting: tracing.buffer.spans },
    metrics: metrics.otlp,
  }
}

function upstream(name: string, options: UpstreamOptions, known: readonly AnyFeature[]): UpstreamConfig {
  const { tls, connections, endpoints, loadBalancing, timeouts } = options
  return {
    name,
    endpoints: 'kind' in endpoints ? [] : endpoints.map(({ url, ...rest }) => ({ ...url, ...rest })),
    source: 'kind' in endpoints ? endpoints : undefined,
    tls: { ...tls, ca: tls.ca?.text, cert: tls.cert?.text, key: tls.key?.text },
    algorithm: loadBalancing.algorithm,
    balancing: balancing(options),
    connections,
    connectTimeout: timeouts.connect,
    features: { ...featuresIn(options, known), ...featuresIn(loadBalancing, known) },
  }
}

function balancing({ loadBalancing }: UpstreamOptions): BalancingConfig {
  const { balanceFactor, hashOn = [] } = loadBalancing
  return {
    hashOn,
    balanceFactor,
  }
}

function route(name: string, options: RouteOptions, known: readonly AnyFeature[], reaching: Reaching): RouteConfig {
  const acting = known.filter((feature) => actsOn(feature, options.to))
  const features = featuresIn(options, acting)
  const reached = Object.keys(features).flatMap((feature) => {
    const reach = reaching.from(['routes', name, feature])
    return Object.keys(reach).length === 0 ? [] : [[feature, reach] as const]
  })
  return {
    name,
    match: options.match,
    precedence: options.precedence,
    encodedSlashes: options.encodedSlashes,
    to: options.to,
    alternates: alternatesOf(options, known),
    features,
    reach: Object.fromEntries(reached),
  }
}

/** Options by the name of the feature. */
function featuresIn(
  { features }: WithFeatures<object>,
  known: readonly AnyFeature[],
): Readonly<Record<string, unknown>> {
  const found = known.map((feature) => [feature.name, features.of(feature)] as const)
  return Object.fromEntries(found.filter(([, options]) => options !== undefined))
}

/** JSON with the keys of every object in order, so that the hash does not depend on how the file was written. */
function canonicalText(value: unknown, known: Map<object, string>): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const before = known.get(value)
  if (before !== undefined) return before
  const text = Array.isArray(value)
    ? `[${value.map((item) => canonicalText(item, known)).join()}]`
    : `{${entriesText(byKey(value), known)}}`
  // Built-in defaults are shared by thousands of routes.
  known.set(value, text)
  return text
}

function entriesText(map: Readonly<Record<string, unknown>>, known: Map<object, string>): string {
  return Object.keys(map)
    .filter((key) => map[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalText(map[key], known)}`)
    .join()
}

/** What stands in an object, or in a map by name. */
function byKey(value: object): Readonly<Record<string, unknown>> {
  return value instanceof Map ? Object.fromEntries(value) : (value as Readonly<Record<string, unknown>>)
}

/** Every secret in what was read, once per place. */
function secretsIn({ lean, ...rest }: Pick<Config, 'lean'>): Config['secrets'] {
  const found: { secret: Secret; place: Path | undefined }[] = []
  const none = new Set<object>()
  findSecrets(rest, [], none, (secret) => found.push({ secret, place: undefined }))
  findSecrets(lean, [], none, (secret, place) => found.push({ secret, place: [...place] }))
  return found
}

/** Whether there are any. `none`: where there are none; built-in defaults are shared by thousands of routes. */
function findSecrets(
  value: unknown,
  path: (string | number)[],
  none: Set<object>,
  visit: (secret: Secret, path: Path) => void,
): boolean {
  if (typeof value !== 'object' || value === null || none.has(value)) return false
  if (value instanceof Secret) {
    visit(value, path)
    return true
  }
  let found = false
  const within = (step: string | number, inner: unknown): void => {
    path.push(step)
    if (findSecrets(inner, path, none, visit)) found = true
    path.pop()
  }
  if (Array.isArray(value)) for (const [i, item] of value.entries()) within(i, item)
  else for (const [key, item] of Object.entries(byKey(value))) within(key, item)
  if (!found) none.add(value)
  return found
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const child of Object.values(byKey(value))) deepFreeze(child)
  return value
}
