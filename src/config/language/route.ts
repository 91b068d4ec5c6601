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
    weight: withDefault(integer(0, 1_000_000), 1, 'Share of the requests, relative to the weights of the others.'),
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
  bytes: withDefault(size(1), '1KiB', 'Bytes per second.'),
  window: withDefault(duration(1000, 600_000), '30s', 'Time over which they are counted.'),
})

export const timeoutOptions = object({
  request: withDefault(
    offOr(duration()),
    '15s',
    'Longest time until the head of the answer, with queueing, backoff and all attempts. It stands still while the request body moves. off: no limit.',
  ),
  attempt: withDefault(
    offOr(duration()),
    'off',
    'Longest time for one attempt; the last permitted one may use all the time left. off: no limit per attempt.',
  ),
  idle: withDefault(offOr(duration()), '60s', 'Longest silence in the body of an answer. off: no limit.'),
  stream: withDefault(offOr(duration()), '5m', 'Longest silence of an event stream, in place of idle. off: no limit.'),
  total: withDefault(offOr(duration()), 'off', 'Longest time for the whole exchange. off: no limit.'),
  minRate: withDefault(
    offOr(minRate),
    {},
    'Lowest rate at which a client may send the request body. While other requests need the resources of one, it also bounds how fast its client sends and reads, over 5 s. off: no limit.',
  ),
})

export const retryOptions = object(
  {
    maxExtra: withDefault(integer(0, 10), 1, 'Maximum attempts after the first.'),
    when: withDefault(
      oneOrMany(condition),
      ['connect', 'reset', 502, 503, 504],
      'Outcomes after which another attempt may follow.',
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
          'Longest wait before the second attempt; it doubles with each further one.',
        ),
        cap: withDefault(duration(0, 600_000), '250ms', 'Longest wait before any attempt.'),
      }),
      {},
      'Wait between attempts: exponential with full jitter.',
    ),
    retryAfterCap: withDefault(
      duration(0, 600_000),
      '5s',
      'Longest Retry-After to wait for, if the next attempt goes to the endpoint that sent it.',
    ),
  },
  { misplaced: { budget: 'upstreams.NAME.retryBudget' } },
)

const hedgeOptions = object({
  delay: optional(
    duration(1, 600_000),
    'Time after which the second attempt begins. Default: the 95th percentile of recent answers, once there were 100.',
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
  timeouts: withDefault(timeoutOptions, {}, 'Timeouts of the route’s requests.'),
  retries: withDefault(offOr(retryOptions), {}, 'Further attempts after a failure. off: one attempt per request.'),
  hedge: optional(
    offOr(hedgeOptions),
    'A second attempt beside a slow first one, at another endpoint, for requests without a body that may be repeated. The first answer wins. It counts as one of the further attempts of retries, and in the upstream’s retry budget. off: no second attempt.',
  ),
  importance: withDefault(
    oneOf(...IMPORTANCES),
    'normal',
    'Importance of the requests: the more important ones are served first and shed last.',
  ),
  slo: optional(
    offOr(sloOptions),
    'The objectives of the route over 30 days. They do not affect requests: the remaining error budget is a metric, and the shipped alerts watch how fast it burns. off: none.',
  ),
  spill: withDefault(
    offOr(oneOf('auto', 'on')),
    'auto',
    'If to names several upstreams: whether one without a usable endpoint, or whose breaker is open, gets no first attempts while others of at least a quarter of its weight can take them. auto: on.',
  ),
  encodedSlashes: withDefault(
    oneOf('check', 'keep', 'refuse'),
    'check',
    '%2F in paths. check: such a path is refused if with a slash in its place it has another route or other parameters. keep: it is data, which upstreams must not decode before they route.',
  ),
  accessLog: withDefault(
    offOr(accessLogOptions),
    {},
    'Which requests get a line in the access log. Failed requests always do. off: only failed requests.',
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
    use: optional(oneOrMany(reference('profile')), 'Profiles whose policies the route takes, in order.'),
    to: optional(to, 'The upstream of the route, or several with weights.'),
    ...shared,
  },
  rules,
)

/** Those of `defaults.route` and each profile: policies only. */
export const profileKeys = object(shared, { later: LATER })

export type RouteOptions = WithFeatures<Infer<typeof routeKeys>, 'route'>
