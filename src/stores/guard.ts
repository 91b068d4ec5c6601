import CircuitBreaker from 'opossum'

export interface CallGuardOptions<T> {
  /** The guarded call. It bounds its own time: a call that never settles would leave the breaker stuck. */
  readonly call: () => Promise<T>
  /** Milliseconds over which failures are counted. */
  readonly window: number
  /** Milliseconds without calls after too many failures; then one call probes. */
  readonly openFor: number
  /** The call failed, or was not made. */
  readonly onFailure: (error: Error) => void
}

const MIN_CALLS = 5
const ERROR_PERCENT = 50
const BUCKETS = 10

/**
 * A call that Sluice itself makes (discovery), behind a circuit breaker of opossum: if it fails, or is not made because it
 * has failed too often, the answer is what was known before. The only file that knows opossum; requests have a breaker of
 * their own (`features/circuit-breaker/circuit.ts`).
 */
export class CallGuard<T> {
  private readonly breaker: CircuitBreaker<[known: T], T>

  constructor({ call, window, openFor, onFailure }: CallGuardOptions<T>) {
    this.breaker = new CircuitBreaker<[known: T], T>(() => call(), {
      // The timeout of opossum would leave the call running.
      timeout: false,
      volumeThreshold: MIN_CALLS,
      errorThresholdPercentage: ERROR_PERCENT,
      resetTimeout: openFor,
      rollingCountTimeout: window,
      rollingCountBuckets: BUCKETS,
      // Percentiles sort and copy all samples at each failure.
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
    })
    this.breaker.fallback((known: T, error: Error) => {
      onFailure(error)
      return known
    })
  }

  /** The call's answer, or `known`. Never rejects before `close`. */
  run(known: T): Promise<T> {
    return this.breaker.fire(known)
  }

  /** The facts have changed: earlier failures no longer count. */
  forget(): void {
    this.breaker.close()
  }

  /** Ends its timers. */
  close(): void {
    this.breaker.shutdown()
  }
}
