import { upstreamOptions } from '../../data/upstreams/options.ts'
import type { Node } from '../../schema/node.ts'
import { nodeAt } from '../../schema/path.ts'
import { type Leaf, leavesOf } from './leaves.ts'
import { type Effective, effectiveOf } from './policies.ts'

/** What holds for an upstream below one of its keys. */
export interface UpstreamValues {
  readonly name: string
  readonly values: readonly Effective[]
}

/** Every value that holds for an upstream, by its keys, and who says so: `upstream`, `defaults` or `built-in`. */
export function upstreamValues(tree: Node, upstream: string): readonly UpstreamValues[] {
  const node = nodeAt(tree, ['upstreams', upstream])
  if (node === undefined) return []
  const source = (leaf: Leaf): string =>
    nodeAt(tree, ['defaults', 'upstream', ...leaf.steps]) === leaf.node ? 'defaults' : 'upstream'
  const groups = Map.groupBy(leavesOf(upstreamOptions, node), ({ steps }) => String(steps[0]))
  return [...groups].map(([name, leaves]) => ({ name, values: leaves.map((leaf) => effectiveOf(leaf, source)) }))
}
