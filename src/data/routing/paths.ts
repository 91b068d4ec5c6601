import type { PathPattern } from '../../core/config.ts'
import { compareEntries, type RouteEntry } from './match.ts'

/** A place in the tree of path segments. A place that is a route's end has its entries, the most specific first. */
export class PathNode<T> {
  /** The first of the literal segments below, usually the only one, kept separately: a map needs more memory accesses. */
  private segment: string | undefined = undefined
  private next: PathNode<T> | undefined = undefined
  private others: Map<string, PathNode<T>> | undefined = undefined
  param: PathNode<T> | undefined = undefined
  /** Of paths that end here. */
  readonly exact: RouteEntry<T>[] = []
  /** Of paths that end here and all below. */
  readonly prefix: RouteEntry<T>[] = []

  /** Whether no path goes on from here. */
  get isLast(): boolean {
    return this.segment === undefined && this.param === undefined
  }

  literal(segment: string): PathNode<T> | undefined {
    return segment === this.segment ? this.next : this.others?.get(segment)
  }

  /** The place of a literal segment, made at first use. */
  addLiteral(segment: string): PathNode<T> {
    const known = this.literal(segment)
    if (known !== undefined) return known
    const made = new PathNode<T>()
    if (this.segment === undefined) {
      this.segment = segment
      this.next = made
    } else {
      this.others ??= new Map()
      this.others.set(segment, made)
    }
    return made
  }

  addParam(): PathNode<T> {
    this.param ??= new PathNode()
    return this.param
  }
}

/** The paths of one host: the root of a tree of segments; regular expressions are the last resort. */
export class Paths<T> extends PathNode<T> {
  readonly regexes: RouteEntry<T>[] = []

  add(pattern: PathPattern, entry: RouteEntry<T>): void {
    if (pattern.kind === 'regex') {
      insert(this.regexes, entry)
      return
    }
    let place: PathNode<T> = this
    for (const segment of pattern.segments) {
      place = 'param' in segment ? place.addParam() : place.addLiteral(segment.literal)
    }
    insert(pattern.prefix ? place.prefix : place.exact, entry)
  }
}

/** Keeps `list` sorted; among equals the earlier one stays first. */
function insert<T>(list: RouteEntry<T>[], added: RouteEntry<T>): void {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareEntries(list[middle] as RouteEntry<T>, added) > 0) high = middle
    else low = middle + 1
  }
  list.splice(low, 0, added)
}
