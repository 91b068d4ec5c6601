import type { CellRef } from '../../cells/pages.ts'
import { type CellShape, type CellTree, HELD, isBlock, WORD, wordsOf } from '../../cells/shape.ts'
import type { AnyFeature, Use } from '../../core/feature.ts'
import { PRESSURE_WORDS } from '../../core/pressure.ts'
import { ENDPOINT_WORDS, type EndpointCells, type RouteCells, type UpstreamCells } from '../../core/protocol.ts'
import { commonUses, type FeatureUse, routeUse, type UsedRoute } from '../../core/use.ts'

/** How far workers are: config generations that may still run requests, and endpoint updates. */
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

/** The cells of one identity. */
export type Shape = readonly CellShape[]

const ROUTE: Shape = [HELD]
const ENDPOINT: Shape = [HELD, HELD, wordsOf(ENDPOINT_WORDS)]
const UPSTREAM: Shape = [HELD]
const LISTENER: Shape = [HELD]
const HEARTBEAT: Shape = [WORD]
const PRESSURE: Shape = [wordsOf(PRESSURE_WORDS)]
const MAILBOX: Shape = [WORD]

/** Cells as a lease has them. */
export interface Taken {
  readonly refs: readonly CellRef[]
  give(mark: Mark): void
}

const ROUTE_KEY = 'route\0'

/** The route whose requests in flight the first cell of a key counts; undefined: no route. */
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

  /** @param features those that routes may have */
  route(route: UsedRoute, features: readonly AnyFeature[]): RouteCells {
    const [inFlight] = this.cells(`${ROUTE_KEY}${route.name}`, ROUTE) as [CellRef]
    const leased = features
      .filter(({ name }) => Object.hasOwn(route.features, name))
      .map((feature) => {
        const use = routeUse(feature.name, route)
        return [feature.name, this.use(feature, use, feature.cells?.(use))]
      })
    return { inFlight, features: Object.fromEntries(leased) }
  }

  /** Of the features that act on all routes, by their name. `options`: of the root. */
  common(
    options: Readonly<Record<string, unknown>>,
    features: readonly AnyFeature[],
  ): Readonly<Record<string, unknown>> {
    const uses = commonUses(options, features)
    return Object.fromEntries(
      uses.map(([feature, use]) => [feature.name, this.use(feature, use, feature.cells?.(use))]),
    )
  }

  /** What a use of a feature asks for, with the places of its cells. */
  private use(feature: AnyFeature, use: Use, tree: CellTree | undefined): unknown {
    return tree && this.tree(`feature\0${feature.name}\0${use.at}\0${use.name}`, tree)
  }

  private tree(key: string, tree: CellTree): unknown {
    if (isBlock(tree)) {
      const shapes = Object.entries(tree.shapes)
      const refs = this.cells(
        [key, ...tree.fingerprint].join('\0'),
        shapes.map(([, shape]) => shape),
      )
      return Object.fromEntries(shapes.map(([name], i) => [name, refs[i]]))
    }
    const branches = Object.entries(tree).map(([name, branch]) => [
      name,
      branch && this.tree(`${key}\0${name}`, branch),
    ])
    return Object.fromEntries(branches)
  }

  /** @param uses of its upstream's features, by feature */
  endpoint(identity: EndpointIdentity, uses: readonly FeatureUse[] = []): EndpointCells {
    const { address, port, scheme, sni, upstream } = identity
    const own = `${upstream}\0${scheme}\0${address}\0${port}\0${sni}`
    const [inFlight, connections, state] = this.cells(`endpoint\0${own}`, ENDPOINT) as [CellRef, CellRef, CellRef]
    const leased = uses.map(([feature, use]) => {
      const tree = feature.upstream?.endpointCells?.(use)
      return [feature.name, tree && this.tree(`endpoint feature\0${feature.name}\0${own}`, tree)]
    })
    return { inFlight, connections, state, features: Object.fromEntries(leased) }
  }

  upstream(name: string, uses: readonly FeatureUse[] = []): UpstreamCells {
    const [waiting] = this.cells(`upstream\0${name}`, UPSTREAM) as [CellRef]
    const leased = uses.map(([feature, use]) => [feature.name, this.use(feature, use, feature.upstream?.cells?.(use))])
    return { waiting, features: Object.fromEntries(leased) }
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

  /** Cells without another lease are retired at `mark`. */
  release(mark: Mark): void {
    for (const taken of this.taken.values()) taken.give(mark)
    this.taken.clear()
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
