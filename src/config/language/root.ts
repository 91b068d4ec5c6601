import { isOwnField } from '../../http/fields.ts'
import { peerNetwork } from '../../http/schemas.ts'
import { collection } from '../../schema/collection.ts'
import {
  byKind,
  list,
  map,
  object,
  offOr,
  oneOrMany,
  optional,
  required,
  withDefault,
} from '../../schema/composites.ts'
import { servedPath } from '../../schema/mark.ts'
import { boolean, duration, integer, name, oneOf, type Problem, parsed, text } from '../../schema/scalars.ts'
import type { Infer, Schema } from '../../schema/schema.ts'
import { CURRENT_VERSION } from '../upgrade/migrations/index.ts'
import { adminOptions } from './admin.ts'
import type { WithFeatures } from './features.ts'
import type { Include } from './include.ts'
import type { ListenerKeys } from './listener.ts'
import { loggingOptions } from './logging.ts'
import { pathPolicyOptions } from './path-policy.ts'
import type { RouteOptions } from './route.ts'
import { metricsOptions, tracingOptions } from './telemetry.ts'
import { testOptions } from './tests.ts'
import type { UpstreamOptions } from './upstream.ts'
import { UPSTREAMS } from './upstream.ts'
import { listenAddress, nameServer } from './values.ts'

const fieldName = parsed('a header field that carries IDs such as x-request-id', (text): string | Problem => {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)) return { problem: '' }
  return isOwnField(text) ? { problem: 'this field is written by Sluice itself' } : text
})

const workers: Schema<number | 'auto'> = parsed(
  'auto, or a whole number from 1 to 16',
  (value): number | 'auto' | Problem => {
    if (value === 'auto') return 'auto'
    return /^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= 16 ? Number(value) : { problem: '' }
  },
  { anyOf: [{ const: 'auto' }, { type: 'integer', minimum: 1, maximum: 16 }] },
)

const module = text('the path of a file such as ./audit.ts, or the name of a package')

const plugin = byKind<unknown>(
  {
    scalar: module,
    map: object({
      module: required(module, 'The path of its file, or the name of its package.'),
      reads: required(
        oneOrMany(servedPath()),
        'Files and folders that it reads in workers, relative to this file. Its own modules, and packages, it may read in any case.',
      ),
    }),
  },
  `${module.expected}, or a map with module and reads`,
)

const LISTENERS = { of: 'listener', named: false, serves: false, reach: 'any' } as const
const PROFILES = { of: 'profile', named: true, serves: false, reach: 'any' } as const
const ROUTES = { of: 'route', named: true, serves: true, reach: 'own' } as const
const TESTS = { of: 'test', named: true, serves: false, reach: 'own' } as const

/** Schemas of what stands under the root by name. */
export interface RootParts {
  readonly include: Schema<readonly Include[]>
  readonly listener: Schema<ListenerKeys>
  /** What `defaults.upstream` may hold. */
  readonly underUpstream: Schema<unknown>
  readonly upstream: Schema<UpstreamOptions>
  /** What `defaults.route` and each profile may hold. */
  readonly profile: Schema<unknown>
  readonly route: Schema<RouteOptions>
}

/** Keys of a whole config file, without those of features. */
export function rootKeys({ include, listener, profile, route, underUpstream, upstream }: RootParts) {
  return object(
    {
      apiVersion: withDefault(
        oneOf(CURRENT_VERSION),
        CURRENT_VERSION,
        'Version of this language. Files of older versions are read, too; sluice migrate rewrites them.',
      ),
      kind: optional(oneOf('Gateway'), 'Ignored; lets the file look like a Kubernetes resource.'),
      gateway: withDefault(
        object({ name: withDefault(name(), 'sluice', 'Name of the gateway in Proxy-Status, Via and logs.') }),
        {},
        'Identity of this gateway.',
      ),
      workers: withDefault(
        workers,
        'auto',
        'Number of threads that serve requests. auto: the number of cores, bounded by memory and 16.',
      ),
      earlyCollection: withDefault(
        boolean(),
        true,
        'Whether workers free the memory of large answers every 32 MiB, and the control plane what its start left behind, 10 s later, with a V8 flag that they set (--expose-gc). false: only V8 frees it, at the cost of CPU and memory.',
      ),
      listeners: required(
        collection(LISTENERS, map(name(), listener, 'a map of listeners by name')),
        'Addresses on which requests come in, by name.',
      ),
      admin: withDefault(adminOptions, {}, 'The admin side: API, metrics, probes.'),
      probes: optional(
        offOr(object({ listen: withDefault(listenAddress(), '127.0.0.1:9902', 'Address and port.') })),
        'A second address that serves only /livez, /readyz, /startupz and /metrics.',
      ),
      logging: withDefault(loggingOptions, {}, 'The access log, the operational log and the audit log.'),
      drain: withDefault(
        object({
          delay: withDefault(
            duration(0, 600_000),
            '5s',
            'Time after SIGTERM in which the gateway is not ready but still accepts requests.',
          ),
          timeout: withDefault(
            duration(0, 3_600_000),
            '20s',
            'Time after the delay in which requests in flight may finish.',
          ),
        }),
        {},
        'How the gateway shuts down.',
      ),
      dns: withDefault(
        object({
          servers: optional(
            oneOrMany(nameServer()),
            'Name servers to ask. Default: the system’s resolver, hosts file included.',
          ),
          every: withDefault(duration(1000, 3_600_000), '10s', 'Time between two look-ups of a name.'),
        }),
        {},
        'Resolution of the names of endpoints.',
      ),
      trust: withDefault(
        object({
          proxies: withDefault(
            oneOrMany(peerNetwork(), 0),
            [],
            'Networks of peers whose X-Forwarded-* fields, deadlines and attempt counts are believed; unix: those that come over unix: sockets.',
          ),
        }),
        {},
        'Peers that are trusted.',
      ),
      correlation: withDefault(
        object({
          headers: withDefault(
            oneOrMany(fieldName),
            ['x-correlation-id', 'x-request-id'],
            'Header fields that carry the correlation ID. The first one present is used.',
          ),
          trust: withDefault(
            oneOf('any', 'proxies'),
            'any',
            'Peers whose IDs are kept. any: all. proxies: those in trust.proxies.',
          ),
        }),
        {},
        'The correlation ID, which goes with a request to upstreams, answers and logs.',
      ),
      pathPolicy: withDefault(pathPolicyOptions, {}, 'Handling of paths that servers read in different ways.'),
      flightRecorder: withDefault(
        offOr(
          object({
            slow: withDefault(
              duration(1, 3_600_000),
              '1s',
              'Time after which an answer that has not begun makes its request slow: it is kept, too.',
            ),
            entries: withDefault(
              integer(10, 100_000),
              1000,
              'Number of requests that are kept. The oldest are dropped first.',
            ),
          }),
        ),
        {},
        'Keeps the story of the latest failed and slow requests: sluice why, GET /api/v1/requests, the dashboard.',
      ),
      watch: withDefault(
        offOr(duration(100, 3_600_000)),
        '1s',
        'Time between two checks of the config files and secrets for changes. off: they are not watched.',
      ),
      onInvalid: withDefault(
        oneOf('reject', 'keepGood'),
        'reject',
        'What a reload does with a config that has errors. keepGood: routes and upstreams with errors keep their last good version, and the others go live.',
      ),
      stateDir: optional(
        text('a path'),
        'Folder of the gateway’s state: tokens, config history, audit log. Default: $STATE_DIRECTORY, $XDG_STATE_HOME/sluice or ~/.local/state/sluice.',
      ),
      defaults: optional(
        object(
          {
            route: optional(profile, 'Policies that every route starts from.'),
            upstream: optional(underUpstream, 'Settings that every upstream starts from.'),
          },
          {
            misplaced: { routes: 'route', timeouts: 'route.timeouts', retries: 'route.retries', upstreams: 'upstream' },
          },
        ),
        'Values for every route and upstream that does not set its own.',
      ),
      plugins: withDefault(
        list(plugin),
        [],
        'Plug-ins: modules that bring features of their own. Files by path (relative to this file), packages by name; with module and reads where they read files in workers.',
      ),
      profiles: optional(
        collection(PROFILES, map(name(), profile, 'a map of profiles by name')),
        'Named sets of policies, for routes.x.use.',
      ),
      upstreams: withDefault(
        collection(UPSTREAMS, map(name(), upstream, 'a map of upstreams by name')),
        {},
        'Services, by name.',
      ),
      include: withDefault(
        include,
        [],
        'Further files, read as if they were part of this one. Files of a team can have names of their own and stay behind a fence.',
      ),
      routes: required(
        collection(ROUTES, map(name(), route, 'a map of routes by name')),
        'Which requests go where, by name.',
      ),
      metrics: withDefault(metricsOptions, {}, 'Limits of the metrics, and where they are sent besides /metrics.'),
      tracing: optional(offOr(tracingOptions), 'Spans of requests, sent to an OpenTelemetry collector. Default: off.'),
      tests: optional(
        collection(TESTS, testOptions),
        'Tests that sluice test runs on this file; the gateway ignores them.',
      ),
    },
    {
      later: ['stores'],
      misplaced: {
        listen: 'listeners.NAME.listen',
        name: 'gateway.name',
        services: 'upstreams',
        clusters: 'upstreams',
        timeouts: 'defaults.route.timeouts',
        retries: 'defaults.route.retries',
      },
      free: 'x-',
    },
  )
}

export type RootOptions = WithFeatures<Infer<ReturnType<typeof rootKeys>>>
