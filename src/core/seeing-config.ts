/** How lines of the access log are written. */
export interface AccessLogConfig {
  readonly format: 'json' | 'common' | 'combined'
  /** Lower-case; their values are never shown. */
  readonly maskHeaders: readonly string[]
  /** Query keys whose values are shown, besides those that the route matches on. */
  readonly showQuery: readonly string[]
}

/** Which requests are recorded as spans. */
export interface SamplingConfig {
  /** Share of the traces that begin here, 0 to 1. */
  readonly sample: number
  /** `always`: failed requests are recorded even where their trace is not sampled. */
  readonly errors: 'always' | 'sampled'
  /** Whose decision about a trace that began elsewhere is followed. */
  readonly parents: 'any' | 'proxies'
  /** Running requests of a worker whose spans are kept until it is known whether they fail. */
  readonly requests: number
}
