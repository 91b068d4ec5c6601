import type { ControlContext, ControlFeature, ControlHalf, LiveUse } from '../core/control-feature.ts'
import type { Find } from '../core/endpoint-source.ts'
import type { AnyFeature } from '../core/feature.ts'
import type { Operation } from '../core/operation.ts'
import type { ResolvedEndpoint } from '../core/protocol.ts'
import type { Gauges } from '../core/series.ts'
import type { StateRow } from '../core/state-table.ts'
import type { Part } from './contract.ts'

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

export interface ControlHalvesOptions extends Omit<ControlContext, 'uses' | 'states' | 'set' | 'passed'> {
  readonly loaded: readonly LoadedHalf[]
  /** Live ones of a feature. */
  readonly uses: (feature: AnyFeature) => readonly LiveUse[]
  readonly states: (feature: AnyFeature) => readonly StateRow[]
}

/** What features do in the control plane: started together, told together, closed together. */
export class ControlHalves implements Part {
  private readonly halves: readonly ControlHalf[]

  constructor({ loaded, states, uses, ...context }: ControlHalvesOptions) {
    this.halves = loaded.map(({ feature, control }) =>
      control.start({
        ...context,
        uses: () => uses(feature),
        states: () => states(feature),
        passed: (upstream, endpoint) => this.endpointPassed(upstream, endpoint),
        set: (labels, state, facts) => context.report({ kind: 'state', feature: feature.name, labels, state, facts }),
      }),
    )
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
