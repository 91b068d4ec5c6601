import { headerConditions } from '../../data/routing/options.ts'
import { map, mapped, object, oneOrMany, optional, required, withDefault } from '../../schema/composites.ts'
import { reference } from '../../schema/mark.ts'
import { integer, name, pattern, text } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

const request = mapped(
  object({
    method: withDefault(pattern('a method in capitals such as GET', /^[A-Z][A-Z-]*$/), 'GET', 'Method of the request.'),
    url: optional(
      pattern('a URL such as http://api.example.com/orders', /^https?:\/\/[^/?#]/i),
      'URL of the request, in place of host and path.',
    ),
    host: optional(text('a host such as api.example.com'), 'Host field of the request. Default: localhost.'),
    path: optional(pattern('a path such as /orders?id=7', /^[/*]/), 'Path and query of the request. Default: /.'),
    headers: optional(map(text('a field name'), oneOrMany(text())), 'Header fields of the request, by name.'),
    from: optional(text('an IP address'), 'Address of the client; it matters if trust.proxies contains it.'),
  }),
  ({ url, host, path = '/', ...rest }, refuse) => {
    if (url !== undefined && (host !== undefined || path !== '/'))
      return refuse('url replaces host and path; write one of them')
    return { ...rest, url: url ?? (host === undefined ? path : `http://${host}${path}`) }
  },
)

const expectation = mapped(
  object(
    {
      route: optional(reference('route'), 'Route that must get the request.'),
      upstream: optional(reference('upstream'), 'Upstream that must be among those of the route.'),
      status: optional(integer(200, 599), 'Status of an answer by Sluice itself.'),
      path: optional(
        pattern('a path such as /v2/orders', /^[/*]/),
        'Path that the upstream must get; with the query if it contains a ?.',
      ),
      headers: optional(
        headerConditions(),
        'Conditions on the header fields that the upstream gets, or of Sluice’s own answer; written as in match.',
      ),
    },
    { misplaced: { host: 'headers.host' } },
  ),
  (expected, refuse) =>
    Object.values(expected).every((value) => value === undefined)
      ? refuse('nothing is expected; give route, upstream, status, path or headers')
      : expected,
)

const oneTest = object({
  request: required(request, 'The request.'),
  expect: required(expectation, 'The expected result.'),
})

/** `tests`: what `sluice test` checks in the file. The gateway ignores it. */
export const testOptions = map(name(), oneTest, 'a map of tests by name')

export type ConfigTest = Infer<typeof oneTest>
