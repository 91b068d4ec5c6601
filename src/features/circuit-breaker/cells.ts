import { block, columnsOf, type Leased, wordsOf } from '../../cells/shape.ts'
import { WINDOW_SLOTS } from '../../cells/window.ts'
import type { Use } from '../../core/feature.ts'
import { CIRCUIT_WORDS } from './circuit-words.ts'
import type { CircuitBreakerOptions } from './keys.ts'

/** Per upstream. A window of another length is another window; the state stays. */
export function cells({ options, upstreams }: Use<CircuitBreakerOptions>) {
  return Object.fromEntries(
    upstreams.map((upstream) => [
      upstream,
      {
        circuit: block({ state: wordsOf(CIRCUIT_WORDS) }),
        window: block({ outcomes: columnsOf(WINDOW_SLOTS) }, [options.window]),
      },
    ]),
  )
}

/** By name of the upstream. */
export type BreakerCells = Leased<ReturnType<typeof cells>>
