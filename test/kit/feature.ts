import type { CellRef } from '../../src/cells/pages.ts'
import { type CellTree, isBlock } from '../../src/cells/shape.ts'
import type { CellSpace } from '../../src/cells/space.ts'
import type { Decision } from '../../src/core/decision.ts'
import type { AnyFeature, FeatureContext, KeyPlace, Use, UseLevel } from '../../src/core/feature.ts'
import type { Policy } from '../../src/core/policy.ts'
import { NO_RELIEF } from '../../src/core/relief.ts'
import { StateSlots } from '../../src/core/state-slot.ts'
import type { FeatureDeps } from '../../src/data/engine/compile-features.ts'
import { GenerationLink } from '../../src/data/link/generation-link.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { EventClock } from '../../src/lib/event-clock.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { TimerWheel } from '../../src/lib/timers.ts'
import { nodeOf } from '../../src/schema/node.ts'
import { At, type Schema } from '../../src/schema/schema.ts'
import { TestCells } from './cells.ts'
import { ManualClock } from './clock.ts'
import { TestLink } from './link.ts'
import { TestMail } from './mail.ts'

/** Metrics that remember what they were told, as `name label,label`. */
export class CountedMetrics {
  readonly counts = new Map<string, number>()
  readonly observed: [series: string, seconds: number][] = []

  counter(metric: string, labels: readonly string[]) {
    return { inc: (n = 1): void => this.add(`${metric} ${labels}`.trim(), n) }
  }

  histogram(metric: string, labels: readonly string[]) {
    return { observe: (seconds: number): void => void this.observed.push([`${metric} ${labels}`.trim(), seconds]) }
  }

  private add(series: string, n: number): void {
    this.counts.set(series, (this.counts.get(series) ?? 0) + n)
  }
}

/** What a feature is compiled with in a test: virtual time, no relief, services that answer nothing. */
export function featureContext(paramNames: readonly string[] = []): FeatureContext<never> {
  const clock = new ManualClock()
  const slots = new StateSlots()
  const attemptSlots = new StateSlots()
  return {
    feature: 'test',
    use: { at: 'route', name: 'r', options: undefined, upstreams: ['a'], reach: {} },
    cells: undefined as never,
    space: new TestCells().space,
    metrics: new CountedMetrics(),
    report: () => {},
    paramNames,
    gateway: 'test',
    clock,
    timers: new TimerWheel(clock),
    mail: new TestMail(),
    pressure: { stage: 0 },
    exchangeState: (name = '') => slots.of(name),
    attemptState: (name = '') => attemptSlots.of(name),
    ...linked('test', new TestLink(clock)),
    note: () => {},
    shadow: () => {},
    set: () => {},
    relief: NO_RELIEF,
    random: seededRandom(1),
    services: {
      forwardHeaders(ex) {
        ex.forwardHeaders ??= [...ex.headers]
        return ex.forwardHeaders
      },
      hashesPath: () => false,
      typicalMs: () => 0,
      call: notAskedFor,
      stream: notAskedFor,
      fork: notAskedFor,
      connect: notAskedFor,
    },
  }
}

function notAskedFor(): never {
  throw new Error('not asked for')
}

/** What a feature has in a worker, and of the control plane. */
function linked(
  feature: string,
  { worker }: TestLink,
): Pick<FeatureContext, 'keep' | 'ask' | 'feed' | 'command' | 'store'> {
  const kept = new Map<string, unknown>()
  return {
    keep: (name, make) => {
      if (!kept.has(name)) kept.set(name, worker.keep(make))
      return kept.get(name) as never
    },
    ask: (question, deadlineMs) => worker.ask(feature, question, deadlineMs),
    feed: (name) => worker.feed(feature, name),
    command: (name, handle) => worker.command(feature, name, handle),
    store: (name) => worker.stores.of(name, feature),
  }
}

/** What a worker of a test lends to features. */
export function featureDeps(own: Partial<Omit<FeatureDeps, 'clock'>> & { readonly clock?: Clock } = {}): FeatureDeps {
  const link = new GenerationLink(new TestLink().worker)
  const { services, ...context } = featureContext()
  const slots = { exchangeSlots: new StateSlots(), attemptSlots: new StateSlots() }
  const clock = new EventClock(own.clock ?? context.clock)
  return { ...context, ...slots, link, services: { of: () => services }, ...own, clock }
}

/** How one use of a feature differs from that of a route `r` to upstream `a`. */
export interface UseSetUp extends Partial<Omit<FeatureContext, 'use' | 'cells'>> {
  readonly at?: UseLevel
  readonly name?: string
  readonly upstreams?: readonly string[]
  readonly testCells?: TestCells
  /** Options as the schema read them, in the place of what is written. */
  readonly read?: { readonly options: unknown }
  /** That were leased before; undefined: new ones. */
  readonly cells?: unknown
  /** Of another worker. */
  readonly space?: CellSpace
  /** To what a test answers, feeds and commands. */
  readonly link?: TestLink
}

/** One use of a feature with options as somebody writes them: read, its cells leased, compiled. */
export class CompiledUse<C = unknown> {
  readonly use: Use
  readonly cells: C
  readonly testCells: TestCells
  /** By place. */
  readonly policies: Readonly<Record<string, Policy>>

  constructor(feature: AnyFeature, written: unknown, setUp: UseSetUp = {}) {
    const { at = 'route', name = 'r', upstreams = ['a'], testCells = new TestCells(), read, link, ...context } = setUp
    const clock = context.clock ?? new ManualClock()
    this.testCells = testCells
    this.use = {
      at,
      name,
      options: read === undefined ? readOptions(feature, written, at) : read.options,
      upstreams,
      reach: {},
    }
    const tree = feature.cells?.(this.use)
    this.cells = (context.cells ?? (tree && leased(tree, testCells))) as C
    const { decisions = {} } = feature
    this.policies =
      feature.compile?.(this.use.options, {
        ...featureContext(),
        feature: feature.name,
        use: this.use,
        space: testCells.space,
        clock,
        shadow: (ex, reason) => ex.refused(clock, feature.name, reason, 'shadow'),
        timers: new TimerWheel(clock),
        note: (ex, decision, facts, at = clock.now()) =>
          ex.note({ at, kind: 'decided', decision, facts, row: decisions[decision] as Decision }),
        set: (labels, state, facts) => context.report?.({ kind: 'state', feature: feature.name, labels, state, facts }),
        ...(link && linked(feature.name, link)),
        ...context,
        cells: this.cells,
      } satisfies FeatureContext) ?? {}
  }

  /** Of a feature that has one place. */
  get policy(): Policy {
    const [policy] = Object.values(this.policies)
    if (policy === undefined) throw new Error('nothing was compiled')
    return policy
  }
}

/** What its schema makes of what somebody wrote. Throws where that is wrong. */
export function readOptions(feature: AnyFeature, written: unknown, at: KeyPlace = 'route'): unknown {
  const problems: { message: string }[] = []
  const options = (feature.keys[at] as Schema<unknown>).read(nodeOf(written), new At(problems as never))
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'))
  return options
}

/** The cells of a tree, out of those of a test. */
export function leased(tree: CellTree, cells: TestCells): unknown {
  if (!isBlock(tree)) {
    const branches = Object.entries(tree).map(([name, branch]) => [name, branch && leased(branch, cells)])
    return Object.fromEntries(branches)
  }
  const refs = Object.entries(tree.shapes).map(([name, { kind, size }]): [string, CellRef] => [
    name,
    kind === 'words' ? cells.wordBlock(size) : cells.heldBlock(size),
  ])
  return Object.fromEntries(refs)
}
