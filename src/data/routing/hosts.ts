import { Paths } from './paths.ts'

/** The hosts of one precedence: exact names, suffixes of wildcards (`.example.com`), and what serves any host. */
export class Hosts<T> {
  readonly precedence: number
  /** Names looked up so far. */
  probes = 0
  private readonly exact = new Map<string, Paths<T>>()
  private readonly suffixes = new Map<string, Paths<T>>()
  private readonly any = new Paths<T>()
  private longestSuffix = 0

  constructor(precedence: number) {
    this.precedence = precedence
  }

  /** The paths of `host` (exact, or `*.` and a name; undefined: any), made at first use. */
  at(host: string | undefined): Paths<T> {
    if (host === undefined) return this.any
    if (!host.startsWith('*.')) return made(this.exact, host)
    const suffix = host.slice(1)
    this.longestSuffix = Math.max(this.longestSuffix, suffix.length)
    return made(this.suffixes, suffix)
  }

  /**
   * Asks `search` for the paths of every pattern that `host` matches, the most specific first, until one answers. The
   * client chooses the host, so only the part at its end that a suffix can cover is looked at.
   */
  first<R>(host: string, search: (paths: Paths<T>) => R | undefined): R | undefined {
    this.probes++
    const exact = this.exact.get(host)
    const found = exact === undefined ? undefined : search(exact)
    if (found !== undefined) return found
    if (this.suffixes.size > 0) {
      // From 1: the wildcard stands for at least one character, so never for the apex.
      let dot = host.indexOf('.', Math.max(1, host.length - this.longestSuffix))
      for (; dot !== -1; dot = host.indexOf('.', dot + 1)) {
        this.probes++
        const paths = this.suffixes.get(host.slice(dot))
        const answer = paths === undefined ? undefined : search(paths)
        if (answer !== undefined) return answer
      }
    }
    return search(this.any)
  }
}

function made<T>(map: Map<string, Paths<T>>, key: string): Paths<T> {
  let paths = map.get(key)
  if (paths === undefined) {
    paths = new Paths()
    map.set(key, paths)
  }
  return paths
}
