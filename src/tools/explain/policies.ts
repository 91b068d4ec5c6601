import { usedProfiles } from '../../config/language/merge.ts'
import { ROUTING_PLACES } from '../../config/language/route.ts'
import type { RouteConfig } from '../../core/config.ts'
import { actsOn } from '../../core/feature.ts'
import { mayHoldSecret } from '../../lib/secret-names.ts'
import { isBuiltIn, type Node, nodeOf, type Position } from '../../schema/node.ts'
import { nodeAt } from '../../schema/path.ts'
import { type Leaf, leavesOf } from './leaves.ts'
import type { WrittenConfig } from './model.ts'
import { environmentTexts, HIDDEN } from './secrets.ts'

/** A value that holds, and where it comes from. */
export interface Effective {
  /** Below the policy or the key of an upstream: `queue.size`; empty: that as a whole. */
  readonly key: string
  /** As written in a config. */
  readonly value: string
  /** `route`, `profile NAME`, `upstream`, `gateway`, `defaults` or `built-in`. */
  readonly source: string
  /** undefined: built in. */
  readonly at: Position | undefined
}

export interface ActingPolicy {
  readonly name: string
  /** Policies act in this order. */
  readonly stage: number
  /** Why it stands there. */
  readonly why: string
  readonly values: readonly Effective[]
}

/** What was written, and in which language. */
export type WrittenTree = Pick<WrittenConfig, 'language' | 'tree'>

/** What acts on requests of a route, in order, with every value that holds. */
export function actingPolicies(written: WrittenTree, route: RouteConfig): readonly ActingPolicy[] {
  const places = written.language.features.flatMap(({ name, places = {} }) =>
    Object.values(places).map((place) => ({ name, ...place })),
  )
  return [...ROUTING_PLACES, ...places]
    .map((place) => ({
      ...place,
      values: [...commonValues(written, place.name), ...effectiveValues(written, route, place.name)],
    }))
    .filter(({ values }) => values.length > 0)
    .toSorted((a, b) => a.stage - b.stage)
    .map(({ name, stage, why, values }) => ({ name, stage, why, values }))
}

const ON: Effective = { key: '', value: 'on', source: 'built-in', at: undefined }

/** Of a feature that acts on all routes: what the root says of it, or that it is on. */
function commonValues({ language, tree }: WrittenTree, name: string): readonly Effective[] {
  const feature = language.features.find((known) => known.name === name)
  if (feature === undefined) return []
  if (Object.keys(feature.keys).length === 0) return [ON]
  const field = language.root.fields[name]
  const node = nodeAt(tree, [name]) ?? (field?.fallback === undefined ? undefined : nodeOf(field.fallback))
  if (field === undefined || field.schema.collection !== undefined || node === undefined) return []
  return leavesOf(field.schema, node, [name]).map((leaf) => effectiveOf(leaf, () => 'gateway'))
}

function effectiveValues(written: WrittenTree, route: RouteConfig, name: string): readonly Effective[] {
  const source = sourceOf(written.tree, route.name)
  return routeLeaves(written, route, name).map((leaf) => effectiveOf(leaf, source))
}

/** `source`: origin of a value that is not built in. */
export function effectiveOf(leaf: Leaf, source: (leaf: Leaf) => string): Effective {
  const { at } = leaf.node
  return {
    key: leaf.steps.slice(1).join('.'),
    value: shownText(leaf),
    source: isBuiltIn(at) ? 'built-in' : source(leaf),
    at: at.line === 0 ? undefined : at,
  }
}

/** The values of one key of a route, defaults included; none where the key means nothing to it. */
export function routeLeaves(
  { language, tree }: WrittenTree,
  { name: route, to }: RouteConfig,
  name: string,
): readonly Leaf[] {
  const field = language.route.fields[name]
  if (field === undefined) return []
  const written = nodeAt(tree, ['routes', route, name])
  const feature = language.features.find((known) => known.name === name)
  if (feature !== undefined && !actsOn(feature, to)) return []
  // It shapes attempts.
  if (feature?.plan !== undefined && to === undefined) return []
  const node = written ?? (field.fallback === undefined ? undefined : nodeOf(field.fallback))
  const nothing = node === undefined || (node.kind === 'list' && node.items.length === 0)
  return nothing ? [] : leavesOf(field.schema, node, [name])
}

/** Values of secret fields, and what came from the environment into fields, bodies and secrets, are hidden. */
export function shownText({ node, secret, steps, text }: Leaf): string {
  // Where the place of a secret is expected, the secret itself may have been written by mistake.
  if (secret) return environmentTexts(node).length > 0 ? HIDDEN : text
  const isField = steps.some((step) => step === 'set' || step === 'add' || step === 'headers')
  if (isField && mayHoldSecret(String(steps.at(-1)))) return HIDDEN
  const free = isField || steps.at(-1) === 'body'
  return free && node.kind === 'scalar' && node.substituted !== undefined ? HIDDEN : text
}

/** Merging keeps the nodes: a value came from where the same node stands. */
function sourceOf(tree: Node, route: string): (leaf: Leaf) => string {
  const whole = nodeAt(tree, ['routes', route])
  const profiles = whole === undefined ? [] : usedProfiles(whole).toReversed()
  return ({ node, steps }) => {
    const profile = profiles.find((name) => nodeAt(tree, ['profiles', name, ...steps]) === node)
    if (profile !== undefined) return `profile ${profile}`
    return nodeAt(tree, ['defaults', 'route', ...steps]) === node ? 'defaults' : 'route'
  }
}
