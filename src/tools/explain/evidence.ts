import type { ValueCondition } from '../../core/config.ts'
import type { Predicate } from '../../data/routing/predicates.ts'
import { parseQuery } from '../../lib/query.ts'

/** undefined: unknown from the line. */
export type Truth = boolean | undefined

export type ConditionPlace = 'header' | 'query'

/** A condition that a line cannot decide. */
export interface Unknown {
  readonly place: ConditionPlace
  readonly predicate: Predicate
}

const MASKED = '***'

/** What a line of the access log tells about the headers and query of its request, and what follows from its outcome. */
export class Evidence {
  private readonly pairs: readonly string[] | undefined
  private readonly headers: Readonly<Record<string, unknown>>
  private readonly named: ReadonlySet<string>
  private readonly learned = new Map<string, boolean>()

  /**
   * @param query as logged: values may be masked, keys never are; undefined: it was not logged
   * @param headers `matched_headers`
   * @param named headers that the line would have if the request had them
   */
  constructor(query: string | undefined, headers: Readonly<Record<string, unknown>>, named: ReadonlySet<string>) {
    this.pairs = query === undefined ? undefined : parseQuery(query)
    this.headers = headers
    this.named = named
  }

  truth({ place, predicate }: Unknown): Truth {
    const told = place === 'query' ? this.inQuery(predicate) : this.inHeaders(predicate)
    return told ?? this.learned.get(keyOf(place, predicate.condition))
  }

  /** Something else tells whether it holds. */
  learn({ place, predicate }: Unknown, holds: boolean): void {
    this.learned.set(keyOf(place, predicate.condition), holds)
  }

  private inQuery({ holds, name, condition }: Predicate): Truth {
    const { pairs } = this
    if (pairs === undefined) return undefined
    let hidden = false
    for (let i = 0; i < pairs.length; i += 2) {
      if (pairs[i] !== name) continue
      if (holds === undefined) return false
      const value = pairs[i + 1] as string
      if (value === MASKED) hidden = true
      else if (holds(value)) return true
    }
    if (hidden) return condition.op === 'present' ? true : undefined
    return holds === undefined
  }

  private inHeaders({ holds, name, condition }: Predicate): Truth {
    if (!Object.hasOwn(this.headers, name)) return this.named.has(name) ? holds === undefined : undefined
    if (holds === undefined) return false
    const shown = this.headers[name]
    const values = Array.isArray(shown) ? (shown as readonly unknown[]) : [shown]
    if (values.some((value) => typeof value === 'string' && value !== MASKED && holds(value))) return true
    if (!values.includes(MASKED)) return false
    return condition.op === 'present' ? true : undefined
  }
}

function keyOf(place: ConditionPlace, { name, op, value }: ValueCondition): string {
  return `${place} ${name} ${op} ${value}`
}
