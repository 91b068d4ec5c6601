import type { LeanConfig } from '../core/config.ts'
import type { ControlContext, ControlFeature, ControlHalf, LiveUse } from '../core/control-feature.ts'
import type { Find } from '../core/endpoint-source.ts'
import type { AnyFeature } from '../core/feature.ts'
import type { Answer } from '../core/link.ts'
import type { Operation } from '../core/operation.ts'
import type { ResolvedEndpoint } from '../core/protocol.ts'
import type { Gauges } from '../core/series.ts'
import type { StateRow } from '../core/state-table.ts'
import { usesIn } from '../core/use.ts'
import { featureUser } from '../stores/calls/remote.ts'
import type { Stores } from '../stores/stores.ts'
import type { Part } from './contract.ts'
import { lateOperation } from './late-operation.ts'
import type { Feeds } from './workers/feeds.ts'
import type { Links } from './workers/links.ts'

/** A feature and its control half, loaded. */
export interface LoadedHalf {
  readonly feature: AnyFeature
  readonly control: ControlFeature
}

/** Loads the control halves of all features that have one. */
export async function loadControlHalves(features: readonly AnyFeature[]): Promise<readonly LoadedHalf[]> {
  const loaded = features.map(async (feature) => {
    const half = await feature.control?.()
    return half === undefined ? [] : [{ feature, control: half.control }]
  })
  return (await Promise.all(loaded)).flat()
}

export interface ControlHalvesOptions
  extends Omit<ControlContext, 'uses' | 'states' | 'set' | 'passed' | 'feed' | 'command' | 'store' | 'kept'> {
  readonly loaded: readonly LoadedHalf[]
  /** Live ones of a feature. */
  readonly uses: (feature: AnyFeature) => readonly LiveUse[]
  readonly states: (feature: AnyFeature) => readonly StateRow[]
  readonly feeds: Pick<Feeds, 'of'>
  readonly links: Pick<Links, 'command'>
  readonly stores: Pick<Stores, 'of' | 'kept'>
}

/** A half that runs, and whose it is. */
interface Running extends LoadedHalf {
  readonly half: ControlHalf
}

/** What features do in the control plane: started together, told together, closed together. */
export class ControlHalves implements Part {
  private readonly options: Omit<ControlHalvesOptions, 'loaded'>
  private running: readonly Running[] = []

  constructor({ loaded, ...options }: ControlHalvesOptions) {
    this.options = options
    this.begin(loaded)
  }

  /** Starts those of features that have none. Returns what ends them again. */
  begin(loaded: readonly LoadedHalf[]): () => void {
    const known = new Set(this.running.map(({ feature }) => feature.name))
    const begun = loaded.filter(({ feature }) => !known.has(feature.name)).flatMap((one) => this.started(one) ?? [])
    this.running = [...this.running, ...begun]
    return () => {
      this.running = this.running.filter((one) => !begun.includes(one))
      for (const one of begun) this.ended(one)
    }
  }

  /** These are all from now on: what was started for other code ends. */
  become(loaded: readonly LoadedHalf[]): void {
    const stays = ({ control, feature }: LoadedHalf) =>
      loaded.find((one) => one.feature.name === feature.name && one.control === control)
    const before = this.running
    this.running = before.flatMap((one) => {
      const same = stays(one)
      return same === undefined ? [] : [{ ...one, feature: same.feature }]
    })
    for (const one of before) if (stays(one) === undefined) this.ended(one)
    this.begin(loaded)
  }

  /** undefined: it is one of a plug-in, and cannot be started. */
  private started({ control, feature }: LoadedHalf): Running | undefined {
    const { feeds, links, states, stores, uses, ...context } = this.options
    const { name } = feature
    const now = (): AnyFeature => this.running.find((one) => one.feature.name === name)?.feature ?? feature
    const start = (): ControlHalf =>
      control.start({
        ...context,
        uses: () => uses(now()),
        states: () => states(now()),
        kept: (schema) => stores.kept.map(featureUser(name), schema),
        passed: (upstream, endpoint) => this.endpointPassed(upstream, endpoint),
        feed: (own) => feeds.of(name, own),
        store: (own) => stores.of(own, featureUser(name)),
        command: (own, value, deadlineMs) => links.command(name, own, value, deadlineMs),
        set: (labels, state, facts, since = context.clock.wall()) =>
          context.report({ kind: 'state', feature: name, labels, state, facts, since }),
      })
    if (feature.plugin === undefined) return { control, feature, half: start() }
    try {
      return { control, feature, half: start() }
    } catch (error) {
      this.blame(feature, 'its control half cannot be started', error)
      return undefined
    }
  }

  private ended({ feature, half }: Running): void {
    try {
      half.close()
    } catch (error) {
      this.blame(feature, 'its control half did not end', error)
    }
  }

  private blame({ name, plugin }: AnyFeature, what: string, error: unknown): void {
    this.options.log.error(`a plug-in: ${what}`, { plugin, feature: name, error })
  }

  private get halves(): readonly ControlHalf[] {
    return this.running.map(({ half }) => half)
  }

  /** Asked once: those of plug-ins may be others by the time they are used. */
  get operations(): readonly Operation[] {
    return this.running.flatMap(({ feature: { name, plugin }, half: { operations = [] } }) =>
      plugin === undefined
        ? operations
        : operations.map((one) => lateOperation(one, () => this.operation(name, one.kind, one.path))),
    )
  }

  private operation(feature: string, kind: string, path: string): Operation | undefined {
    const { operations = [] } = this.half(feature) ?? {}
    return operations.find((one) => one.kind === kind && one.path === path)
  }

  private half(feature: string): ControlHalf | undefined {
    return this.running.find((one) => one.feature.name === feature)?.half
  }

  get sources(): Readonly<Record<string, Find>> {
    return Object.assign({}, ...this.halves.map(({ sources }) => sources))
  }

  get gauges(): Gauges {
    return Object.assign({}, ...this.halves.map(({ gauges }) => gauges))
  }

  /** undefined: it has no such answer. */
  answer(feature: string, name: string): Answer | undefined {
    const { answers = {} } = this.half(feature) ?? {}
    return Object.hasOwn(answers, name) ? answers[name] : undefined
  }

  /** Workers are about to compile this. */
  expect(lean: LeanConfig): void {
    for (const { feature, half } of this.running) half.expect?.(usesIn(lean, feature))
  }

  applied(): void {
    for (const half of this.halves) half.applied?.()
  }

  endpointsChanged(): void {
    for (const half of this.halves) half.endpointsChanged?.()
  }

  private endpointPassed(upstream: string, endpoint: ResolvedEndpoint): void {
    for (const half of this.halves) half.endpointPassed?.(upstream, endpoint)
  }

  requestsLost(route: string, requests: number): void {
    for (const half of this.halves) half.requestsLost?.(route, requests)
  }

  close(): void {
    for (const one of this.running) this.ended(one)
  }
}
