import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { ConfiguredPolicy } from '../../core/feature.ts'
import type { Notice } from '../../core/notice.ts'
import type { OutcomeClass } from '../../core/outcome.ts'
import type { Policy, PolicyContext } from '../../core/policy.ts'
import { condition } from '../../http/schemas.ts'
import { mapped, object, oneOrMany, withDefault } from '../../schema/composites.ts'
import { duration, integer, oneOf, ratio } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'
import {
  BODY_FIRST,
  type CallOutcome,
  Circuit,
  type CircuitOptions,
  type CircuitStateName,
  REFUSED,
} from './circuit.ts'

const keys = object({
  errorRate: withDefault(ratio(), '50%', 'Share of failed attempts at which it opens.'),
  minRequests: withDefault(integer(1, 1_000_000), 20, 'Attempts in the window below which it never opens.'),
  window: withDefault(duration(1_000, 3_600_000), '10s', 'Time over which attempts are counted.'),
  when: withDefault(
    oneOrMany(condition),
    ['connect', 'reset', 'timeout', 502, 503, 504],
    'Which outcomes are failures.',
  ),
  openFor: withDefault(
    duration(100, 3_600_000),
    '5s',
    'How long it refuses all attempts; doubles with each opening in a row.',
  ),
  maxOpenFor: withDefault(duration(100, 86_400_000), '60s', 'The longest it does.'),
  halfOpen: withDefault(
    object({
      attempts: withDefault(
        integer(1, 1000),
        5,
        'Probes after that: so many at most at a time, and all must succeed. A request body is read first; of those above 64 KiB one is let through each second.',
      ),
      ramp: withDefault(
        duration(0, 3_600_000),
        '10s',
        'Time in which the admitted share then grows to all; 0s: at once.',
      ),
      lease: withDefault(duration(100, 3_600_000), '30s', 'A probe without an answer for so long has failed.'),
    }),
    {},
    'Probation.',
  ),
  mode: withDefault(
    oneOf('enforce', 'shadow'),
    'enforce',
    'shadow: it counts and changes its state, and refuses nothing.',
  ),
})

export type CircuitBreakerOptions = Infer<typeof keys>

const STATES: Readonly<Record<CircuitStateName, Extract<Notice, { kind: 'breaker' }>['to']>> = {
  closed: 'closed',
  open: 'open',
  halfOpen: 'half_open',
  ramping: 'ramping',
}

/**
 * A circuit breaker for each upstream of the route, over its attempts, one for all workers. Asked before each attempt; told
 * of its head verdict, and of an answer that broke behind a good head.
 */
export const circuitBreaker: ConfiguredPolicy<CircuitBreakerOptions> = {
  name: 'circuitBreaker',
  stage: 130,
  why: 'It judges attempts, not requests: nothing that was refused before may count, and each further attempt asks again.',
  doc: 'Fails at once while an upstream is known to fail, and lets it recover on probation.',
  byDefault: true,
  answers: false,
  schema: mapped(keys, (options, refuse) =>
    options.maxOpenFor < options.openFor ? refuse('maxOpenFor is shorter than openFor') : options,
  ),
  compile(options, context) {
    const circuits = new Map(
      Object.keys(context.cells.breakers).map((upstream) => [upstream, circuit(upstream, options, context)]),
    )
    const [first] = circuits
    return first === undefined ? undefined : new Breakers(first, circuits, options, context)
  },
}

/** A probe that waits for its client would keep others from deciding. */
const AFTER_BODY = { reason: 'breaker_open', phase: 'connect', bodyFirst: true } as const

class Breakers implements Policy {
  readonly name = 'circuitBreaker'
  readonly slot: number
  /** Mostly the only one, apart: of a route that is seldom asked for the map is not in the cache. */
  private readonly upstream: string
  private readonly circuit: Circuit
  private readonly circuits: ReadonlyMap<string, Circuit>
  private readonly clock: PolicyContext['clock']
  private readonly failures: ReadonlySet<string | number>
  private readonly enforces: boolean

  constructor(
    [upstream, first]: readonly [string, Circuit],
    circuits: ReadonlyMap<string, Circuit>,
    { mode, when }: CircuitBreakerOptions,
    context: PolicyContext,
  ) {
    this.slot = context.slot
    this.upstream = upstream
    this.circuit = first
    this.circuits = circuits
    this.clock = context.clock
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
    at.ticket = ticket
    if (ticket !== REFUSED) return undefined
    if (!this.enforces) {
      ex.refused(this.clock, this.name, 'breaker_open', 'shadow')
      return undefined
    }
    return { reason: 'breaker_open', phase: 'connect', retryAfterMs: breaker.retryAfter(now) } as const
  }

  attempted(_ex: Exchange, at: Attempt): void {
    const { head, ticket } = at
    if (ticket === REFUSED || head === undefined) return
    const now = at.judgedAt(this.clock)
    this.circuitOf(at).settle(ticket, head.lesson.breaker ? this.judge(head.outcome) : 'neutral', now)
  }

  settle(ex: Exchange): void {
    const { attempt } = ex
    if (attempt?.end !== 'broken_by_upstream' || attempt.head === undefined) return
    const { ticket } = attempt
    if (ticket === REFUSED || !attempt.head.lesson.breaker || this.judge(attempt.head.outcome) === 'failure') return
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

function circuit(upstream: string, options: CircuitBreakerOptions, context: PolicyContext): Circuit {
  const { cells, random, report, route, space } = context
  const { state, window } = cells.breakers[upstream] as PolicyContext['cells']['breakers'][string]
  return new Circuit(
    space.int32(state),
    state.slot,
    space.window(window, options.window),
    circuitOptions(options),
    random,
    (to) => report({ kind: 'breaker', route, upstream, to: STATES[to] }),
  )
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
