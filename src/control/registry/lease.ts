import type { CellRef } from '../../cells/pages.ts'
import { WINDOW_SLOTS } from '../../cells/window.ts'
import { PRESSURE_WORDS } from '../../core/pressure.ts'
import {
  type BreakerCells,
  type BulkheadCells,
  ENDPOINT_WORDS,
  type EndpointCells,
  type QueueCells,
  type RouteCells,
  type UpstreamCells,
} from '../../core/protocol.ts'
import { ADAPTIVE_WORDS } from '../../features/bulkhead/adaptive-limit.ts'
import { BOARD_SLOTS } from '../../features/bulkhead/queue-board.ts'
import { CIRCUIT_WORDS } from '../../features/circuit-breaker/circuit.ts'

/** How far workers have come: config generations that may still run requests, and endpoint updates. */
export interface Mark {
  readonly generation: number
  readonly update: number
}

/** What gives an endpoint's numbers their meaning. Weight, tier and limits change without touching them. */
export interface EndpointIdentity {
  readonly upstream: string
  readonly scheme: 'http' | 'https'
  readonly address: string
  readonly port: number
  /** Name in SNI; empty for plain HTTP. */
  readonly sni: string
}

/** Which cells a route needs beside the count of its requests. */
export interface RouteNeeds {
  /** Length of the breaker's window by upstream, milliseconds. Another length is another window; the state stays. */
  readonly breakers: ReadonlyMap<string, number>
  /** `queue`: requests may wait for a permit; `adaptive`: its limit changes. */
  readonly bulkhead: { readonly queue: boolean; readonly adaptive: boolean } | undefined
  readonly streams: boolean
}

/**
 * Slots one after another. `held`: one column a worker, and what stands in it is held; `columns`: one column a worker, of
 * which nothing is held; `words`.
 */
export interface Stretch {
  readonly kind: 'held' | 'columns' | 'words'
  readonly size: number
}

/** The cells of one identity. */
export type Shape = readonly Stretch[]

const HELD = { kind: 'held', size: 1 } as const
const WORD = { kind: 'words', size: 1 } as const
const ROUTE: Shape = [HELD, WORD]
const OUTCOMES = { kind: 'columns', size: WINDOW_SLOTS } as const
const ENDPOINT: Shape = [HELD, HELD, { kind: 'words', size: ENDPOINT_WORDS }, OUTCOMES]
const UPSTREAM: Shape = [HELD, HELD, WORD, OUTCOMES, WORD]
const LISTENER: Shape = [HELD]
const HEARTBEAT: Shape = [WORD]
const PRESSURE: Shape = [{ kind: 'words', size: PRESSURE_WORDS }]
const BREAKER: Shape = [{ kind: 'words', size: CIRCUIT_WORDS }]
const WINDOW: Shape = [OUTCOMES]
const BULKHEAD: Shape = [HELD]
const STREAMS: Shape = [HELD]
const QUEUE: Shape = [HELD, { kind: 'columns', size: BOARD_SLOTS }, WORD, WORD]
const LIMIT: Shape = [{ kind: 'words', size: ADAPTIVE_WORDS }]
const MAILBOX: Shape = [WORD]

/** Cells as a lease has them. */
export interface Taken {
  readonly refs: readonly CellRef[]
  give(mark: Mark): void
}

const ROUTE_KEY = 'route\0'

/** Whose requests in flight the first cell of a key counts; undefined: no route's. */
export function routeOfKey(key: string): string | undefined {
  return key.startsWith(ROUTE_KEY) ? key.slice(ROUTE_KEY.length) : undefined
}

/** The cells that one user (a config generation, the endpoints of an upstream, a worker) keeps alive. */
export class Lease {
  private readonly taken = new Map<string, Taken>()
  private readonly take: (key: string, shape: Shape) => Taken

  constructor(take: (key: string, shape: Shape) => Taken) {
    this.take = take
  }

  route(name: string, { breakers, bulkhead, streams }: RouteNeeds = NO_NEEDS): RouteCells {
    const [inFlight, call] = this.cells(`${ROUTE_KEY}${name}`, ROUTE) as [CellRef, CellRef]
    return {
      inFlight,
      breakers: Object.fromEntries(
        Array.from(breakers, ([upstream, windowMs]) => [upstream, this.breaker(name, upstream, windowMs)]),
      ),
      bulkhead: bulkhead && this.bulkhead(name, bulkhead),
      streams: streams ? this.cells(`streams\0${name}`, STREAMS)[0] : undefined,
      call,
    }
  }

  endpoint({ upstream, scheme, address, port, sni }: EndpointIdentity): EndpointCells {
    const key = `endpoint\0${upstream}\0${scheme}\0${address}\0${port}\0${sni}`
    const [inFlight, connections, state, outcomes] = this.cells(key, ENDPOINT) as [CellRef, CellRef, CellRef, CellRef]
    return { inFlight, connections, state, outcomes }
  }

  upstream(name: string): UpstreamCells {
    const refs = this.cells(`upstream\0${name}`, UPSTREAM) as [CellRef, CellRef, CellRef, CellRef, CellRef]
    const [inFlight, waiting, ejected, attempts, call] = refs
    return { inFlight, waiting, ejected, attempts, call }
  }

  /** Open connections of a listener. */
  listener(name: string): CellRef {
    return this.cells(`listener\0${name}`, LISTENER)[0] as CellRef
  }

  /** First of `PRESSURE_WORDS`. */
  pressure(worker: number): CellRef {
    return this.cells(`pressure\0${worker}`, PRESSURE)[0] as CellRef
  }

  heartbeat(worker: number): CellRef {
    return this.cells(`heartbeat\0${worker}`, HEARTBEAT)[0] as CellRef
  }

  /** With what other workers wake this one. */
  mailbox(worker: number): CellRef {
    return this.cells(`mailbox\0${worker}`, MAILBOX)[0] as CellRef
  }

  /** Cells that no other lease has are retired at `mark`. */
  release(mark: Mark): void {
    for (const taken of this.taken.values()) taken.give(mark)
    this.taken.clear()
  }

  private bulkhead(route: string, { adaptive, queue }: NonNullable<RouteNeeds['bulkhead']>): BulkheadCells {
    const [inFlight] = this.cells(`bulkhead\0${route}`, BULKHEAD) as [CellRef]
    return {
      inFlight,
      queue: queue ? this.queue(route) : undefined,
      limit: adaptive ? this.cells(`limit\0${route}`, LIMIT)[0] : undefined,
    }
  }

  private queue(route: string): QueueCells {
    const refs = this.cells(`queue\0${route}`, QUEUE) as [CellRef, CellRef, CellRef, CellRef]
    const [waiting, board, emptyAt, excess] = refs
    return { waiting, board, emptyAt, excess }
  }

  private breaker(route: string, upstream: string, windowMs: number): BreakerCells {
    const [state] = this.cells(`breaker\0${route}\0${upstream}`, BREAKER) as [CellRef]
    const [window] = this.cells(`window\0${route}\0${upstream}\0${windowMs}`, WINDOW) as [CellRef]
    return { state, window }
  }

  private cells(key: string, shape: Shape): readonly CellRef[] {
    let taken = this.taken.get(key)
    if (taken === undefined) {
      taken = this.take(key, shape)
      this.taken.set(key, taken)
    }
    return taken.refs
  }
}

const NO_NEEDS: RouteNeeds = { breakers: new Map(), bulkhead: undefined, streams: false }
