import type { HashSource } from '../../core/config.ts'
import {
  mapped,
  type ObjectOf,
  object,
  offOr,
  oneOrMany,
  optional,
  required,
  withDefault,
} from '../../schema/composites.ts'
import { duration, integer, name, oneOf, type Problem, parsed, pattern } from '../../schema/scalars.ts'
import type { Schema } from '../../schema/schema.ts'

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

const yes = parsed<true>('true', (value) => (value === 'true' ? true : { problem: '' }), { const: true })

const sources = {
  header: optional(pattern('the name of a header field', TOKEN), 'A header field of the request.'),
  cookie: optional(pattern('the name of a cookie', TOKEN), 'A cookie.'),
  query: optional(pattern('a key of the query', /^[\x20-\x7e]+$/), 'The first value of a key of the query.'),
  client: optional(oneOf('address'), 'The address of the client, after trust.proxies.'),
  path: optional(yes, 'The path, without query.'),
}

const hashSource: Schema<HashSource> = mapped(object(sources), (written, refuse) => {
  const found = sourcesIn(written)
  const [first, ...more] = found
  if (first === undefined || more.length > 0) {
    return refuse(`exactly one of ${Object.keys(sources).join(', ')} is needed; write a list for several`)
  }
  return first
})

function sourcesIn({ header, cookie, query, client, path }: ObjectOf<typeof sources>): HashSource[] {
  const found: HashSource[] = []
  if (header !== undefined) found.push({ from: 'header', name: header.toLowerCase() })
  if (cookie !== undefined) found.push({ from: 'cookie', name: cookie })
  if (query !== undefined) found.push({ from: 'query', name: query })
  if (client !== undefined) found.push({ from: 'client' })
  if (path !== undefined) found.push({ from: 'path' })
  return found
}

/**
 * What keys are made of: `{ header: NAME }` and the like, one or a list, of which the first present in the request is used.
 */
const hashOn = oneOrMany(hashSource)

/** `125%` or `1.25`; read as a factor. */
function factor(min: number, max: number): Schema<number> {
  const expected = `a share such as ${min * 125}%, from ${min * 100}% to ${max * 100}%`
  return parsed(
    expected,
    (value): number | Problem => {
      const [, digits, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(value) ?? []
      const read = Number(digits) / (percent === '%' ? 100 : 1)
      return read >= min && read <= max ? read : { problem: '' }
    },
    { type: ['string', 'number'] },
  )
}

const zone = object({
  prefer: required(name(), 'Zone whose endpoints are preferred, usually the one in which this gateway runs.'),
  spillOver: withDefault(
    factor(1, 100),
    '150%',
    'When the mean load of the preferred zone exceeds this share of that of the other zones, theirs are used as well.',
  ),
})

/** Which endpoint gets the next attempt. */
export const balancingKeys = object({
  algorithm: withDefault(
    oneOf('round-robin', 'least-request', 'random', 'peak-ewma', 'ring-hash', 'maglev'),
    'least-request',
    'round-robin: in turn, by weight. least-request: of two drawn at random, the one with fewer requests in flight. peak-ewma: of two drawn at random, the one with the lower latency times load. random: any, by weight. ring-hash, maglev: the same endpoint for the same key.',
  ),
  hashOn: optional(
    hashOn,
    'What the key is made of, for ring-hash and maglev. Of a list, the first that the request has is used.',
  ),
  balanceFactor: withDefault(
    offOr(factor(1, 10)),
    '125%',
    'For ring-hash and maglev: the most requests in flight that an endpoint gets, as a share of its fair part.',
  ),
  slowStart: withDefault(
    offOr(duration(1000, 3_600_000)),
    'off',
    'Time in which an endpoint that is new or has recovered grows from a tenth of its share of the requests to all of it.',
  ),
  zone: optional(offOr(zone), 'Prefer endpoints of a zone.'),
})

/** `subset` of an upstream. */
export const subsetOptions = object({
  size: required(integer(1, 1000), 'Number of endpoints that a key may go to.'),
  hashOn: optional(hashOn, 'What the key is made of. Default: loadBalancing.hashOn.'),
})
