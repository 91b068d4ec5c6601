import type { Metrics } from './metrics.ts'

/** What became of one request. Times are clock milliseconds. */
export interface DrillOutcome {
  readonly load: string
  /** When it should have been sent: waiting for the load tool counts. */
  readonly dueAt: number
  readonly endedAt: number
  /** 0: no complete answer. */
  readonly status: number
  /** The reason in Proxy-Status, or how the connection broke; '' for an answer of the upstream. */
  readonly reason: string
  /** Of the body. */
  readonly bytes: number
}

/** A phase that is over. */
export interface PhaseSeen {
  readonly name: string
  readonly from: number
  /** When its faults were there. */
  readonly setAt: number
  readonly to: number
  readonly before: Metrics
  readonly after: Metrics
  /** Requests that each endpoint got in it, by upstream. */
  readonly received: Readonly<Record<string, readonly number[]>>
  /** The most requests that each upstream had at a time. */
  readonly peak: Readonly<Record<string, number>>
  /** Milliseconds that the threads of each upstream worked, all together. */
  readonly busyMs: Readonly<Record<string, number>>
}

/** Everything that was seen while a scenario ran, and figures made from it. */
export class DrillRun {
  readonly outcomes: readonly DrillOutcome[]
  readonly phases: readonly PhaseSeen[]
  /** After the load had ended. */
  readonly end: Metrics

  /** Requests that each endpoint got, by upstream; before the first phase and between phases too. */
  readonly allReceived: PhaseSeen['received']

  constructor(
    outcomes: readonly DrillOutcome[],
    phases: readonly PhaseSeen[],
    end: Metrics,
    allReceived: PhaseSeen['received'] = {},
  ) {
    this.allReceived = allReceived
    this.outcomes = outcomes
    this.phases = phases
    this.end = end
  }

  phase(name: string): PhaseSeen {
    const found = this.phases.find((phase) => phase.name === name)
    if (found === undefined) throw new Error(`no phase ${name}`)
    return found
  }

  /** Requests that were due in a phase (all: in any), between `fromMs` and `toMs` after it began. */
  sent(phase?: string, load?: string, fromMs = 0, toMs = Infinity): readonly DrillOutcome[] {
    const { from, to } = phase === undefined ? { from: -Infinity, to: Infinity } : this.phase(phase)
    // -Infinity and Infinity together are not a number.
    const end = toMs === Infinity ? to : Math.min(to, from + toMs)
    return this.outcomes.filter(
      ({ dueAt, load: of }) => dueAt >= from + fromMs && dueAt < end && (load === undefined || load === of),
    )
  }

  failed(phase?: string, load?: string, fromMs = 0): readonly DrillOutcome[] {
    return this.sent(phase, load, fromMs).filter(({ status }) => status === 0 || status >= 500)
  }

  /** Requests that failed before the phase was over: what a fault cut short belongs to the next one. */
  failedInside(phase: string, load?: string): readonly DrillOutcome[] {
    const { to } = this.phase(phase)
    return this.failed(phase, load).filter(({ endedAt }) => endedAt < to)
  }

  /** In percent. */
  failedShare(phase?: string, load?: string): number {
    return (100 * this.failed(phase, load).length) / Math.max(1, this.sent(phase, load).length)
  }

  /** Milliseconds from due to the end, of whatever the answer was. */
  latency(q: number, phase: string, load?: string, fromMs = 0, toMs = Infinity): number {
    return latencyOf(q, this.sent(phase, load, fromMs, toMs))
  }

  /** Milliseconds from the begin of a phase to the end of its first answer that was good. */
  firstGood(phase: string, load?: string): number {
    const { from } = this.phase(phase)
    const good = this.sent(phase, load).filter(({ status }) => status > 0 && status < 500)
    return Math.min(...good.map(({ endedAt }) => endedAt)) - from
  }

  /** Milliseconds from the begin of a phase to the last request in it that failed; 0: none did. */
  lastFailed(phase: string, load?: string): number {
    const { from } = this.phase(phase)
    return Math.max(0, ...this.failed(phase, load).map(({ dueAt }) => dueAt - from))
  }

  received(phase: string, upstream: string, endpoint: number): number {
    return this.phase(phase).received[upstream]?.[endpoint] ?? 0
  }

  /** How much a counter grew in a phase. */
  grown(phase: string, metric: string, labels: Readonly<Record<string, string>> = {}): number {
    const { before, after } = this.phase(phase)
    return after.sum(metric, labels) - before.sum(metric, labels)
  }

  /** Attempts that reached an endpoint, or a port that refused; none that were refused before. */
  attempts(phase: string): number {
    const metric = 'sluice_attempts_total'
    return this.grown(phase, metric) - this.grown(phase, metric, { outcome: 'ignored' })
  }

  /** What the gateway still holds after the load: requests in flight and client connections. */
  get held(): number {
    return this.end.sum('sluice_requests_in_flight') + this.end.sum('sluice_connections')
  }
}

/** Milliseconds from due to the end. */
export function latencyOf(q: number, outcomes: readonly DrillOutcome[]): number {
  return quantile(
    outcomes.map(({ dueAt, endedAt }) => endedAt - dueAt),
    q,
  )
}

/** Of unsorted values; nearest rank. NaN when there are none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
}
