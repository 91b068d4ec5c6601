/** The paths of some hosts, of which some must win over others that would come first by themselves. */
export interface RankScope {
  /** Exact, or `*.` and a name; undefined: any. */
  readonly host: string | undefined
  /** The highest level that one of its paths has; 0: the natural order is right. */
  readonly levels: number
}

const MOST = 1000

/**
 * Precedence for each kind of host. It counts before hosts do, so that where one host needs it, every more specific kind of
 * host must start above all levels of the less specific ones. Undefined: more levels than there are precedences.
 */
export function precedences(
  scopes: readonly RankScope[],
): ((host: string | undefined, level: number) => number) | undefined {
  if (scopes.every(({ levels }) => levels === 0)) return () => 0
  const widths = new Map<number, number>()
  for (const { host, levels } of scopes) widths.set(tier(host), Math.max(widths.get(tier(host)) ?? 1, levels + 1))
  const bases = new Map<number, number>()
  let next = 0
  for (const [key, width] of [...widths].toSorted(([a], [b]) => a - b)) {
    bases.set(key, next)
    next += width
  }
  return next > MOST ? undefined : (host, level) => (bases.get(tier(host)) ?? 0) + level
}

/** More specific kinds of host have larger ones. */
export function tier(host: string | undefined): number {
  if (host === undefined) return 0
  return host.startsWith('*.') ? host.split('.').length : Number.MAX_SAFE_INTEGER
}
