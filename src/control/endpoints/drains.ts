import { BadCommand, readCommand } from '../../core/command.ts'
import type { ResolvedEndpoint } from '../../core/protocol.ts'
import type { Log } from '../../lib/log.ts'
import { object, required } from '../../schema/composites.ts'
import { name, oneOf, text } from '../../schema/scalars.ts'
import type { EndpointState } from '../contract.ts'
import type { CellRegistry } from '../registry/registry.ts'
import type { EndpointBook } from './book.ts'
import type { EndpointMarks } from './marks.ts'
import { endpointState } from './state.ts'

/** An endpoint as operators see it. */
export interface EndpointFacts {
  readonly upstream: string
  readonly endpoint: string
  readonly host: string
  readonly state: EndpointState
  readonly inFlight: number
  readonly connections: number
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
  readonly log: Pick<Log, 'info'>
}

/** The endpoints that operators have drained. A drain outlives an absence of the endpoint, but not this process. */
export class EndpointDrains {
  private readonly options: EndpointDrainsOptions
  /** `upstream endpoint`. */
  private readonly wishes = new Set<string>()

  constructor(options: EndpointDrainsOptions) {
    this.options = options
  }

  *all(): Generator<EndpointFacts> {
    for (const { set } of this.options.book.upstreams) {
      for (const endpoint of set.endpoints) yield this.facts(set.upstream, endpoint)
    }
  }

  /** The operator's command; answers with the endpoints that it met. Throws {@link BadCommand}. */
  set(body: unknown): readonly EndpointFacts[] {
    const { log, marks } = this.options
    const { upstream, endpoint: wanted, to } = readCommand(DRAIN_COMMAND, body)
    if (to === 'undrain' && this.wishes.delete(keyOf(upstream, wanted)) && !this.has(upstream, wanted)) return []
    const met = this.find(upstream, wanted)
    for (const { id, cells } of met) {
      if (to === 'drain') this.wishes.add(keyOf(upstream, id))
      else this.wishes.delete(keyOf(upstream, id))
      marks.setDraining(cells, to === 'drain')
      if (to === 'drain') log.info('an endpoint is drained', { upstream, endpoint: id })
      else log.info('an endpoint is no longer drained', { upstream, endpoint: id })
    }
    return met.map((endpoint) => this.facts(upstream, endpoint))
  }

  /** Endpoints came or went. */
  renew(): void {
    for (const { set } of this.options.book.upstreams) {
      for (const { id, cells } of set.endpoints) {
        this.options.marks.setDraining(cells, this.wishes.has(keyOf(set.upstream, id)))
      }
    }
  }

  private has(upstream: string, id: string): boolean {
    return [...this.all()].some((facts) => facts.upstream === upstream && facts.endpoint === id)
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
    const { registry } = this.options
    return {
      upstream,
      endpoint: id,
      host,
      state: endpointState(registry, cells),
      inFlight: registry.sum(cells.inFlight),
      connections: registry.sum(cells.connections),
    }
  }
}

function keyOf(upstream: string, id: string): string {
  return `${upstream} ${id}`
}

/** Names that an operator may use for it: its address or its name, with or without the scheme. */
function namesOf({ id, scheme, host, port }: ResolvedEndpoint): readonly string[] {
  const written = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return [id, id.slice(scheme.length + 3), `${scheme}://${written}`, written]
}
