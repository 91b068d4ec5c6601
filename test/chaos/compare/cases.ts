import type { DrillPhase, DrillScenario, FaultAt } from '../../../src/tools/drill/scenario.ts'
import { DRILLS } from '../../../src/tools/scenarios/index.ts'
import { CLIENTS, slowClients } from '../scenarios/slow-clients.ts'
import type { Plan } from './configs.ts'

/** A failure scenario as any gateway can be put through it: nothing of it depends on what only Sluice tells. */
export interface Case {
  readonly scenario: DrillScenario
  readonly plan: Plan
  /** Slow clients that come with the fault and leave with it; absent: none. */
  readonly crowd?: number
}

/** Some code is compiled when it has run for a while: nothing counts before that. */
const BEFORE: readonly DrillPhase[] = [
  { name: 'warm-up', seconds: [0.5, 3] },
  { name: 'calm', seconds: [1, 4] },
]

const NAMES = [
  'endpoint-killed',
  'endpoint-hangs',
  'endpoint-fails',
  'endpoint-slow',
  'all-down',
  'latency-spike',
  'bodies-break',
  'overload',
  'isolation',
]

export const CASES: readonly Case[] = [
  ...NAMES.map((name) => {
    const found = DRILLS.find((scenario) => scenario.name === name)
    if (found === undefined) throw new Error(`no scenario ${name}`)
    return caseOf(found)
  }),
  crowded(slowClients),
]

/** The same topology, load and clients, for fixed times. */
function crowded(scenario: DrillScenario): Case {
  const phases: DrillPhase[] = [
    ...BEFORE,
    { name: 'fault', seconds: [2, 15], act: 'come' },
    { name: 'back', seconds: [2, 5], act: 'leave' },
  ]
  return {
    scenario: { ...scenario, phases },
    plan: { routes: { app: '/' }, maxPerEndpoint: undefined },
    crowd: CLIENTS,
  }
}

/** The same topology, load and fault, for fixed times. */
function caseOf(scenario: DrillScenario): Case {
  const faults = scenario.phases.flatMap((phase) => phase.faults ?? []).filter(({ fault }) => fault !== 'none')
  const mended = faults.map(({ fault: _, ...at }): FaultAt => ({ ...at, fault: 'none' }))
  const phases: DrillPhase[] = [
    ...BEFORE,
    { name: 'fault', seconds: [2, 5], faults },
    { name: 'back', seconds: [2, 5], faults: mended },
  ]
  const load = scenario.load.map(({ only, ...plan }) => (only === undefined ? plan : { ...plan, only: ['fault'] }))
  const bounded = Object.values(scenario.upstreams).some(({ threads }) => threads !== undefined)
  const names = Object.keys(scenario.upstreams)
  const routes = Object.fromEntries(names.map((name) => [name, names.length === 1 ? '/' : `/${name}`]))
  return { scenario: { ...scenario, phases, load }, plan: { routes, maxPerEndpoint: bounded ? 3 : undefined } }
}
