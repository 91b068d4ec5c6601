import { nodeAt } from '../../schema/path.ts'
import { type Leaf, leavesOf } from './leaves.ts'
import { type Effective, effectiveOf, type WrittenTree } from './policies.ts'

/** What holds for an upstream below one of its keys. */
export interface UpstreamValues {
  readonly name: string
  readonly values: readonly Effective[]
}

/** Every value that holds for an upstream, by its keys, and who says so: `upstream`, `defaults` or `built-in`. */
export function upstreamValues({ language, tree }: WrittenTree, upstream: string): readonly UpstreamValues[] {
  const node = nodeAt(tree, ['upstreams', upstream])
  if (node === undefined) return []
  const source = (leaf: Leaf): string =>
    nodeAt(tree, ['defaults', 'upstream', ...leaf.steps]) === leaf.node ? 'defaults' : 'upstream'
  const groups = Map.groupBy(leavesOf(language.upstream, node), ({ steps }) => String(steps[0]))
  return [...groups].map(([name, leaves]) => ({ name, values: leaves.map((leaf) => effectiveOf(leaf, source)) }))
}
