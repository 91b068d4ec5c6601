import { hashOn } from '../../http/hash-source.ts'
import { object, offOr, optional, withDefault } from '../../schema/composites.ts'
import { factor, oneOf } from '../../schema/scalars.ts'

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
})
