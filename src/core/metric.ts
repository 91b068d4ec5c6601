/** What kind of series a metric has, what it says, and by which labels it is told apart. No label holds what a client chose. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'histogram' | 'gauge'
  /** For `# HELP` and the reference. */
  readonly help: string
  readonly labels: readonly string[]
}

/** By full name: `sluice_queue_wait_seconds`. */
export type MetricTable = Readonly<Record<string, MetricDefinition>>

/** The names of a table whose metrics are of kind `K`. */
export type MetricsOf<M, K extends MetricDefinition['kind']> = {
  [N in keyof M & string]: M[N] extends { readonly kind: infer Kind } ? (K extends Kind ? N : never) : never
}[keyof M & string]

/** Series of one worker, made at first use. `labels`: values in the order of the metric's label names. */
export interface MetricSink<Counters extends string = string, Histograms extends string = string> {
  counter(metric: Counters, labels: readonly string[]): { inc(n?: number): void }
  /** Seconds. */
  histogram(metric: Histograms, labels: readonly string[]): { observe(seconds: number): void }
}
