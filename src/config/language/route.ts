import type { WeightedUpstream } from '../../core/config.ts'
import type { AnyFeature, Place } from '../../core/feature.ts'
import { matchOptions } from '../../data/routing/options.ts'
import { byKind, list, mapped, object, oneOrMany, optional, required, withDefault } from '../../schema/composites.ts'
import { reference } from '../../schema/mark.ts'
import { integer, oneOf } from '../../schema/scalars.ts'
import type { Infer, Read } from '../../schema/schema.ts'
import type { WithFeatures } from './features.ts'

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

/** Policies and keys of later issues. */
const LATER = [
  'rateLimit',
  'cors',
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
  encodedSlashes: withDefault(
    oneOf('check', 'keep', 'refuse'),
    'check',
    '%2F in paths. check: such a path is refused if with a slash in its place it has another route or other parameters. keep: it is data, which upstreams must not decode before they route.',
  ),
}

/** Keys of a route that act on requests, although routing reads them and no feature does. */
export const ROUTING_PLACES: readonly ({ readonly name: string } & Place)[] = [
  { name: 'encodedSlashes', stage: 0, why: 'It decides which paths the route has.' },
]

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

/** Upstreams that take over from those of `to`, in order. */
export function alternatesOf({ features }: RouteOptions, known: readonly AnyFeature[]): readonly string[] {
  return known.flatMap((feature) => {
    const options = features.of(feature)
    return options === undefined ? [] : (feature.alternates?.(options) ?? [])
  })
}
