import { BadCommand, memberOf, readCommand } from '../../core/command.ts'
import type { ControlContext, ControlFeature, ControlHalf } from '../../core/control-feature.ts'
import type { Description, Operation } from '../../core/operation.ts'
import { type StateRow, stateSchemas } from '../../core/state-table.ts'
import type { ClockHandle } from '../../lib/clock.ts'
import { object, optional, required } from '../../schema/composites.ts'
import { duration, name, oneOf } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'
import { each, record, ref } from '../../schema/shape.ts'
import type { BreakerCells } from './cells.ts'
import { Forced, forceCircuit } from './circuit-words.ts'
import type { CircuitBreakerOptions } from './keys.ts'
import { breakerStates } from './states.ts'

type BreakerContext = ControlContext<CircuitBreakerOptions, BreakerCells>

/** What {@link Breakers.force} reads. */
const BREAKER_COMMAND = object({
  route: required(name(), 'Name of the route.'),
  upstream: optional(name(), 'Name of the upstream. Default: all of the route.'),
  to: required(oneOf('open', 'closed', 'auto'), 'State that it is forced into. auto: it decides by itself again.'),
  for: optional(duration(1_000, 86_400_000), 'Time for which it is forced, for open and closed.'),
})

const FORCED = { open: Forced.open, closed: Forced.closed, auto: Forced.no } as const

/** The circuit breakers of the live config: shown, and forced by operators for some time. */
class Breakers implements ControlHalf {
  readonly operations: readonly Operation[] = operationsOf(this)
  private readonly context: BreakerContext
  private readonly ends = new Map<string, ClockHandle>()

  constructor(context: BreakerContext) {
    this.context = context
  }

  all(): readonly StateRow[] {
    return this.context.states()
  }

  /** The operator's command; returns the breakers that it changed. Throws {@link BadCommand}. */
  force(body: unknown): readonly StateRow[] {
    const wanted = readCommand(BREAKER_COMMAND, body)
    if (wanted.to !== 'auto' && wanted.for === undefined) throw new BadCommand('for is missing: a duration such as 10m')
    const met = (): readonly StateRow[] =>
      this.all().filter(({ route, upstream }) => route === wanted.route && upstream === (wanted.upstream ?? upstream))
    const before = met()
    if (before.length === 0) throw new BadCommand('there is no such circuit breaker')
    for (const { route, upstream } of before) this.set(route as string, upstream as string, wanted)
    return met()
  }

  close(): void {
    for (const handle of this.ends.values()) this.context.clock.cancel(handle)
    this.ends.clear()
  }

  private set(route: string, upstream: string, { to, for: ms = 0 }: Infer<typeof BREAKER_COMMAND>): void {
    const { clock } = this.context
    const key = `${route}\0${upstream}`
    clock.cancel(this.ends.get(key))
    this.ends.delete(key)
    this.write(route, upstream, FORCED[to], ms)
    if (to === 'auto') return
    const end = clock.after(ms, () => {
      this.ends.delete(key)
      this.write(route, upstream, Forced.no, 0)
    })
    this.ends.set(key, end)
  }

  /** By name: since the command the breaker may have left the config, and its cells may be another's. */
  private write(route: string, upstream: string, forced: number, ms: number): void {
    const { clock, look, uses } = this.context
    const state = uses().find(({ use }) => use.name === route)?.cells[upstream]?.circuit.state
    if (state !== undefined) forceCircuit(look.words(state), state.slot, forced, clock.now() + ms)
  }
}

function operationsOf(breakers: Breakers): readonly Operation[] {
  const said = (description: string): Pick<Description, 'tag' | 'answer' | 'schemas'> => ({
    tag: 'Traffic',
    answer: { description, schema: record({ breakers: each(ref('Breaker')) }) },
    schemas: stateSchemas(breakerStates),
  })
  return [
    {
      kind: 'view',
      path: 'breakers',
      says: {
        id: 'listBreakers',
        summary: 'Every circuit breaker and its state',
        ...said('One per route and upstream that has one.'),
      },
      read: () => ({ breakers: breakers.all() }),
    },
    {
      kind: 'command',
      path: 'breakers',
      takes: { body: BREAKER_COMMAND },
      says: {
        id: 'forceBreaker',
        summary: 'Forces circuit breakers of a route for some time, or releases them',
        description: '`open` and `closed` need `for`.',
        ...said('The breakers that were changed, as they are now.'),
      },
      run: async (body) => ({ breakers: breakers.force(body) }),
      changes: (body) => {
        const wanted = memberOf(body, 'route')
        const met = breakers.all().filter(({ route }) => route === wanted)
        return Object.fromEntries(met.map(({ route, state = '', upstream }) => [`${route} ${upstream}`, state]))
      },
    },
  ]
}

export const control: ControlFeature<CircuitBreakerOptions, BreakerCells> = {
  start: (context) => new Breakers(context),
}
