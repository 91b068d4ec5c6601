/** Requests with the same outcome. */
export interface Group {
  readonly what: string
  readonly count: number
  /** The first of them: method, host, path and query. */
  readonly example: string
}

/** Logs may name more routes than any config has. */
const MOST_GROUPS = 1_000
const OTHERS = '(others)'

/** Counts by kind and by outcome, with an example each. */
export class Tally {
  private readonly kinds = new Map<string, Map<string, { count: number; readonly example: string }>>()

  add(kind: string, what: string, example: () => string): void {
    const groups = this.kinds.get(kind) ?? new Map<string, { count: number; readonly example: string }>()
    if (groups.size === 0) this.kinds.set(kind, groups)
    const name = groups.has(what) || groups.size < MOST_GROUPS ? what : OTHERS
    const group = groups.get(name)
    if (group === undefined) groups.set(name, { count: 1, example: example() })
    else group.count++
  }

  sum(kind: string): number {
    return this.groups(kind).reduce((sum, { count }) => sum + count, 0)
  }

  /** The largest first. */
  groups(kind: string): readonly Group[] {
    return Array.from(this.kinds.get(kind) ?? [], ([what, group]) => ({ what, ...group })).toSorted(
      (a, b) => b.count - a.count,
    )
  }
}
