import { type DemoDeps, DemoEndpoint } from './endpoint.ts'
import { type DemoFault, FAULTS, isFault } from './faults.ts'
import { catalog, type DemoService, echo, orders } from './services.ts'

const SERVICES: Readonly<Record<string, DemoService>> = { orders, catalog, echo }

/** Ports of each demo upstream, on 127.0.0.1: those of `config/sluice.yaml`. */
export type DemoPorts = Readonly<Record<'orders' | 'catalog' | 'echo', readonly number[]>>

const PORTS: DemoPorts = { orders: [9101, 9102, 9103], catalog: [9104, 9105], echo: [9106, 9107] }

/** One endpoint and what is wrong with it. */
export interface DemoFact {
  readonly upstream: string
  readonly port: number
  readonly fault: DemoFault
}

/** As it came from outside: an endpoint by its port, or all of an upstream. */
export interface FaultRequest {
  readonly upstream?: unknown
  readonly port?: unknown
  readonly fault?: unknown
}

export type FaultAnswer = { readonly changed: readonly Omit<DemoFact, 'upstream'>[] } | { readonly problem: string }

/** The embedded upstreams of `sluice run --demo`. */
export class Demo {
  private readonly endpoints: readonly DemoEndpoint[]

  constructor(deps: DemoDeps, ports: DemoPorts = PORTS) {
    this.endpoints = Object.entries(ports).flatMap(([upstream, list]) =>
      list.map((port) => new DemoEndpoint(upstream, port, SERVICES[upstream] as DemoService, deps)),
    )
  }

  /** Rejects, naming the port, when one is busy; nothing is left listening then. */
  async start(): Promise<void> {
    const outcomes = await Promise.allSettled(this.endpoints.map((endpoint) => endpoint.start()))
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed === undefined) return
    await this.stop()
    throw failed.reason
  }

  async stop(): Promise<void> {
    await Promise.all(this.endpoints.map((endpoint) => endpoint.stop()))
  }

  /** Switches the fault of one endpoint, or of all of an upstream. */
  setFault({ upstream, port, fault }: FaultRequest): FaultAnswer {
    if (!isFault(fault)) return { problem: `"fault" must be one of ${FAULTS.join(', ')}` }
    if (upstream === undefined && port === undefined) return { problem: 'name a "port" or an "upstream"' }
    const chosen = this.endpoints.filter(
      (endpoint) =>
        (port === undefined || endpoint.port === port) && (upstream === undefined || endpoint.upstream === upstream),
    )
    if (chosen.length === 0) {
      const known = this.endpoints.map((endpoint) => `${endpoint.upstream} ${endpoint.port}`)
      return { problem: `no such endpoint; there are ${known.join(', ')}` }
    }
    for (const endpoint of chosen) endpoint.set(fault)
    return { changed: chosen.map((endpoint) => ({ port: endpoint.port, fault })) }
  }

  facts(): DemoFact[] {
    return this.endpoints.map(({ upstream, port, fault }) => ({ upstream, port, fault }))
  }
}
