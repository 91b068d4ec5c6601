import type { balancingKeys } from '../../data/upstreams/balancing-options.ts'
import { upstreamKeys } from '../../data/upstreams/options.ts'
import type { CollectionRules } from '../../schema/collection.ts'
import { type Field, type ObjectSchema, object, required, withDefault } from '../../schema/composites.ts'
import type { Infer, Schema } from '../../schema/schema.ts'
import type { WrittenEndpoints } from './endpoints.ts'
import type { WithFeatures } from './features.ts'

export type BalancingOptions = WithFeatures<Infer<ReturnType<typeof balancingKeys>>, 'loadBalancing'>

type Keys = Omit<typeof upstreamKeys.fields, 'endpoints' | 'loadBalancing'> & {
  readonly endpoints: Field<WrittenEndpoints>
  readonly loadBalancing: Field<BalancingOptions>
}

/** An upstream, after defaults were merged in. */
export type UpstreamOptions = WithFeatures<Infer<ObjectSchema<Keys>>, 'upstream'>

/** Keys of an upstream, without those of features; `endpoints` and `loadBalancing` are what features make of them. */
export function upstreamKeysWith(
  endpoints: Schema<WrittenEndpoints>,
  balancing: Schema<BalancingOptions>,
): ObjectSchema<Keys> {
  const { fields, rules } = upstreamKeys
  const keys = {
    ...fields,
    endpoints: required(endpoints, fields.endpoints.doc),
    loadBalancing: withDefault(balancing, {}, fields.loadBalancing.doc),
  }
  return object(keys, rules)
}

/** How upstreams are referred to. */
export const UPSTREAMS: CollectionRules = { of: 'upstream', named: true, serves: true, reach: 'listed' }
