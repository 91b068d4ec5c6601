import { BadCommand, memberOf, readCommand } from '../../core/command.ts'
import type { ControlContext, ControlFeature, ControlHalf } from '../../core/control-feature.ts'
import { DURABLE, type KeptMap, WALL_TIME } from '../../core/kept.ts'
import type { Caller, Description, Operation } from '../../core/operation.ts'
import { type StateRow, stateSchemas } from '../../core/state-table.ts'
import type { ClockHandle } from '../../lib/clock.ts'
import { object, optional, required } from '../../schema/composites.ts'
import { duration, name, oneOf, text } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'
import { each, record, ref } from '../../schema/shape.ts'
import type { BreakerCells } from './cells.ts'
import { Forced, forceCircuit } from './circuit-words.ts'
import type { CircuitBreakerOptions } from './keys.ts'
import { breakerStates } from './states.ts'

type BreakerContext = ControlContext<CircuitBreakerOptions, BreakerCells>

/** An operator can force it for at most so long. */
const MOST_MS = 86_400_000

/** What {@link Breakers.force} reads. */
const BREAKER_COMMAND = object({
  route: required(name(), 'Name of the route.'),
  upstream: optional(name(), 'Name of the upstream. Default: all of the route.'),
  to: required(oneOf('open', 'closed', 'auto'), 'State that it is forced into. auto: it decides by itself again.'),
  for: optional(duration(1_000, MOST_MS), 'Time for which it is forced, for open and closed.'),
})

/** As it is kept, by `route upstream`. */
const ORDER = object({
  to: required(oneOf('open', 'closed'), 'What it is forced into.'),
  since: required(WALL_TIME, 'When it was ordered.'),
  until: required(WALL_TIME, 'When that ends.'),
  by: optional(text(), 'Name of the operator.'),
})

type Order = Infer<typeof ORDER>

const WORDS = { open: Forced.open, closed: Forced.closed } as const
const STATES = { open: 'forced_open', closed: 'forced_closed' } as const

/** What ends an order, and when: clock milliseconds. */
interface End {
  readonly at: number
  readonly timer: ClockHandle
}

/** The circuit breakers of the live config: shown, and forced by operators for some time. */
class Breakers implements ControlHalf {
  readonly operations: readonly Operation[] = operationsOf(this)
  private readonly context: BreakerContext
  private readonly orders: KeptMap<Order>
  private readonly ends = new Map<string, End>()

  constructor(context: BreakerContext) {
    this.context = context
    this.orders = context.kept(ORDER)
    for (const [key, order] of this.orders.entries) this.begin(key, order)
  }

  all(): readonly StateRow[] {
    return this.context.states()
  }

  /** The operator's command; returns the breakers that it changed. Throws {@link BadCommand}. */
  async force(body: unknown, { name: by }: Caller) {
    const { clock } = this.context
    const { for: ms, route, to, upstream } = readCommand(BREAKER_COMMAND, body)
    if (to !== 'auto' && ms === undefined) throw new BadCommand('for is missing: a duration such as 10m')
    const met = (): readonly StateRow[] =>
      this.all().filter((row) => row.route === route && row.upstream === (upstream ?? row.upstream))
    const before = met()
    if (before.length === 0) throw new BadCommand('there is no such circuit breaker')
    const since = clock.wall()
    const kept = before.map((row) => {
      const key = `${row.route} ${row.upstream}`
      if (to === 'auto' || ms === undefined) return this.release(key)
      const order = { to, since, until: since + ms, by }
      this.begin(key, order)
      this.apply(key, order)
      return this.orders.set(key, order)
    })
    return { breakers: met(), durable: (await Promise.all(kept)).every(Boolean) }
  }

  /** Other uses, perhaps with cells that have not been written to: what was ordered holds for a name. */
  applied(): void {
    for (const [key, order] of this.orders.entries) this.apply(key, order)
  }

  close(): void {
    for (const { timer } of this.ends.values()) this.context.clock.cancel(timer)
    this.ends.clear()
  }

  /** Its time runs from now on; of an order of an earlier process, what is left of it. */
  private begin(key: string, { since, until }: Order): void {
    const { clock } = this.context
    clock.cancel(this.ends.get(key)?.timer)
    // Where the clock of the machine was set back meanwhile, it holds no longer than it was meant to.
    const left = Math.min(until - clock.wall(), until - since, MOST_MS)
    this.ends.set(key, { at: clock.now() + left, timer: clock.after(Math.max(0, left), () => void this.release(key)) })
  }

  private apply(key: string, { by = '', since, to, until }: Order): void {
    const at = this.ends.get(key)?.at ?? 0
    if (at <= this.context.clock.now() || !this.write(key, WORDS[to], at)) return
    this.context.set(key.split(' '), STATES[to], { by, until: new Date(until).toISOString() }, since)
  }

  private release(key: string): Promise<boolean> {
    this.context.clock.cancel(this.ends.get(key)?.timer)
    this.ends.delete(key)
    this.write(key, Forced.no, 0)
    return this.orders.delete(key)
  }

  /** By name: since the command the breaker may have left the config. False: it has, or it is in that state. */
  private write(key: string, forced: number, until: number): boolean {
    const { look, uses } = this.context
    const [route, upstream = ''] = key.split(' ')
    const state = uses().find(({ use }) => use.name === route)?.cells[upstream]?.circuit.state
    return state !== undefined && forceCircuit(look.words(state), state.slot, forced, until)
  }
}

function operationsOf(breakers: Breakers): readonly Operation[] {
  const said = (description: string, more = {}): Pick<Description, 'tag' | 'answer' | 'schemas'> => ({
    tag: 'Traffic',
    answer: { description, schema: record({ breakers: each(ref('Breaker')), ...more }) },
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
        ...said('The breakers that were changed, as they are now.', { durable: DURABLE }),
      },
      run: (body, { who }) => breakers.force(body, who),
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
