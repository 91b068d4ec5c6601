import type { BalancingConfig } from '../../src/core/config.ts'

/** Balancing with everything off. */
export const PLAIN: BalancingConfig = {
  hashOn: [],
  balanceFactor: undefined,
  slowStart: undefined,
  zone: undefined,
  subset: undefined,
  panicThreshold: 0,
}
