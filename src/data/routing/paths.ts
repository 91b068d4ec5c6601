import type { PathPattern } from '../../core/config.ts'
import { compareEntries, type Entry } from './match.ts'

/** A place in the tree of path segments. A place that is a route's end has its entries, the most specific first. */
export class Place<T> {
  /** The first of the literal segments below, which mostly is the only one, apart: a map costs more looks at memory. */
  private segment: string | undefined = undefined
  private next: Place<T> | undefined = undefined
  private others: Map<string, Place<T>> | undefined = undefined
  param: Place<T> | undefined = undefined
  /** Of paths that end here. */
  readonly exact: Entry<T>[] = []
  /** Of paths that end here and all below. */
  readonly prefix: Entry<T>[] = []

  /** Whether no path goes on from here. */
  get isLast(): boolean {
    return this.segment === undefined && this.param === undefined
  }

  literal(segment: string): Place<T> | undefined {
    return segment === this.segment ? this.next : this.others?.get(segment)
  }

  /** The place of a literal segment, made at first use. */
  addLiteral(segment: string): Place<T> {
    const known = this.literal(segment)
    if (known !== undefined) return known
    const made = new Place<T>()
    if (this.segment === undefined) {
      this.segment = segment
      this.next = made
    } else {
      this.others ??= new Map()
      this.others.set(segment, made)
    }
    return made
  }

  addParam(): Place<T> {
    this.param ??= new Place()
    return this.param
  }
}

/** The paths of one host: the root of a tree of segments; regular expressions are the last resort. */
export class Paths<T> extends Place<T> {
  readonly regexes: Entry<T>[] = []

  add(pattern: PathPattern, entry: Entry<T>): void {
    if (pattern.kind === 'regex') {
      insert(this.regexes, entry)
      return
    }
    let place: Place<T> = this
    for (const segment of pattern.segments) {
      place = 'param' in segment ? place.addParam() : place.addLiteral(segment.literal)
    }
    insert(pattern.prefix ? place.prefix : place.exact, entry)
  }
}

/** Keeps `list` sorted; among equals the first that came stays first. */
function insert<T>(list: Entry<T>[], added: Entry<T>): void {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareEntries(list[middle] as Entry<T>, added) > 0) high = middle
    else low = middle + 1
  }
  list.splice(low, 0, added)
}
