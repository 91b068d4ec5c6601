import type { WeightedUpstream } from '../../core/config.ts'
import { IMPORTANCES } from '../../core/importance.ts'
import { matchOptions } from '../../data/routing/options.ts'
import { condition } from '../../http/schemas.ts'
import {
  byKind,
  list,
  mapped,
  object,
  offOr,
  oneOrMany,
  optional,
  required,
  withDefault,
} from '../../schema/composites.ts'
import { reference } from '../../schema/mark.ts'
import { duration, integer, oneOf, pattern, ratio, size } from '../../schema/scalars.ts'
import type { Infer, Read } from '../../schema/schema.ts'
import type { WithFeatures } from './features.ts'
import { sloOptions } from './slo.ts'

const upstreamName = reference('upstream')

const weighted = list(
  object({
    upstream: required(upstreamName, 'Name of an upstream.'),
    weight: withDefault(integer(0, 1_000_000), 1, 'Share of the requests, relative to the others.'),
  }),
  1,
)

const to = byKind({
  scalar: mapped(upstreamName, (upstream): readonly WeightedUpstream[] => [{ upstream, weight: 1 }]),
  list: mapped(
    weighted,
    (targets, refuse): Read<readonly WeightedUpstream[]> =>
      targets.some((target) => target.weight > 0)
        ? targets.filter((target) => target.weight > 0)
        : refuse('all weights are 0'),
  ),
})

const minRate = object({
  bytes: withDefault(size(1), '1KiB', 'Bytes a second.'),
  window: withDefault(duration(1000, 600_000), '30s', 'Time over which they are counted.'),
})

export const timeoutOptions = object({
  request: withDefault(
    offOr(duration()),
    '15s',
    'Until the answer’s head is there: queueing, backoff and all attempts. Stands still while the request body moves.',
  ),
  attempt: withDefault(offOr(duration()), 'off', 'One attempt; the last permitted one may use all the time left.'),
  idle: withDefault(offOr(duration()), '60s', 'The longest silence in the answer’s body.'),
  stream: withDefault(offOr(duration()), '5m', 'In the place of idle for event streams.'),
  total: withDefault(offOr(duration()), 'off', 'The whole exchange.'),
  minRate: withDefault(
    offOr(minRate),
    {},
    'The slowest request body that is put up with. While others need what a request holds, it bounds how its client sends and reads, over 5 s.',
  ),
})

export const retryOptions = object(
  {
    maxExtra: withDefault(integer(0, 10), 1, 'Attempts after the first.'),
    when: withDefault(
      oneOrMany(condition),
      ['connect', 'reset', 502, 503, 504],
      'After which outcomes another attempt may follow.',
    ),
    methods: withDefault(
      oneOrMany(pattern('a method in capitals such as GET', /^[A-Z][A-Z-]*$/)),
      ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY'],
      'Methods that may be repeated once bytes were sent. Listing POST declares the route repeatable.',
    ),
    backoff: withDefault(
      object({
        base: withDefault(
          duration(0, 60_000),
          '25ms',
          'Longest wait before the second attempt; doubles with each further one.',
        ),
        cap: withDefault(duration(0, 600_000), '250ms', 'Longest wait before any attempt.'),
      }),
      {},
      'Wait between attempts: exponential with full jitter.',
    ),
    retryAfterCap: withDefault(
      duration(0, 600_000),
      '5s',
      'The longest Retry-After that is waited for, where the next attempt goes to the endpoint that sent it.',
    ),
  },
  { misplaced: { budget: 'upstreams.NAME.retryBudget' } },
)

const hedgeOptions = object({
  delay: optional(
    duration(1, 600_000),
    'How long the first attempt is waited for. Default: as long as 95 % of the latest answers took, once there were 100.',
  ),
})

const accessLogOptions = object({
  sample: withDefault(
    ratio(),
    '100%',
    'Share of the requests that get a line. The trace ID decides, so that all gateways of a trace decide alike.',
  ),
})

/** Policies and keys of later issues. */
const LATER = [
  'rateLimit',
  'cors',
  'access',
  'auth',
  'cache',
  'coalesce',
  'mirror',
  'faults',
  'idempotency',
  'shed',
  'limits',
  'adaptiveConcurrency',
  'sticky',
]

/** What may stand in `defaults.route` and in profiles, too. */
const shared = {
  failover: withDefault(oneOrMany(upstreamName, 0), [], 'Upstreams that take over, in order.'),
  timeouts: withDefault(timeoutOptions, {}, 'Bounds on time.'),
  retries: withDefault(offOr(retryOptions), {}, 'Further attempts after a failure.'),
  hedge: optional(
    offOr(hedgeOptions),
    'A second attempt beside a slow first one, at another endpoint, for requests without a body that may be repeated. The first answer wins. It is one of the further attempts of retries, and of the upstream’s retry budget.',
  ),
  importance: withDefault(
    oneOf(...IMPORTANCES),
    'normal',
    'Whose requests are served first and shed last where others wait, too.',
  ),
  slo: optional(
    offOr(sloOptions),
    'The objectives of the route over 30 days. They change no request: what remains of the error budget is a metric, and the shipped alerts watch how fast it burns.',
  ),
  spill: withDefault(
    offOr(oneOf('auto', 'on')),
    'auto',
    'Where to names several upstreams: whether one without a usable endpoint, or whose breaker is open, gets no first attempts while others of at least a quarter of its weight can take them. auto: on.',
  ),
  encodedSlashes: withDefault(
    oneOf('check', 'keep', 'refuse'),
    'check',
    '%2F in paths. check: such a path is refused where with a slash in its place it has another route or other parameters. keep: it is data, and the upstream does not decode it before it looks for its handler.',
  ),
  accessLog: withDefault(
    offOr(accessLogOptions),
    {},
    'Which requests get a line in the access log. Those that failed always do: with off, only they.',
  ),
}

const misplaced = Object.fromEntries(
  ['listeners', 'host', 'hosts', 'path', 'paths', 'methods', 'headers.match', 'query', 'precedence'].map((key) => [
    key,
    `match.${key}`,
  ]),
)

const rules = { later: LATER, misplaced: { ...misplaced, upstream: 'to', timeout: 'timeouts', retry: 'retries' } }

/** Keys of a route, after defaults and profiles were merged in, without those of features. */
export const routeKeys = object(
  {
    match: required(
      matchOptions,
      'Which requests it takes: a map of conditions, or a list of such maps of which any may hold.',
    ),
    precedence: withDefault(integer(-1000, 1000), 0, 'Routes with a higher one win, whatever they match on.'),
    use: optional(oneOrMany(reference('profile')), 'Profiles whose policies it takes, in order.'),
    to: optional(to, 'The upstream, or upstreams with weights.'),
    ...shared,
  },
  rules,
)

/** Those of `defaults.route` and each profile: policies only. */
export const profileKeys = object(shared, { later: LATER })

export type RouteOptions = WithFeatures<Infer<typeof routeKeys>>
