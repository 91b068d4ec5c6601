import type { balancingKeys } from '../../data/upstreams/balancing-options.ts'
import { upstreamKeys } from '../../data/upstreams/options.ts'
import type { CollectionRules } from '../../schema/collection.ts'
import { type Field, type ObjectSchema, object, withDefault } from '../../schema/composites.ts'
import type { Infer, Schema } from '../../schema/schema.ts'
import type { WithFeatures } from './features.ts'

export type BalancingOptions = WithFeatures<Infer<typeof balancingKeys>, 'loadBalancing'>

type Keys = Omit<typeof upstreamKeys.fields, 'loadBalancing'> & { readonly loadBalancing: Field<BalancingOptions> }

/** An upstream, after defaults were merged in. */
export type UpstreamOptions = WithFeatures<Infer<ObjectSchema<Keys>>, 'upstream'>

/** Keys of an upstream, without those of features. `balancing`: what may stand in `loadBalancing`. */
export function upstreamKeysWith(balancing: Schema<BalancingOptions>): ObjectSchema<Keys> {
  const { fields, rules } = upstreamKeys
  const { doc } = fields.loadBalancing
  return object({ ...fields, loadBalancing: withDefault(balancing, {}, doc) }, rules)
}

/** How upstreams are referred to. */
export const UPSTREAMS: CollectionRules = { of: 'upstream', named: true, serves: true, reach: 'listed' }
