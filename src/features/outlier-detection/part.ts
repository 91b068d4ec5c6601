import type { CellSpace } from '../../cells/space.ts'
import type { OutcomeWindow } from '../../cells/window.ts'
import type { EndpointPart, EquippedEndpoint, UpstreamContext, UpstreamPart } from '../../core/upstream-part.ts'
import type { Clock } from '../../lib/clock.ts'
import type { EndpointOutlierCells, GroupCells } from './cells.ts'
import type { OutlierOptions } from './keys.ts'
import { EjectionGroup, Outlier } from './outlier.ts'
import { reporting } from './states.ts'

/** The endpoints of one upstream as a worker watches them. Outliers are judged among all of them, of all tiers. */
export class Outliers implements UpstreamPart {
  private readonly group: EjectionGroup
  private readonly context: UpstreamContext<GroupCells>
  private readonly interval: number

  constructor(options: OutlierOptions, context: UpstreamContext<GroupCells>) {
    const { cells, feature, random, report, space, use } = context
    this.context = context
    this.interval = options.interval
    this.group = new EjectionGroup(
      space.int32(cells.ejected),
      cells.ejected.slot,
      options,
      random,
      reporting(feature, use.name, report),
    )
  }

  endpoints(all: readonly EquippedEndpoint<EndpointOutlierCells>[]): readonly EndpointPart[] {
    const { clock, space } = this.context
    const parts = all.map(({ cells, endpoint }) => {
      const { words } = cells.ejection
      const outlier = new Outlier(endpoint, this.group, space.int32(words), words.slot)
      return new Watched(outlier, this.windowOf(cells, space), clock)
    })
    this.group.members = parts.map(({ outlier }) => outlier)
    return parts
  }

  private windowOf({ outcomes }: EndpointOutlierCells, space: CellSpace): OutcomeWindow | undefined {
    return outcomes && space.window(outcomes.window, this.interval)
  }
}

class Watched implements EndpointPart {
  readonly outlier: Outlier
  private readonly outcomes: OutcomeWindow | undefined
  private readonly clock: Clock

  constructor(outlier: Outlier, outcomes: OutcomeWindow | undefined, clock: Clock) {
    this.outlier = outlier
    this.outcomes = outcomes
    this.clock = clock
  }

  staysOut(): boolean {
    return this.outlier.ejected(this.clock.now())
  }

  learn(failed: boolean, server: boolean, now: number): void {
    this.outlier.record(failed, server, now)
    this.outcomes?.record(now, this.outlier.ejections, failed || server)
  }
}
