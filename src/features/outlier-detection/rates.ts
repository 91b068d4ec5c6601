/** Attempts of an endpoint in the latest interval. */
export interface Sample {
  readonly total: number
  readonly failed: number
}

/** Milliseconds and ratios. */
export interface FailurePercentageOptions {
  /** Share of failures from which an endpoint is an outlier, 0 to 1. */
  readonly threshold: number
  readonly minRequests: number
  /** Minimum number of endpoints with enough requests. */
  readonly minEndpoints: number
}

export interface SuccessRateOptions {
  /** Standard deviations below the mean from which an endpoint is an outlier. */
  readonly deviation: number
  readonly minRequests: number
  readonly minEndpoints: number
}

/** Indexes of the samples with too many failures. As Envoy's failure percentage. */
export function byFailurePercentage(samples: readonly Sample[], options: FailurePercentageOptions): number[] {
  const judged = busy(samples, options)
  return judged.filter((i) => failureRate(samples[i] as Sample) >= options.threshold)
}

/**
 * Indexes of the samples whose success rate is below `mean - deviation * standard deviation` of all. As Envoy's success
 * rate; an endpoint without any failure is never an outlier.
 */
export function bySuccessRate(samples: readonly Sample[], options: SuccessRateOptions): number[] {
  const judged = busy(samples, options)
  if (judged.length === 0) return []
  const rates = judged.map((i) => 1 - failureRate(samples[i] as Sample))
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length
  const least = mean - options.deviation * Math.sqrt(variance)
  return judged.filter((_, place) => (rates[place] as number) < 1 && (rates[place] as number) < least)
}

function busy(
  samples: readonly Sample[],
  { minRequests, minEndpoints }: SuccessRateOptions | FailurePercentageOptions,
) {
  const judged = samples.flatMap((sample, i) => (sample.total >= minRequests ? [i] : []))
  return judged.length >= minEndpoints ? judged : []
}

function failureRate({ total, failed }: Sample): number {
  return failed / total
}
