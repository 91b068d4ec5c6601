import { OutcomeWindow, WINDOW_SLOTS } from '../../cells/window.ts'
import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { FeatureContext, GuardedCall, NoTable } from '../../core/feature.ts'
import { failedEnd, type OutcomeClass } from '../../core/outcome.ts'
import type { Policy } from '../../core/policy.ts'
import type { StateSlot } from '../../core/state-slot.ts'
import type { Clock } from '../../lib/clock.ts'
import type { BreakerCells } from './cells.ts'
import { BODY_FIRST, type CallOutcome, Circuit, type CircuitChange, type CircuitOptions, REFUSED } from './circuit.ts'
import { CIRCUIT_WORDS } from './circuit-words.ts'
import type { CircuitBreakerOptions } from './keys.ts'
import type { BreakerStates } from './states.ts'
import type { metrics } from './words.ts'

type BreakerContext = FeatureContext<BreakerCells, typeof metrics, NoTable, BreakerStates>

/** undefined: the route has no upstream. */
export function breakersPolicy(options: CircuitBreakerOptions, context: BreakerContext): Policy | undefined {
  const circuits = new Map(
    Object.entries(context.cells).map(([upstream, cells]) => [upstream, circuit(upstream, cells, options, context)]),
  )
  const [first] = circuits
  return first === undefined ? undefined : new Breakers(first, circuits, options, context)
}

/** Guards the calls of one feature to one upstream, in the memory of its worker. */
export function callBreaker(
  { upstream }: GuardedCall,
  options: CircuitBreakerOptions,
  context: Pick<BreakerContext, 'feature' | 'attemptState' | 'clock' | 'shadow' | 'random'>,
  opened: (change: CircuitChange) => void,
): Policy {
  const words = new Int32Array(CIRCUIT_WORDS)
  const window = new OutcomeWindow(new Int32Array(WINDOW_SLOTS), 0, WINDOW_SLOTS, 0, options.window)
  const guard = new Circuit(words, 0, window, circuitOptions(options), context.random, opened)
  return new Breakers([upstream, guard], new Map([[upstream, guard]]), options, context)
}

/** A probe that waits for its client would keep others from deciding. */
const AFTER_BODY = { reason: 'breaker_open', phase: 'connect', bodyFirst: true } as const

class Breakers implements Policy {
  readonly name: string
  /** Of its circuit. */
  private readonly ticket: StateSlot<number>
  /** Usually the only one, kept separately: for a rarely used route the map is not in the cache. */
  private readonly upstream: string
  private readonly circuit: Circuit
  private readonly circuits: ReadonlyMap<string, Circuit>
  private readonly clock: Clock
  private readonly shadow: FeatureContext['shadow']
  private readonly failures: ReadonlySet<string | number>
  private readonly enforces: boolean

  constructor(
    [upstream, first]: readonly [string, Circuit],
    circuits: ReadonlyMap<string, Circuit>,
    { mode, when }: CircuitBreakerOptions,
    context: Pick<BreakerContext, 'feature' | 'attemptState' | 'clock' | 'shadow'>,
  ) {
    this.name = context.feature
    this.ticket = context.attemptState()
    this.upstream = upstream
    this.circuit = first
    this.circuits = circuits
    this.clock = context.clock
    this.shadow = context.shadow
    this.failures = new Set(when)
    this.enforces = mode === 'enforce'
  }

  usable(_ex: Exchange, upstream: string): boolean {
    return !this.enforces || this.circuitTo(upstream)?.isOpen(this.clock.now()) !== true
  }

  attempt(ex: Exchange, at: Attempt) {
    const breaker = this.circuitOf(at)
    const now = at.startedAt
    let ticket = breaker.admit(now, ex.upload)
    if (ticket === BODY_FIRST) {
      if (this.enforces) return AFTER_BODY
      ticket = breaker.admit(now, 'begun')
    }
    this.ticket.set(at, ticket)
    if (ticket !== REFUSED) return undefined
    if (!this.enforces) {
      this.shadow(ex, 'breaker_open')
      return undefined
    }
    return { reason: 'breaker_open', phase: 'connect', elsewhere: true, retryAfterMs: breaker.retryAfter(now) } as const
  }

  attempted(_ex: Exchange, at: Attempt): void {
    const { head } = at
    const ticket = this.ticket.of(at)
    if (ticket === undefined || ticket === REFUSED || head === undefined) return
    const now = at.judgedAt(this.clock)
    this.circuitOf(at).settle(ticket, head.lesson.breaker ? this.judge(head.outcome) : 'neutral', now)
  }

  settle(ex: Exchange): void {
    const { attempt } = ex
    if (attempt?.head === undefined || failedEnd(attempt.end) === undefined) return
    const ticket = this.ticket.of(attempt)
    if (
      ticket === undefined ||
      ticket === REFUSED ||
      !attempt.head.lesson.breaker ||
      this.judge(attempt.head.outcome) === 'failure'
    )
      return
    this.circuitOf(attempt).spoil(ticket, this.clock.now())
  }

  private circuitOf({ upstream }: Attempt): Circuit {
    return this.circuitTo(upstream) as Circuit
  }

  private circuitTo(upstream: string): Circuit | undefined {
    return upstream === this.upstream ? this.circuit : this.circuits.get(upstream)
  }

  private judge(outcome: OutcomeClass): CallOutcome {
    if (outcome === 'ok') return 'success'
    const failed = this.failures.has(outcome) || (typeof outcome === 'number' && this.failures.has('5xx'))
    return failed ? 'failure' : 'success'
  }
}

function circuit(
  upstream: string,
  { circuit: { state }, window: { outcomes } }: BreakerCells[string],
  options: CircuitBreakerOptions,
  { random, set, space, use: { name: route } }: BreakerContext,
): Circuit {
  return new Circuit(
    space.int32(state),
    state.slot,
    space.window(outcomes, options.window),
    circuitOptions(options),
    random,
    (change) => tell(set, [route, upstream], change, options),
  )
}

function tell(
  set: BreakerContext['set'],
  labels: readonly string[],
  { cause, failed, ms, to, total }: CircuitChange,
  { halfOpen, window }: CircuitBreakerOptions,
): void {
  if (to === 'open') set(labels, 'open', { cause, failed, total, windowMs: window, openMs: Math.round(ms) })
  else if (to === 'halfOpen') set(labels, 'half_open', { probes: halfOpen.attempts })
  else if (to === 'ramping') set(labels, 'ramping', { rampMs: halfOpen.ramp })
  else set(labels, 'closed', {})
}

function circuitOptions({
  errorRate,
  minRequests,
  openFor,
  maxOpenFor,
  halfOpen,
}: CircuitBreakerOptions): CircuitOptions {
  const { attempts, ramp, lease } = halfOpen
  return { errorRate, minRequests, openFor, maxOpenFor, probes: attempts, ramp, lease }
}
