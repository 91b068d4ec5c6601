import type { Reach } from '../../core/config.ts'
import type { Path } from '../../schema/path.ts'
import type { Marked } from '../../schema/walk.ts'
import type { Language } from './language.ts'
import type { RootOptions } from './root.ts'

interface Target {
  /** Kind of the collection, such as `provider`. */
  readonly of: string
  readonly name: string
}

/** Finds what the options of features refer to in the collections that features have at the root. */
export class Reaching {
  /** By place: references that stand there. */
  private readonly references = new Map<string, Target[]>()
  /** By kind. */
  private readonly collections: ReadonlyMap<
    string,
    { readonly key: string; readonly entries: ReadonlyMap<string, unknown> }
  >

  constructor(root: RootOptions, marks: readonly Marked[], { features }: Language) {
    this.collections = new Map(
      features.flatMap((feature) => {
        const { collection } = feature.keys.root ?? {}
        if (collection === undefined) return []
        const entries = root.features.of<ReadonlyMap<string, unknown>>(feature) ?? new Map<string, unknown>()
        return [[collection.of, { key: feature.name, entries }] as const]
      }),
    )
    for (const { mark, node, path } of marks) {
      if (mark.is !== 'reference' || !this.collections.has(mark.to) || node.kind !== 'scalar') continue
      const target = { of: mark.to, name: node.text }
      // `routes.NAME.FEATURE`, or an entry of a collection, which itself may refer to others: `providers.NAME`.
      for (const depth of [2, 3]) this.add(keyOf(path.slice(0, depth)), target)
    }
  }

  /** @param place such as `['routes', 'orders', 'auth']` */
  from(place: Path): Reach {
    const reach: Record<string, Record<string, unknown>> = {}
    const pending = [...(this.references.get(keyOf(place)) ?? [])]
    for (let target = pending.pop(); target !== undefined; target = pending.pop()) {
      const { name, of } = target
      const collection = this.collections.get(of)
      if (collection?.entries.has(name) !== true || Object.hasOwn(reach[of] ?? {}, name)) continue
      reach[of] = { ...reach[of], [name]: collection.entries.get(name) }
      pending.push(...(this.references.get(keyOf([collection.key, name])) ?? []))
    }
    return reach
  }

  private add(place: string, target: Target): void {
    const known = this.references.get(place)
    if (known === undefined) this.references.set(place, [target])
    else known.push(target)
  }
}

function keyOf(path: Path): string {
  return path.join('\0')
}
