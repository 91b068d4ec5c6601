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
import { featureUser, type Stores } from '../stores/stores.ts'
import type { Part } from './contract.ts'
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

/** What features do in the control plane: started together, told together, closed together. */
export class ControlHalves implements Part {
  private readonly halves: readonly ControlHalf[]
  private readonly byFeature: ReadonlyMap<string, ControlHalf>
  private readonly features: readonly AnyFeature[]

  constructor({ feeds, links, loaded, states, stores, uses, ...context }: ControlHalvesOptions) {
    this.features = loaded.map(({ feature }) => feature)
    this.halves = loaded.map(({ feature, control }) =>
      control.start({
        ...context,
        uses: () => uses(feature),
        states: () => states(feature),
        kept: (schema) => stores.kept.map(featureUser(feature.name), schema),
        passed: (upstream, endpoint) => this.endpointPassed(upstream, endpoint),
        feed: (name) => feeds.of(feature.name, name),
        store: (name) => stores.of(name, featureUser(feature.name)),
        command: (name, value, deadlineMs) => links.command(feature.name, name, value, deadlineMs),
        set: (labels, state, facts, since = context.clock.wall()) =>
          context.report({ kind: 'state', feature: feature.name, labels, state, facts, since }),
      }),
    )
    this.byFeature = new Map(this.features.map(({ name }, i) => [name, this.halves[i] as ControlHalf]))
  }

  get operations(): readonly Operation[] {
    return this.halves.flatMap(({ operations = [] }) => operations)
  }

  get sources(): Readonly<Record<string, Find>> {
    return Object.assign({}, ...this.halves.map(({ sources }) => sources))
  }

  get gauges(): Gauges {
    return Object.assign({}, ...this.halves.map(({ gauges }) => gauges))
  }

  /** undefined: it has no such answer. */
  answer(feature: string, name: string): Answer | undefined {
    const { answers = {} } = this.byFeature.get(feature) ?? {}
    return Object.hasOwn(answers, name) ? answers[name] : undefined
  }

  /** Workers are about to compile this. */
  expect(lean: LeanConfig): void {
    for (const [i, half] of this.halves.entries()) half.expect?.(usesIn(lean, this.features[i] as AnyFeature))
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
    for (const half of this.halves) half.close()
  }
}
