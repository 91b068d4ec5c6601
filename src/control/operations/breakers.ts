import { BadCommand, memberOf, readCommand } from '../../core/command.ts'
import type { Description, Operation } from '../../core/operation.ts'
import type { LeanRoute } from '../../core/protocol.ts'
import type { BreakerCells } from '../../features/circuit-breaker/cells.ts'
import { circuitState, Forced, forceCircuit } from '../../features/circuit-breaker/circuit.ts'
import type { Clock, ClockHandle } from '../../lib/clock.ts'
import { object, optional, required } from '../../schema/composites.ts'
import { duration, name, oneOf } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'
import { each, record, ref, TEXT } from '../../schema/shape.ts'
import { type BreakerFacts, type BreakerState, STATE_SCHEMAS } from '../contract.ts'
import type { CellRegistry } from '../registry/registry.ts'

const NAMES = {
  closed: 'closed',
  open: 'open',
  halfOpen: 'half_open',
  ramping: 'ramping',
  forcedOpen: 'forced_open',
  forcedClosed: 'forced_closed',
} as const satisfies Record<ReturnType<typeof circuitState>, BreakerState>

/** What {@link Breakers.force} reads. */
const BREAKER_COMMAND = object({
  route: required(name(), 'Name of the route.'),
  upstream: optional(name(), 'Name of the upstream; all of the route without it.'),
  to: required(oneOf('open', 'closed', 'auto'), 'What it is forced to; auto: it decides itself again.'),
  for: optional(duration(1_000, 86_400_000), 'How long, for open and closed.'),
})

const FORCED = { open: Forced.open, closed: Forced.closed, auto: Forced.no } as const

/** The circuit breakers of the live config: seen, and forced by operators for a time. */
export class Breakers {
  private readonly registry: CellRegistry
  private readonly routes: () => readonly LeanRoute[]
  private readonly clock: Clock
  private readonly ends = new Map<string, ClockHandle>()

  constructor(registry: CellRegistry, routes: () => readonly LeanRoute[], clock: Clock) {
    this.registry = registry
    this.routes = routes
    this.clock = clock
  }

  *all(): Generator<BreakerFacts> {
    for (const { name: route, cells } of this.routes()) {
      for (const [upstream, { circuit }] of Object.entries(breakersOf(cells))) {
        const { state } = circuit
        yield { route, upstream, state: NAMES[circuitState(this.registry.words(state), state.slot)] }
      }
    }
  }

  /** The operator's command; answers with the breakers that it met. Throws {@link BadCommand}. */
  force(body: unknown): readonly BreakerFacts[] {
    const wanted = readCommand(BREAKER_COMMAND, body)
    if (wanted.to !== 'auto' && wanted.for === undefined) throw new BadCommand('for is missing: how long, such as 10m')
    const met = [...this.all()].filter(
      ({ route, upstream }) => route === wanted.route && upstream === (wanted.upstream ?? upstream),
    )
    if (met.length === 0) throw new BadCommand('no such circuit breaker')
    for (const { route, upstream } of met) this.set(route, upstream, wanted)
    return [...this.all()].filter(({ route, upstream }) =>
      met.some((other) => other.route === route && other.upstream === upstream),
    )
  }

  close(): void {
    for (const handle of this.ends.values()) this.clock.cancel(handle)
    this.ends.clear()
  }

  private set(route: string, upstream: string, { to, for: ms = 0 }: Infer<typeof BREAKER_COMMAND>): void {
    const key = `${route}\0${upstream}`
    this.clock.cancel(this.ends.get(key))
    this.ends.delete(key)
    this.write(route, upstream, FORCED[to], ms)
    if (to === 'auto') return
    const end = this.clock.after(ms, () => {
      this.ends.delete(key)
      this.write(route, upstream, Forced.no, 0)
    })
    this.ends.set(key, end)
  }

  /** By name: since the command the breaker may have left the config, and its cells may be another's. */
  private write(route: string, upstream: string, forced: number, ms: number): void {
    const found = this.routes().find(({ name: known }) => known === route)
    const ref = found && breakersOf(found.cells)[upstream]?.circuit.state
    if (ref !== undefined) forceCircuit(this.registry.words(ref), ref.slot, forced, this.clock.now() + ms)
  }
}

/** Breakers as operators see them. */
export const BREAKER_SCHEMAS = {
  ...STATE_SCHEMAS,
  Breaker: record({ route: TEXT, upstream: TEXT, state: ref('BreakerState') }),
}

export function breakerOperations(breakers: Breakers): readonly Operation[] {
  const said = (description: string): Pick<Description, 'tag' | 'answer' | 'schemas'> => ({
    tag: 'Traffic',
    answer: { description, schema: record({ breakers: each(ref('Breaker')) }) },
    schemas: BREAKER_SCHEMAS,
  })
  return [
    {
      kind: 'view',
      path: 'breakers',
      says: {
        id: 'listBreakers',
        summary: 'Every circuit breaker and its state',
        ...said('One for each route and upstream that has one.'),
      },
      read: () => ({ breakers: [...breakers.all()] }),
    },
    {
      kind: 'command',
      path: 'breakers',
      takes: { body: BREAKER_COMMAND },
      says: {
        id: 'forceBreaker',
        summary: 'Forces circuit breakers of a route for a time, or lets them decide again',
        description: '`open` and `closed` need `for`.',
        ...said('Those that were met, as they are now.'),
      },
      run: async (body) => ({ breakers: breakers.force(body) }),
      changes: (body) => {
        const wanted = memberOf(body, 'route')
        const met = [...breakers.all()].filter(({ route }) => route === wanted)
        return Object.fromEntries(met.map(({ route, state, upstream }) => [`${route} ${upstream}`, state]))
      },
    },
  ]
}

function breakersOf({ features }: LeanRoute['cells']): BreakerCells {
  return (features.circuitBreaker as BreakerCells | undefined) ?? {}
}
