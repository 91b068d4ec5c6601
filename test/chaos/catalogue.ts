import type { Length } from '../../src/tools/drill/drill.ts'
import type { DrillScenario, Scenario } from '../../src/tools/drill/scenario.ts'
import { type DrillVerdict, judge } from '../../src/tools/drill/verdict.ts'
import { DRILLS } from '../../src/tools/scenarios/index.ts'
import { clientsVanish, playClientsVanish } from './scenarios/clients-vanish.ts'
import { connectionFaults, playConnectionFaults } from './scenarios/connection-faults.ts'
import { dnsChanges, playDnsChanges } from './scenarios/dns-changes.ts'
import { playSlowClients, slowClients } from './scenarios/slow-clients.ts'
import { playWorkerEnds, workerEnds } from './scenarios/worker-ends.ts'
import { playDrill } from './stage.ts'

/** A scenario that can be run against a real gateway process. */
export interface Chaos {
  readonly about: Scenario<never>
  readonly drill?: DrillScenario
  /** Runs it, `runs` times, and judges what was seen. */
  run(length: Length, runs: number): Promise<DrillVerdict[]>
}

function chaos<S>(about: Scenario<S>, play: (length: Length) => Promise<S>): Chaos {
  return {
    about: about as Scenario<never>,
    async run(length, runs) {
      const seen: S[] = []
      for (let i = 0; i < runs; i++) seen.push(await play(length))
      return judge(about, seen)
    },
  }
}

/** Every scenario, in the order of docs/failure-modes.md. */
export const CATALOGUE: readonly Chaos[] = [
  ...DRILLS.map((drill) => ({ ...chaos(drill, (length) => playDrill(drill, length)), drill })),
  chaos(dnsChanges, playDnsChanges),
  chaos(clientsVanish, playClientsVanish),
  { ...chaos(slowClients, playSlowClients), drill: slowClients },
  chaos(connectionFaults, playConnectionFaults),
  { ...chaos(workerEnds, playWorkerEnds), drill: workerEnds },
]
