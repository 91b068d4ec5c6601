import { CellSpace } from '../../src/cells/space.ts'
import type { Config } from '../../src/config/language/config.ts'
import { language } from '../../src/config/language/language.ts'
import { loadConfig } from '../../src/config/load.ts'
import { loadDeps } from '../../src/config/load-deps.ts'
import { CellRegistry } from '../../src/control/registry/registry.ts'
import type { Downstream } from '../../src/core/downstream.ts'
import type { Exchange } from '../../src/core/exchange.ts'
import type { Failure, Reason } from '../../src/core/failures.ts'
import type { AnyFeature } from '../../src/core/feature.ts'
import type { Notice } from '../../src/core/notice.ts'
import type { UpstreamEndpoints } from '../../src/core/protocol.ts'
import type { SideFacts } from '../../src/core/spans.ts'
import type { Transport, TransportRequest } from '../../src/core/transport.ts'
import { upstreamUses } from '../../src/core/use.ts'
import { DataPlane } from '../../src/data/engine/plane.ts'
import type { Recorder } from '../../src/data/seeing/recorder.ts'
import { FEATURES } from '../../src/features/index.ts'
import { EventClock } from '../../src/lib/event-clock.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { TimerWheel } from '../../src/lib/timers.ts'
import { ManualClock } from './clock.ts'
import { CountedMetrics } from './feature.ts'
import { HTTP1_ENV } from './ingress.ts'
import { TestLink } from './link.ts'
import { lostEnd } from './lost-end.ts'
import { TestMail } from './mail.ts'
import { ScriptedTransport } from './scripted-transport.ts'

/** What became of a request. */
export interface Ended {
  readonly ex: Exchange
  readonly asked: TransportRequest | undefined
}

/** `ex` undefined: it could not begin. */
interface EndedSide extends SideFacts {
  readonly to: string
  readonly ex: Exchange | undefined
  readonly reason: Reason | undefined
}

/** What stands in the place of its own. */
interface PlaneSetUp {
  readonly transport?: Transport
  readonly recorder?: (clock: ManualClock) => Recorder
}

/** A data plane in virtual time on a whole config, with cells as the control plane allocates them. */
export class ConfiguredPlane {
  readonly transport = new ScriptedTransport()
  readonly finished: Exchange[] = []
  readonly bugs: unknown[] = []
  readonly notices: Notice[] = []
  /** Requests of features that have ended, or could not begin. */
  readonly sides: EndedSide[] = []
  readonly clock = new ManualClock()
  /** What features count. */
  readonly metrics = new CountedMetrics()
  readonly plane: DataPlane
  private readonly features: readonly AnyFeature[]
  private readonly registry = new CellRegistry(1)
  private readonly space = new CellSpace(1, 0)
  private generation = 0

  private constructor(features: readonly AnyFeature[], setUp: PlaneSetUp) {
    const { clock, space } = this
    this.features = features
    const recorder = {
      finish: (ex: Exchange) => {
        if (ex.kind === 'side') ex.route?.record?.finish(ex)
        else this.finished.push(ex)
      },
      side: ({ feature, kind }: SideFacts, to: string) => ({
        finish: (ex: Exchange) => void this.sides.push({ feature, kind, to, ex, reason: ex.failure?.reason }),
        missed: (reason: Reason) => void this.sides.push({ feature, kind, to, ex: undefined, reason }),
        refused: () => {},
      }),
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
      clock: new EventClock(clock),
      timers: new TimerWheel(clock),
      random: seededRandom(1),
      recorder: setUp.recorder?.(clock) ?? (recorder as unknown as Recorder),
      transport: setUp.transport ?? this.transport,
      retired: () => {},
      report: (notice) => void this.notices.push(notice),
      mail: new TestMail(),
      link: new TestLink(clock).worker,
      features,
      metrics: this.metrics,
      lostEnd,
      bug: (error) => void this.bugs.push(error),
    })
  }

  static async of(
    config: Config,
    features: readonly AnyFeature[] = FEATURES,
    setUp: PlaneSetUp = {},
  ): Promise<ConfiguredPlane> {
    const kit = new ConfiguredPlane(features, setUp)
    await kit.load(config)
    return kit
  }

  /** From YAML, in the language of these features. */
  static async read(
    yaml: string,
    features: readonly AnyFeature[] = FEATURES,
    setUp: PlaneSetUp = {},
  ): Promise<ConfiguredPlane> {
    return ConfiguredPlane.of(await configOf(yaml, features), features, setUp)
  }

  get engine(): DataPlane['engine'] {
    return this.plane.engine
  }

  /** The next generation. */
  async reload(yaml: string): Promise<void> {
    await this.load(await configOf(yaml, this.features))
  }

  private async load({ hash, lean }: Config): Promise<void> {
    const { features, plane, registry, space } = this
    const lease = registry.lease()
    const { upstreams, routes, ...head } = lean
    const endpoints = upstreams.map((config): UpstreamEndpoints => {
      const { endpoints, name } = config
      const uses = upstreamUses(config, features)
      const located = endpoints.map((endpoint) => {
        const { host: address, port, scheme } = endpoint
        const cells = lease.endpoint({ upstream: name, scheme, address, port, sni: '' }, uses)
        return { ...endpoint, id: `${scheme}://${address}:${port}`, address, cells }
      })
      return { upstream: name, cells: lease.upstream(name, uses), endpoints: located }
    })
    const lines = routes.map((route) => ({
      ...route,
      cells: lease.route(route, features),
      digest: JSON.stringify(route),
      effect: JSON.stringify(route),
    }))
    space.add(registry.pages)
    const generation = ++this.generation
    plane.prepare({
      ...head,
      hash,
      cells: lease.common(lean.features, features),
      generation,
      upstreams: upstreams.length,
      routes: routes.length,
    })
    const chunk = { type: 'chunk', generation, upstreams, endpoints, routes: lines, last: true } as const
    const message = await plane.chunk(chunk)
    if (message.type !== 'prepared') throw new Error(JSON.stringify(message))
    plane.commit(generation, 0)
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
    if (this.bugs.length > 0) throw this.bugs[0]
    if (ex === undefined) throw new Error('the request did not end')
    return { ex, asked }
  }
}

async function configOf(yaml: string, features: readonly AnyFeature[]): Promise<Config> {
  const deps = { ...loadDeps(HTTP1_ENV, language(features)), readFile: async () => Buffer.from(yaml) }
  const { config, diagnostics } = await loadConfig('sluice.yaml', deps)
  if (config === undefined) throw new Error(JSON.stringify(diagnostics))
  return config
}
