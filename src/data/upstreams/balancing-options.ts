import type { Algorithm } from '../../core/balancer.ts'
import { hashOn } from '../../http/hash-source.ts'
import { type Field, object, offOr, optional, required, withDefault } from '../../schema/composites.ts'
import { factor, oneOf } from '../../schema/scalars.ts'

/** Which endpoint gets the next attempt, by one of these algorithms. */
export function balancingKeys(algorithms: readonly Algorithm[]) {
  const keyed = keyedNames(algorithms)
  return object({
    algorithm: algorithmField(algorithms),
    hashOn: optional(
      hashOn,
      `What the key is made of, for ${keyed}. Of a list, the first that the request has is used.`,
    ),
    balanceFactor: withDefault(
      offOr(factor(1, 10)),
      '125%',
      `For ${keyed}: the most requests in flight that an endpoint gets, as a share of its fair part.`,
    ),
  })
}

/** Those that need a key, for messages. */
export function keyedNames(algorithms: Iterable<Algorithm>): string {
  return Array.from(algorithms)
    .filter(({ keyed }) => keyed === true)
    .map(({ name }) => name)
    .join(' and ')
}

function algorithmField(algorithms: readonly Algorithm[]): Field<string> {
  const schema = oneOf(...algorithms.map(({ name }) => name))
  const doc = algorithms.map(({ doc, name }) => `${name}: ${doc}.`).join(' ')
  const fallback = algorithms.find(({ byDefault }) => byDefault === true)?.name
  return fallback === undefined ? required(schema, doc) : withDefault(schema, fallback, doc)
}
