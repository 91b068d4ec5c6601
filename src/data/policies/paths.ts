/** A path prefix in whole segments, given with or without a slash at its end. */
class PathPrefix {
  private readonly bare: string
  private readonly below: string

  constructor(prefix: string) {
    this.bare = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
    this.below = `${this.bare}/`
  }

  /** What follows the prefix in `path`: empty or with its slash; undefined where `path` does not start with it. */
  rest(path: string): string | undefined {
    if (path.startsWith(this.below)) return path.slice(this.bare.length)
    return path === this.bare ? '' : undefined
  }
}

/** Puts `to` in the place of a prefix; undefined where the path does not start with it. */
export class PrefixReplacement {
  private readonly from: PathPrefix
  private readonly to: string

  constructor(from: string, to: string) {
    this.from = new PathPrefix(from)
    this.to = to.endsWith('/') ? to.slice(0, -1) : to
  }

  apply(path: string): string | undefined {
    const rest = this.from.rest(path)
    if (rest === undefined) return undefined
    const replaced = this.to + rest
    return replaced === '' ? '/' : replaced
  }
}
