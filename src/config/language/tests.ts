import { headerConditions } from '../../data/routing/options.ts'
import { map, mapped, object, oneOrMany, optional, required, withDefault } from '../../schema/composites.ts'
import { reference } from '../../schema/mark.ts'
import { integer, name, pattern, text } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

const request = mapped(
  object({
    method: withDefault(pattern('a method in capitals such as GET', /^[A-Z][A-Z-]*$/), 'GET', 'Its method.'),
    url: optional(
      pattern('a URL such as http://api.example.com/orders', /^https?:\/\/[^/?#]/i),
      'In the place of host and path.',
    ),
    host: optional(text('a host such as api.example.com'), 'Its Host field. Default: localhost.'),
    path: optional(pattern('a path such as /orders?id=7', /^[/*]/), 'Path and query. Default: /.'),
    headers: optional(map(text('a field name'), oneOrMany(text())), 'Its fields, by name.'),
    from: optional(text('an IP address'), 'Where it comes from; matters where trust.proxies has it.'),
  }),
  ({ url, host, path = '/', ...rest }, refuse) => {
    if (url !== undefined && (host !== undefined || path !== '/'))
      return refuse('url stands in the place of host and path')
    return { ...rest, url: url ?? (host === undefined ? path : `http://${host}${path}`) }
  },
)

const expectation = mapped(
  object(
    {
      route: optional(reference('route'), 'The route that gets it.'),
      upstream: optional(reference('upstream'), 'One of those to which the route leads.'),
      status: optional(integer(200, 599), 'Of an answer that Sluice gives itself.'),
      path: optional(
        pattern('a path such as /v2/orders', /^[/*]/),
        'What the upstream gets; with the query if it has a ?.',
      ),
      headers: optional(headerConditions(), 'Fields that the upstream gets, or of Sluice’s own answer; as in match.'),
    },
    { misplaced: { host: 'headers.host' } },
  ),
  (expected, refuse) =>
    Object.values(expected).every((value) => value === undefined)
      ? refuse('nothing is expected; give route, upstream, status, path or headers')
      : expected,
)

const oneTest = object({
  request: required(request, 'What is asked.'),
  expect: required(expectation, 'What must come of it.'),
})

/** `tests`: what `sluice test` holds the file to. The gateway has no use for it. */
export const testOptions = map(name(), oneTest, 'a map of tests by name')

export type ConfigTests = Infer<typeof testOptions>
export type ConfigTest = Infer<typeof oneTest>
