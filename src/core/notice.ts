/** Why an endpoint was ejected. */
export type EjectionCause = 'consecutive_failures' | 'consecutive_5xx' | 'failure_percentage' | 'success_rate'

/**
 * Something that operators want to know of, said once for the whole gateway by the thread that made it happen. The control
 * plane logs and counts it.
 */
export type Notice =
  | {
      readonly kind: 'breaker'
      readonly route: string
      readonly upstream: string
      readonly to: 'closed' | 'open' | 'half_open' | 'ramping'
    }
  | {
      readonly kind: 'ejected'
      readonly upstream: string
      readonly endpoint: string
      readonly cause: EjectionCause
      /** How long, milliseconds. */
      readonly ms: number
      /** Shadow: it would have been. */
      readonly mode: 'enforce' | 'shadow'
    }
  | {
      /** Idle connections end sooner than we would close them: one that is used again may be gone. */
      readonly kind: 'idle-limit'
      readonly upstream: string
      readonly endpoint: string
      /** After so long, milliseconds. */
      readonly ms: number
      /** Our own time, milliseconds. */
      readonly keepAliveMs: number
    }
  | {
      /** An answer could not be parsed; of an endpoint, at most once a minute and thread. `rule`: see `Failure.rule`. */
      readonly kind: 'malformed'
      readonly upstream: string
      readonly endpoint: string
      readonly rule: string
    }
  | { readonly kind: 'returned'; readonly upstream: string; readonly endpoint: string }
