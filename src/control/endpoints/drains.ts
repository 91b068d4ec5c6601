import { BadCommand, CommandRefused, readCommand } from '../../core/command.ts'
import { type KeptMap, WALL_TIME } from '../../core/kept.ts'
import type { Caller } from '../../core/operation.ts'
import type { ResolvedEndpoint, UpstreamEndpoints } from '../../core/protocol.ts'
import { addressText } from '../../lib/address.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { object, optional, required } from '../../schema/composites.ts'
import { name, oneOf, text } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'
import type { EndpointState } from '../contract.ts'
import type { CellRegistry } from '../registry/registry.ts'
import type { EndpointBook } from './book.ts'
import type { EndpointMarks } from './marks.ts'
import { endpointState } from './state.ts'

/** Most of them: those of endpoints that never come back are seen, and taken back, by operators only. */
const MOST_DRAINS = 1_000

/** As it is kept, by `upstream endpoint`. */
export const DRAIN_ORDER = object({
  since: required(WALL_TIME, 'When it was ordered.'),
  by: optional(text(), 'Name of the operator.'),
})

type DrainOrder = Infer<typeof DRAIN_ORDER>

/** An order to drain, as operators see it. */
export interface DrainFacts {
  /** RFC 3339. */
  readonly since: string
  /** Name of a token, or as a trusted proxy says; null: unknown. */
  readonly by: string | null
}

/** An endpoint as operators see it. */
export interface EndpointFacts {
  readonly upstream: string
  readonly endpoint: string
  readonly host: string
  readonly state: EndpointState
  readonly inFlight: number
  readonly connections: number
  /** null: no operator has drained it. */
  readonly drain: DrainFacts | null
}

/** A drain of an endpoint that its upstream does not have now: it holds as soon as it is back. */
export interface AbsentDrain extends DrainFacts {
  readonly upstream: string
  readonly endpoint: string
}

/** What became of a command. */
export interface DrainOutcome {
  /** Those that it met, as they are now. */
  readonly endpoints: readonly EndpointFacts[]
  /** It is on disk: it outlives this process. */
  readonly durable: boolean
}

/** What {@link EndpointDrains.set} reads. */
export const DRAIN_COMMAND = object({
  upstream: required(name(), 'Name of the upstream.'),
  endpoint: required(
    text('an endpoint such as http://10.0.0.1:8080'),
    'As in the status, or as written in the config.',
  ),
  to: required(oneOf('drain', 'undrain'), 'drain: it gets no more requests until undrain.'),
})

export interface EndpointDrainsOptions {
  readonly book: EndpointBook
  readonly registry: CellRegistry
  readonly marks: EndpointMarks
  readonly orders: KeptMap<DrainOrder>
  readonly clock: Clock
  readonly log: Pick<Log, 'info'>
}

/** The endpoints that operators have drained. A drain outlives an absence of the endpoint, and this process. */
export class EndpointDrains {
  private readonly options: EndpointDrainsOptions

  constructor(options: EndpointDrainsOptions) {
    this.options = options
  }

  *all(): Generator<EndpointFacts> {
    for (const { set } of this.options.book.upstreams) {
      for (const endpoint of set.endpoints) yield this.facts(set.upstream, endpoint)
    }
  }

  get absent(): readonly AbsentDrain[] {
    return Array.from(this.options.orders.entries).flatMap(([key, order]) => {
      const [upstream = '', endpoint = ''] = key.split(' ')
      return this.has(upstream, endpoint) ? [] : [{ upstream, endpoint, ...factsOf(order) }]
    })
  }

  /** Why an endpoint is drained, and since when (milliseconds since the epoch); undefined: it is not. */
  why(upstream: string, id: string): { readonly text: string; readonly since: number } | undefined {
    const order = this.options.orders.get(keyOf(upstream, id))
    if (order === undefined) return undefined
    const text = `${order.by ?? 'an operator'} has drained it: it gets no new requests until it is taken back in`
    return { text, since: order.since }
  }

  /** The operator's command. Throws {@link BadCommand} or {@link CommandRefused}. */
  async set(body: unknown, who: Caller): Promise<DrainOutcome> {
    const { orders } = this.options
    const { upstream, endpoint: wanted, to } = readCommand(DRAIN_COMMAND, body)
    const key = keyOf(upstream, wanted)
    if (to === 'undrain' && orders.get(key) !== undefined && !this.has(upstream, wanted))
      return { endpoints: [], durable: await orders.delete(key) }
    const met = this.find(upstream, wanted)
    if (to === 'drain' && orders.size + met.length > MOST_DRAINS)
      throw new CommandRefused('unavailable', `${orders.size} endpoints are drained already; undrain some of them`)
    const kept = await Promise.all(met.map((endpoint) => this.order(upstream, endpoint, to === 'drain', who)))
    return { endpoints: met.map((endpoint) => this.facts(upstream, endpoint)), durable: kept.every(Boolean) }
  }

  /** These are to be used: what was ordered for them holds before any worker knows them. */
  mark({ endpoints, upstream }: UpstreamEndpoints): void {
    const { marks, orders } = this.options
    for (const { cells, id } of endpoints) marks.setDraining(cells, orders.get(keyOf(upstream, id)) !== undefined)
  }

  private order(
    upstream: string,
    { cells, id }: ResolvedEndpoint,
    drains: boolean,
    { name: by }: Caller,
  ): Promise<boolean> {
    const { clock, log, marks, orders } = this.options
    const key = keyOf(upstream, id)
    marks.setDraining(cells, drains)
    if (!drains) {
      log.info('an endpoint is no longer drained', { upstream, endpoint: id, by })
      return orders.delete(key)
    }
    log.info('an endpoint is drained', { upstream, endpoint: id, by })
    return orders.set(key, orders.get(key) ?? { since: clock.wall(), by })
  }

  private has(upstream: string, id: string): boolean {
    return this.options.book.of(upstream)?.endpoints.some((endpoint) => endpoint.id === id) ?? false
  }

  private find(upstream: string, wanted: string): readonly ResolvedEndpoint[] {
    const { book } = this.options
    const page = [...book.upstreams].find(({ set }) => set.upstream === upstream)
    if (page === undefined) throw new BadCommand(`no such upstream: ${JSON.stringify(upstream)}`)
    const met = page.set.endpoints.filter((endpoint) => namesOf(endpoint).includes(wanted.toLowerCase()))
    if (met.length > 0) return met
    const known = page.set.endpoints.map(({ id }) => id).slice(0, 20)
    throw new BadCommand(`no such endpoint: ${JSON.stringify(wanted)}; there are ${known.join(', ') || 'none now'}`)
  }

  private facts(upstream: string, { id, host, cells }: ResolvedEndpoint): EndpointFacts {
    const { orders, registry } = this.options
    const order = orders.get(keyOf(upstream, id))
    return {
      upstream,
      endpoint: id,
      host,
      state: endpointState(registry, cells),
      inFlight: registry.sum(cells.inFlight),
      connections: registry.sum(cells.connections),
      drain: order === undefined ? null : factsOf(order),
    }
  }
}

function factsOf({ by, since }: DrainOrder): DrainFacts {
  return { since: new Date(since).toISOString(), by: by ?? null }
}

function keyOf(upstream: string, id: string): string {
  return `${upstream} ${id}`
}

/** Names that an operator may use for it: its address or its name, with or without the scheme. */
function namesOf({ id, scheme, host, port }: ResolvedEndpoint): readonly string[] {
  const written = addressText(host, port)
  if (written === id) return [id]
  return [id, id.slice(scheme.length + 3), `${scheme}://${written}`, written]
}
