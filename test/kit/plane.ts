import { CellSpace } from '../../src/cells/space.ts'
import type { Config } from '../../src/config/language/config.ts'
import { CellRegistry } from '../../src/control/registry/registry.ts'
import type { Downstream } from '../../src/core/downstream.ts'
import type { Exchange } from '../../src/core/exchange.ts'
import type { Failure } from '../../src/core/failures.ts'
import type { UpstreamEndpoints } from '../../src/core/protocol.ts'
import type { TransportRequest } from '../../src/core/transport.ts'
import { upstreamUses } from '../../src/core/use.ts'
import { DataPlane } from '../../src/data/engine/plane.ts'
import type { Recorder } from '../../src/data/seeing/recorder.ts'
import { FEATURES } from '../../src/features/index.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { TimerWheel } from '../../src/lib/timers.ts'
import { ManualClock } from './clock.ts'
import { CountedMetrics } from './feature.ts'
import { lostEnd } from './lost-end.ts'
import { TestMail } from './mail.ts'
import { ScriptedTransport } from './scripted-transport.ts'

/** What became of a request. */
export interface Ended {
  readonly ex: Exchange
  readonly asked: TransportRequest | undefined
}

/** A data plane in virtual time on a whole config, with cells as the control plane allocates them. */
export class ConfiguredPlane {
  readonly transport = new ScriptedTransport()
  readonly finished: Exchange[] = []
  private readonly plane: DataPlane

  private constructor(space: CellSpace) {
    const clock = new ManualClock()
    const recorder: Pick<Recorder, 'finish' | 'attempt' | 'route' | 'commit'> = {
      finish: (ex) => void this.finished.push(ex),
      attempt: () => {},
      route: () => ({
        finish: () => {},
        retried: () => {},
        hedged: () => {},
        spilled: () => {},
        refused: () => {},
      }),
      commit: () => {},
    }
    this.plane = new DataPlane({
      space,
      clock,
      timers: new TimerWheel(clock),
      random: seededRandom(1),
      recorder: recorder as Recorder,
      transport: this.transport,
      retired: () => {},
      report: () => {},
      mail: new TestMail(),
      features: FEATURES,
      metrics: new CountedMetrics(),
      lostEnd,
      bug: (error) => {
        throw error
      },
    })
  }

  static async of({ hash, lean }: Config): Promise<ConfiguredPlane> {
    const registry = new CellRegistry(1)
    const lease = registry.lease()
    const { upstreams, routes, ...head } = lean
    const endpoints = upstreams.map((config): UpstreamEndpoints => {
      const { endpoints, name } = config
      const uses = upstreamUses(config, FEATURES)
      const located = endpoints.map((endpoint) => {
        const { host: address, port, scheme } = endpoint
        const cells = lease.endpoint({ upstream: name, scheme, address, port, sni: '' }, uses)
        return { ...endpoint, id: `${scheme}://${address}:${port}`, address, cells }
      })
      return { upstream: name, cells: lease.upstream(name, uses), endpoints: located }
    })
    const lines = routes.map((route) => ({
      ...route,
      cells: lease.route(route, FEATURES),
      digest: route.name,
      effect: route.name,
    }))
    const space = new CellSpace(1, 0)
    space.add(registry.pages)
    const kit = new ConfiguredPlane(space)
    kit.plane.prepare({
      ...head,
      hash,
      cells: lease.common(lean.features, FEATURES),
      generation: 1,
      upstreams: upstreams.length,
      routes: routes.length,
    })
    const chunk = { type: 'chunk', generation: 1, upstreams, endpoints, routes: lines, last: true } as const
    const message = await kit.plane.chunk(chunk)
    if (message.type !== 'prepared') throw new Error(JSON.stringify(message))
    kit.plane.commit(1, 0)
    return kit
  }

  /** Runs a request to its end: an upstream that is asked answers 200. `asked`: what it got; undefined: none was asked. */
  async run(downstream: Downstream, refusal: Failure | undefined): Promise<Ended> {
    const before = this.finished.length
    this.plane.engine.handle(downstream, refusal)
    const connection = this.transport.running as ScriptedTransport['running'] | undefined
    const asked = connection?.request
    connection?.connect()
    connection?.answer(200)
    // The downstream tells the end after the call stack.
    await Promise.resolve()
    const ex = this.finished[before]
    if (ex === undefined) throw new Error('the request did not end')
    return { ex, asked }
  }
}
