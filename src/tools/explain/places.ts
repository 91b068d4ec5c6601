import type { Node, Position } from '../../schema/node.ts'
import { keyOf, nodeAt, placeOf } from '../../schema/path.ts'
import type { MatchStage } from './progress.ts'

/** Where a condition of a route's match is written; of one that outranks it the route itself. */
export function conditionPlace(tree: Node, route: string, match: number, kind: MatchStage, name: string): Position {
  const whole = ['routes', route, 'match']
  const base = nodeAt(tree, whole)?.kind === 'list' ? [...whole, match] : whole
  switch (kind) {
    case 'outranked':
      return keyOf(tree, ['routes', route])
    case 'host':
    case 'path':
      return placeOf(tree, [...base, nodeAt(tree, [...base, kind]) === undefined ? `${kind}s` : kind])
    case 'listener':
      return placeOf(tree, [...base, 'listeners'])
    case 'method':
      return placeOf(tree, [...base, 'methods'])
    case 'query':
      return placeOf(tree, [...base, 'query', name])
    case 'header':
      return placeOf(tree, [...base, 'headers', writtenName(nodeAt(tree, [...base, 'headers']), name)])
  }
}

/** Field names are compared in lower case, and may be written otherwise. */
function writtenName(headers: Node | undefined, name: string): string {
  const names = headers?.kind === 'map' ? [...headers.entries.keys()] : []
  return names.find((written) => written.toLowerCase() === name) ?? name
}
