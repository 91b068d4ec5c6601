import { Feeds } from '../../src/control/workers/feeds.ts'
import { Lasting, rowOf } from '../../src/control/workers/lasting.ts'
import { Notices } from '../../src/control/workers/notices.ts'
import type { UpstreamConfig } from '../../src/core/config.ts'
import type { ControlFeature, ControlHalf, LiveUse } from '../../src/core/control-feature.ts'
import type { AnyFeature, CellReader, UseLevel } from '../../src/core/feature.ts'
import type { Commanded } from '../../src/core/link.ts'
import type { Notice } from '../../src/core/notice.ts'
import type { ProcessLoad, WorkerLoad } from '../../src/core/pressure.ts'
import type { ToWorker, UpstreamEndpoints } from '../../src/core/protocol.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { StoreClient } from '../../src/stores/calls/client.ts'
import { Hints } from '../../src/stores/calls/hints.ts'
import { KeptState } from '../../src/stores/kept-state.ts'
import { MemoryStore } from '../../src/stores/memory/memory-store.ts'
import { TestCells } from './cells.ts'
import { ManualClock } from './clock.ts'
import { CountedMetrics, leased, readOptions } from './feature.ts'
import { type MemoryLog, memoryLog } from './log.ts'

/** A use as it is written: on a route `r` to upstream `a` unless it says otherwise. */
export interface WrittenUse {
  readonly options: unknown
  readonly at?: UseLevel
  readonly name?: string
  readonly upstreams?: readonly string[]
}

/** The control half of a feature in virtual time. `apply` makes other uses live. */
export class StartedHalf<C = unknown> {
  readonly half: ControlHalf
  readonly clock: ManualClock = new ManualClock()
  readonly metrics: CountedMetrics = new CountedMetrics()
  readonly log: MemoryLog = memoryLog()
  readonly notices: Notice[] = []
  readonly endpoints: Map<string, UpstreamEndpoints> = new Map()
  readonly upstreams: Map<string, UpstreamConfig> = new Map()
  /** Upstream and endpoint of each health check that was passed. */
  readonly passed: string[] = []
  readonly testCells: TestCells
  /** What it feeds to workers. */
  readonly feeds: Feeds
  /** What it has told the workers; `commanded` is what they say. */
  readonly commands: { readonly name: string; readonly value: unknown }[] = []
  commanded: Commanded = { done: 1, missing: [] }
  /** What it keeps in stores. */
  readonly kept: MemoryStore = new MemoryStore({ bytes: 1_048_576, clock: this.clock })
  /** Workers are what a test says. */
  readonly load: ProcessLoad
  uses: readonly LiveUse<unknown, C>[] = []
  private readonly feature: AnyFeature
  private readonly leases = new Map<string, C>()

  constructor(
    feature: AnyFeature,
    control: ControlFeature,
    testCells: TestCells = new TestCells(),
    { kept, workers = [] }: { readonly kept?: KeptState; readonly workers?: readonly WorkerLoad[] } = {},
  ) {
    this.feeds = new Feeds({ clock: this.clock, log: this.log })
    this.load = { workers, memory: () => 0, sockets: () => 0 }
    this.feature = feature
    this.testCells = testCells
    const { space } = testCells
    const look: CellReader = {
      sum: (ref) => space.held(ref).sum(),
      words: (ref) => space.int32(ref),
      window: (ref, windowMs) => space.window(ref, windowMs),
    }
    const lasting = new Lasting({
      features: [feature],
      uses: () => this.uses,
      drained: () => undefined,
      look,
      others: () => [],
      notices: new Notices(this.log, this.clock, []),
    })
    const report = (notice: Notice): void => void this.notices.push(notice)
    this.half = control.start({
      uses: () => this.uses,
      states: () => Array.from(lasting.of(feature), rowOf),
      set: (labels, state, facts, since = this.clock.wall()) =>
        report({ kind: 'state', feature: feature.name, labels, state, facts, since }),
      look,
      endpoints: (upstream) => this.endpoints.get(upstream),
      upstream: (name) => this.upstreams.get(name),
      passed: (upstream, { id }) => void this.passed.push(`${upstream} ${id}`),
      marked: () => {},
      feed: (name) => this.feeds.of(feature.name, name),
      store: () => new StoreClient(this.kept.send, new Hints(() => {}), ''),
      command: async (name, value) => {
        this.commands.push({ name, value })
        return this.commanded
      },
      kept: (schema) =>
        (kept ?? new KeptState({ store: undefined, clock: this.clock, log: this.log })).map(
          `feature/${feature.name}`,
          schema,
        ),
      load: this.load,
      metrics: this.metrics,
      counted: (metric, labels) => this.metrics.counts.get(`${metric} ${labels}`.trim()) ?? 0,
      report,
      clock: this.clock,
      random: seededRandom(1),
      log: this.log,
    })
  }

  /** The latest value of a feed. */
  fed(name: string): unknown {
    let latest: unknown
    const post = ({ values }: Extract<ToWorker, { type: 'feeds' }>): void => {
      latest = values.find((fed) => fed.name === name)?.value
    }
    this.feeds.begin(0, { post: (message) => post(message as Extract<ToWorker, { type: 'feeds' }>) })
    return latest
  }

  /** Uses of the same name keep their cells. */
  apply(written: readonly WrittenUse[]): void {
    this.uses = written.map(({ options, at = 'route', name = 'r', upstreams = ['a'] }) => {
      const use = { at, name, options: readOptions(this.feature, options, at), upstreams, reach: {} }
      const tree = at === 'upstream' ? this.feature.upstream?.cells?.(use) : this.feature.cells?.(use)
      const key = `${at} ${name}`
      const cells = this.leases.get(key) ?? ((tree && leased(tree, this.testCells)) as C)
      this.leases.set(key, cells)
      return { use, cells }
    })
    this.half.applied?.()
  }
}
