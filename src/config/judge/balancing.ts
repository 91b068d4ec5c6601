import { type AnyFeature, algorithmsOf } from '../../core/feature.ts'
import { keyedNames } from '../../data/upstreams/balancing-options.ts'
import type { UpstreamOptions } from '../language/upstream.ts'
import { usesAt } from './uses.ts'

/** A mistake that no single key of an upstream shows. `path`: below the upstream. */
export interface BalancingMistake {
  readonly path: readonly string[]
  readonly message: string
}

/** Contradictions in how an upstream is balanced. */
export function balancingMistakes(options: UpstreamOptions, features: readonly AnyFeature[]): BalancingMistake[] {
  const { algorithm, hashOn } = options.loadBalancing
  const keyed = usesAt(options, features).flatMap(({ name, own, form }) => {
    const key = form.keyOf?.(own)
    return key === undefined ? [] : [{ name, key }]
  })
  const mistakes: BalancingMistake[] = []
  const error = (path: readonly string[], message: string): void => {
    mistakes.push({ path, message })
  }
  const known = algorithmsOf(features)
  if (known.get(algorithm)?.keyed === true) {
    if (hashOn === undefined) error(['loadBalancing'], `${algorithm} needs hashOn, such as hashOn: { header: x-user }`)
    for (const { name } of keyed)
      error([name], `${algorithm} gives each key one endpoint already; use another algorithm or leave ${name} out`)
    return mistakes
  }
  const without = keyed.filter(({ key }) => key === 'upstream')
  if (hashOn === undefined) {
    for (const { name } of without) error([name], 'hashOn is missing, such as hashOn: { header: x-user }')
  } else if (without.length === 0) {
    error(
      ['loadBalancing', 'hashOn'],
      `would have no effect: ${algorithm} uses no key; ${keyedNames(known.values())} do`,
    )
  }
  return mistakes
}
