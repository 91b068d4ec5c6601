import type { Path } from '../../schema/path.ts'
import type { Marked } from '../../schema/walk.ts'

/** A route that names another one which cannot answer for it. */
export interface BadStandIn {
  /** Of the reference. */
  readonly path: Path
  readonly why: string
}

interface Step {
  readonly from: string
  readonly to: string
  readonly path: Path
}

/** Routes that lead to each other in a circle, or to one that needs parameters of its own path. `found`: what schemas mark. */
export function badStandIns(found: readonly Marked[]): readonly BadStandIn[] {
  const steps = found.flatMap(({ mark, node, path }): Step[] =>
    mark.is === 'reference' && mark.to === 'route' && node.kind === 'scalar' && path[0] === 'routes'
      ? [{ from: String(path[1]), to: node.text, path }]
      : [],
  )
  const byRoute = Map.groupBy(steps, ({ from }) => from)
  const needing = needingParameters(found)
  return steps.flatMap(({ from, path, to }) => {
    const way = wayBetween(byRoute, to, from)
    if (way !== undefined) return [{ path, why: `leads back to itself: ${[from, ...way].join(' → ')}` }]
    return needing.has(to)
      ? [{ path, why: `route ${to} uses parameters of its path, which this one does not have` }]
      : []
  })
}

/** The shortest one, both ends included. */
function wayBetween(
  steps: ReadonlyMap<string, readonly Step[]>,
  start: string,
  end: string,
): readonly string[] | undefined {
  const before = new Map<string, string | undefined>([[start, undefined]])
  // What is added while it is walked is walked, too.
  for (const at of before.keys()) {
    if (at === end) {
      const way: string[] = []
      for (let one: string | undefined = end; one !== undefined; one = before.get(one)) way.unshift(one)
      return way
    }
    for (const { to } of steps.get(at) ?? []) if (!before.has(to)) before.set(to, at)
  }
  return undefined
}

/** Routes with a template that names parameters of their path. */
function needingParameters(found: readonly Marked[]): ReadonlySet<string> {
  const names = found.flatMap(({ mark, node, path }) => {
    const needs = mark.is === 'template' && node.kind === 'scalar' && mark.params(node.text).length > 0
    return needs && path[0] === 'routes' ? [String(path[1])] : []
  })
  return new Set(names)
}
