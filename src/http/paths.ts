import { type Reading, readingText, Way } from '../core/reading.ts'
import type { Refusal } from '../core/verdict.ts'
import { escapeForbidden } from '../lib/percent.ts'
import type { TemplateText } from '../schema/template.ts'
import { type CompiledText, compileText } from './template.ts'

/** A path prefix in whole segments, given with or without a slash at its end. */
export class PathPrefix {
  private readonly bare: string
  private readonly below: string

  constructor(prefix: string) {
    this.bare = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
    this.below = `${this.bare}/`
  }

  with(rest: string): string {
    return this.bare + rest
  }

  /** The part after the prefix in `path`: empty or with its slash; undefined if `path` does not start with it. */
  rest(path: string): string | undefined {
    if (path.startsWith(this.below)) return path.slice(this.bare.length)
    return path === this.bare ? '' : undefined
  }
}

/** Replaces a prefix by `to`; undefined if the path does not start with it. */
export class PrefixReplacement {
  private readonly from: PathPrefix
  private readonly to: string
  private readonly after: PathPrefix

  constructor(from: string, to: string) {
    this.from = new PathPrefix(from)
    this.to = to.endsWith('/') ? to.slice(0, -1) : to
    this.after = new PathPrefix(to)
  }

  apply(path: string): string | undefined {
    const rest = this.from.rest(path)
    if (rest === undefined) return undefined
    const replaced = this.to + rest
    return replaced === '' ? '/' : replaced
  }

  /** The prefix is removed and nothing replaces it. */
  get strips(): boolean {
    return this.to === ''
  }

  /** The path begins with the prefix that is replaced. */
  stands(path: string): boolean {
    return this.from.rest(path) !== undefined
  }

  /** The path from which `apply` makes this one; undefined: there is none. */
  revert(path: string): string | undefined {
    const rest = this.after.rest(path)
    return rest === undefined ? undefined : this.from.with(rest)
  }

  /**
   * Why a path with other readings is refused: the prefix is there in one of them and not in another, or the rest of the
   * path begins with two slashes, which no longer stand inside the path. Undefined: the result is the same in all readings.
   */
  refusal(path: string, readings: readonly Reading[]): Refusal | undefined {
    const applies = this.from.rest(path) !== undefined
    const other = readings.find((reading) => (this.from.rest(reading.path) !== undefined) !== applies)
    if (other !== undefined) return ambiguous(`Read ${readingText(other)}, the path would be rewritten differently.`)
    if (!readings.some(({ ways }) => (ways & Way.merged) !== 0)) return undefined
    const beginsAnew = (before: string): boolean =>
      !before.startsWith('//') && this.apply(before)?.startsWith('//') === true
    return beginsAnew(path) || readings.some((reading) => beginsAnew(reading.path)) ? AUTHORITY : undefined
  }
}

function ambiguous(detail: string): Refusal {
  return { reason: 'ambiguous_path', phase: 'request', origin: 'client', detail }
}

const AUTHORITY = ambiguous(
  'Rewritten, the path would begin with two slashes, which can be read as those before a host.',
)

/**
 * A path with parameters, such as `/v2/users/{id}`. Values come from a path in normal form, so they are escaped already;
 * characters that a URI must not hold bare are escaped here. A value never adds a segment.
 */
export function compilePath(path: TemplateText, paramNames: readonly string[]): CompiledText {
  return compileText(path, { values: {}, paramNames, write: escapeForbidden, encode: escapeForbidden })
}
