import type { LiveUse } from '../../core/control-feature.ts'
import type { CellReader } from '../../core/feature.ts'
import type { BreakerCells } from '../../features/circuit-breaker/cells.ts'
import { breakerState } from '../../features/circuit-breaker/states.ts'
import type { BreakerFacts } from '../contract.ts'

/** The circuit breakers of the live config. */
export function* breakersOf(uses: readonly LiveUse[], look: CellReader): Generator<BreakerFacts> {
  for (const { use, cells } of uses) {
    for (const [upstream, { circuit }] of Object.entries(cells as BreakerCells))
      yield { route: use.name, upstream, state: breakerState(circuit, look) }
  }
}
