import type { PathPattern } from '../../core/config.ts'
import { compareEntries, type Entry } from './match.ts'

/** A place in the tree of path segments. A place that is a route's end has its entries, the most specific first. */
export class Place<T> {
  literals: Map<string, Place<T>> | undefined = undefined
  param: Place<T> | undefined = undefined
  /** Of paths that end here. */
  readonly exact: Entry<T>[] = []
  /** Of paths that end here and all below. */
  readonly prefix: Entry<T>[] = []
}

/** The paths of one host: a tree of segments; regular expressions are the last resort. */
export class Paths<T> {
  readonly root: Place<T> = new Place()
  readonly regexes: Entry<T>[] = []

  add(pattern: PathPattern, entry: Entry<T>): void {
    if (pattern.kind === 'regex') {
      insert(this.regexes, entry)
      return
    }
    let place = this.root
    for (const segment of pattern.segments) {
      place = 'param' in segment ? param(place) : literal(place, segment.literal)
    }
    insert(pattern.prefix ? place.prefix : place.exact, entry)
  }
}

function param<T>(place: Place<T>): Place<T> {
  place.param ??= new Place()
  return place.param
}

function literal<T>(place: Place<T>, segment: string): Place<T> {
  place.literals ??= new Map()
  let next = place.literals.get(segment)
  if (next === undefined) {
    next = new Place()
    place.literals.set(segment, next)
  }
  return next
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
