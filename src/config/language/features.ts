import type { AnyFeature, KeyPlace } from '../../core/feature.ts'
import {
  type Field,
  type Fields,
  type ObjectOf,
  type ObjectRules,
  type ObjectSchema,
  object,
  offOr,
  optional,
  withDefault,
} from '../../schema/composites.ts'
import { INVALID, type Schema } from '../../schema/schema.ts'

interface Keyed<L extends KeyPlace, O> {
  readonly name: string
  readonly keys: { readonly [K in L]?: Schema<O> }
}

/** Options of features at one place of a config. */
export class FeatureOptions<L extends KeyPlace = KeyPlace> {
  private readonly values: ReadonlyMap<string, unknown>

  constructor(values: ReadonlyMap<string, unknown>) {
    this.values = values
  }

  /** undefined: it is off here. The schema that read them is the feature's own, and so are their types. */
  of<O>({ name }: Keyed<L, O>): O | undefined {
    return this.values.get(name) as O | undefined
  }
}

/** What a map with keys of features is read as. */
export type WithFeatures<T, L extends KeyPlace = KeyPlace> = T & { readonly features: FeatureOptions<L> }

/** A map with known keys, those of features among them. */
export interface FeaturedSchema<T> extends Schema<T> {
  readonly fields: Fields
  readonly rules: ObjectRules
}

/** The keys of a map and those of features; their options are read apart. */
export function withFeatures<F extends Fields>(
  core: ObjectSchema<F>,
  features: readonly AnyFeature[],
  level: KeyPlace,
): FeaturedSchema<WithFeatures<ObjectOf<F>>> {
  const keys = featureFields(features, level)
  const whole = object<Fields>({ ...core.fields, ...keys }, core.rules)
  return {
    ...whole,
    read(node, at) {
      const value = whole.read(node, at)
      if (value === INVALID) return INVALID
      const own = Object.entries(value).filter(([key]) => !Object.hasOwn(keys, key))
      const options = new FeatureOptions(new Map(Object.keys(keys).map((key) => [key, value[key]])))
      // These are the fields of `core`, as `core` reads them.
      return { ...(Object.fromEntries(own) as ObjectOf<F>), features: options }
    },
  }
}

/** The keys of features at a level, in their order. */
function featureFields(features: readonly AnyFeature[], level: KeyPlace): Readonly<Record<string, Field<unknown>>> {
  const fields = features.flatMap(({ byDefault = false, doc, keys, name, targets }) => {
    const schema = keys[level]
    if (schema === undefined) return []
    // A collection is never off: an empty one means the same.
    const always = schema.collection !== undefined || (byDefault !== false && targets === 0)
    const value = always ? schema : offOr(schema)
    if (byDefault === false) return [[name, optional(value, doc)] as const]
    return [[name, withDefault(value, byDefault === true ? {} : byDefault, doc)] as const]
  })
  return Object.fromEntries(fields)
}
