import { drill, type Length, type Stage } from '../../src/drill/drill.ts'
import { Concurrency, DrillEndpoint, type Endpoint } from '../../src/drill/endpoint.ts'
import type { Run } from '../../src/drill/run.ts'
import type { DrillScenario, UpstreamPlan } from '../../src/drill/scenario.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { startSluice, TOP } from '../kit/sluice.ts'
import { EndpointProcess } from './endpoint-process.ts'

/** Config of a drill's gateway. `ports` of the endpoints, by upstream. JSON, which is YAML. */
export function configOf(scenario: DrillScenario, ports: Readonly<Record<string, readonly number[]>>): string {
  const upstreams = Object.fromEntries(
    Object.entries(scenario.upstreams).map(([name, { options }]) => [
      name,
      { endpoints: (ports[name] ?? []).map((port) => `http://127.0.0.1:${port}`), ...options },
    ]),
  )
  return `${TOP}upstreams: ${JSON.stringify(upstreams)}\nroutes: ${JSON.stringify(scenario.routes)}\n`
}

/** Runs a drill against a gateway process of its own. */
export async function playDrill(scenario: DrillScenario, length: Length): Promise<Run> {
  const endpoints: Record<string, Endpoint[]> = {}
  const concurrency: Record<string, Concurrency> = {}
  const ports: Record<string, number[]> = {}
  try {
    for (const [name, plan] of Object.entries(scenario.upstreams)) {
      const shared = new Concurrency()
      const made = await Promise.all(Array.from({ length: plan.endpoints }, () => start(scenario, plan, shared)))
      endpoints[name] = made
      concurrency[name] = shared
      ports[name] = made.map(({ port }) => port)
    }
    const sluice = await startSluice(configOf(scenario, ports))
    try {
      const scrape = async (): Promise<string> => (await sluice.probe('/metrics')).body
      const stage: Stage = { port: sluice.port(), endpoints, concurrency, scrape }
      return await drill(scenario, stage, systemClock, length)
    } finally {
      await sluice.stop()
    }
  } finally {
    await Promise.all(
      Object.values(endpoints)
        .flat()
        .map((endpoint) => endpoint.stop()),
    )
  }
}

function start({ phases }: DrillScenario, plan: UpstreamPlan, shared: Concurrency): Promise<Endpoint> {
  const killed = phases.some(({ faults }) => faults?.some(({ fault }) => fault === 'killed'))
  if (killed) return new EndpointProcess(plan.serviceMs).start()
  return new DrillEndpoint(systemClock, plan.serviceMs, shared).start()
}
