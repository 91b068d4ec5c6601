import type { DrillScenario } from '../drill/scenario.ts'
import { allDown } from './all-down.ts'
import { bodiesBreak } from './bodies-break.ts'
import { endpointFails } from './endpoint-fails.ts'
import { endpointHangs } from './endpoint-hangs.ts'
import { endpointKilled } from './endpoint-killed.ts'
import { endpointSlow } from './endpoint-slow.ts'
import { isolation } from './isolation.ts'
import { latencySpike } from './latency-spike.ts'
import { loadSurge } from './load-surge.ts'
import { retryStorm } from './retry-storm.ts'

/** Those that need nothing but endpoints with faults and a steady load. */
export const DRILLS: readonly DrillScenario[] = [
  endpointKilled,
  endpointHangs,
  endpointFails,
  endpointSlow,
  allDown,
  retryStorm,
  loadSurge,
  isolation,
  bodiesBreak,
  latencySpike,
]
