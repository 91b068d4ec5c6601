import type { FactValue } from './decision.ts'
import type { EventFacts } from './event.ts'

/**
 * An event for operators, reported once for the whole gateway by the thread that caused it. The control plane logs and
 * counts it.
 */
export type Notice =
  | {
      /** What lasts has changed, see `Feature.states`. */
      readonly kind: 'state'
      readonly feature: string
      /** Values in the order of its labels. */
      readonly labels: readonly string[]
      readonly state: string
      readonly facts: Readonly<Record<string, FactValue>>
      /** Milliseconds since the epoch; undefined: now. */
      readonly since?: number
    }
  | {
      /** A feature tells something, see `Feature.events`. */
      readonly kind: 'event'
      readonly feature: string
      readonly event: string
      readonly facts: EventFacts
    }
  | {
      /** The endpoint closes idle connections sooner than Sluice does: one that is used again may be gone. */
      readonly kind: 'idle-limit'
      readonly upstream: string
      readonly endpoint: string
      /** After so long, milliseconds. */
      readonly ms: number
      /** Our own time, milliseconds. */
      readonly keepAliveMs: number
    }
  | {
      /** An answer could not be parsed; at most once per minute, endpoint and thread. `rule`: see `Failure.rule`. */
      readonly kind: 'malformed'
      readonly upstream: string
      readonly endpoint: string
      readonly rule: string
    }
  | {
      /** Synchronous hooks of a plug-in hold up a worker; at most once per minute, hook and thread. */
      readonly kind: 'slow-plugin'
      /** As the config names it. */
      readonly plugin: string
      readonly hook: string
      /** Slow calls since it was told before. */
      readonly calls: number
      /** The slowest of them, milliseconds. */
      readonly worstMs: number
    }
