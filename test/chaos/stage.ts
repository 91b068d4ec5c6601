import { systemClock } from '../../src/lib/clock.ts'
import { type DrillStage, type Length, runDrill } from '../../src/tools/drill/drill.ts'
import { Concurrency, DrillEndpoint, type FaultyEndpoint } from '../../src/tools/drill/endpoint.ts'
import { Metrics } from '../../src/tools/drill/metrics.ts'
import type { DrillRun } from '../../src/tools/drill/run.ts'
import type { DrillScenario, UpstreamPlan } from '../../src/tools/drill/scenario.ts'
import { startSluice, TOP } from '../kit/sluice.ts'
import { EndpointProcess } from './endpoint-process.ts'

/** What every gateway begins with. In the test suite a machine that has too much to do is no fault of any scenario. */
export function top(length: Length): string {
  return length === 'short' ? `${TOP}overload: { mode: shadow }\n` : TOP
}

/** Config of a drill's gateway. JSON, which is YAML. */
export function configOf(scenario: DrillScenario, endpoints: DrillStage['endpoints'], length: Length): string {
  const upstreams = Object.fromEntries(
    Object.entries(scenario.upstreams).map(([name, { options }]) => [
      name,
      { endpoints: (endpoints[name] ?? []).map(({ port }) => `http://127.0.0.1:${port}`), ...options },
    ]),
  )
  return `${top(length)}upstreams: ${JSON.stringify(upstreams)}\nroutes: ${JSON.stringify(scenario.routes)}\n`
}

/** What the load is divided by in the test suite. */
const SHORT_LOAD = 3

/**
 * The test suite judges no times and runs beside whatever else a machine does: with a load that a tenth of a core can carry
 * no request fails because the gateway, the endpoints or the load itself had to wait for a core.
 */
export function atLength(scenario: DrillScenario, length: Length, share = SHORT_LOAD): DrillScenario {
  if (length === 'full') return scenario
  // A surge must stay above what the upstream can take.
  const load = scenario.load.map((plan) => (plan.only === undefined ? { ...plan, rate: plan.rate / share } : plan))
  return { ...scenario, load }
}

/** Runs a drill against a gateway process of its own. */
export function playDrill(scenario: DrillScenario, length: Length): Promise<DrillRun> {
  return withEndpoints(scenario, async (endpoints, concurrency) => {
    const sluice = await startSluice(configOf(scenario, endpoints, length))
    try {
      const scrape = async (): Promise<Metrics> => new Metrics((await sluice.probe('/metrics')).body)
      const stage = { port: sluice.port(), endpoints, concurrency, scrape }
      return await runDrill(atLength(scenario, length), stage, systemClock, length)
    } finally {
      await sluice.stop()
    }
  })
}

/** Starts the endpoints of a scenario, and ends them whatever happens. */
export async function withEndpoints<T>(
  scenario: DrillScenario,
  play: (endpoints: DrillStage['endpoints'], concurrency: DrillStage['concurrency']) => Promise<T>,
): Promise<T> {
  const endpoints: Record<string, FaultyEndpoint[]> = {}
  const concurrency: Record<string, Concurrency> = {}
  try {
    for (const [name, plan] of Object.entries(scenario.upstreams)) {
      const shared = new Concurrency()
      concurrency[name] = shared
      endpoints[name] = await Promise.all(Array.from({ length: plan.endpoints }, () => start(scenario, plan, shared)))
    }
    return await play(endpoints, concurrency)
  } finally {
    for (const endpoint of Object.values(endpoints).flat()) await endpoint.stop()
  }
}

function start({ phases }: DrillScenario, plan: UpstreamPlan, shared: Concurrency): Promise<FaultyEndpoint> {
  const killed = phases.some(({ faults }) => faults?.some(({ fault }) => fault === 'killed'))
  if (killed) return new EndpointProcess(plan.serviceMs).start()
  return new DrillEndpoint(systemClock, plan, shared).start()
}
