import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../config/language/config.ts'
import type { Language } from '../config/language/language.ts'
import { workerEntry } from '../control/entry.ts'
import { Gateway } from '../control/gateway.ts'
import { thisMachine } from '../control/machine/machine.ts'
import { version } from '../control/version.ts'
import { inThreads } from '../control/workers/thread.ts'
import type { EndpointConfig, UpstreamConfig } from '../core/config.ts'
import type { AnyFeature } from '../core/feature.ts'
import type { Clock } from '../lib/clock.ts'
import { createLog } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { runDrill } from '../tools/drill/drill.ts'
import { Concurrency, DrillEndpoint } from '../tools/drill/endpoint.ts'
import { recoveryMs } from '../tools/drill/facts.ts'
import { Metrics } from '../tools/drill/metrics.ts'
import type { DrillRun } from '../tools/drill/run.ts'
import type { DrillScenario } from '../tools/drill/scenario.ts'
import type { DrillTarget } from '../tools/drill/target.ts'

const HOST = '127.0.0.1'
const NO_TLS = { ca: undefined, cert: undefined, key: undefined, serverName: undefined, verify: false }
/** The name of the upstream and the route under drill in scenarios. */
const ALIAS = 'app'
const MOST_ENDPOINTS = 12

/**
 * Runs a scenario against a gateway of its own with the config of a user, whose endpoints are simulated on loopback. Rejects
 * when the request reaches another route.
 */
export async function drillConfig(
  config: Config,
  { features }: Pick<Language, 'features'>,
  target: DrillTarget,
  scenario: DrillScenario,
  clock: Clock,
): Promise<DrillRun> {
  const concurrency = new Concurrency()
  const serviceMs = scenario.upstreams[ALIAS]?.serviceMs ?? 0
  const folder = await mkdtemp(join(tmpdir(), 'sluice-drill-'))
  const endpoints: DrillEndpoint[] = []
  try {
    for (const _ of endpointsOf(config, target.upstream)) {
      endpoints.push(await new DrillEndpoint(clock, { serviceMs }, concurrency).start())
    }
    const gateway = gatewayOf(simulated(config, features, target.upstream, endpoints, folder), features, clock, folder)
    const { listeners, probes } = await gateway.start()
    try {
      const load = scenario.load.map((plan) => ({ ...plan, path: target.path }))
      const stage = {
        port: listeners[0]?.port as number,
        endpoints: { [ALIAS]: endpoints },
        concurrency: { [ALIAS]: concurrency },
        headers: target.headers,
        untilMs: recoveryMs(target.facts),
        scrape: () => scrape(probes?.port as number, target),
      }
      const run = await runDrill({ ...scenario, load }, stage, clock, 'short')
      if (run.end.sum('sluice_requests_total', { route: ALIAS }) > 0) return run
      throw new Error(`GET ${target.path} reaches another route than ${target.route}`)
    } finally {
      await gateway.drain('sigint')
    }
  } finally {
    for (const endpoint of endpoints) await endpoint.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function scrape(port: number, { route, upstream }: DrillTarget): Promise<Metrics> {
  const text = await (await fetch(`http://${HOST}:${port}/metrics`)).text()
  return new Metrics(text, (label, value) => {
    if (label !== 'route' && label !== 'upstream') return value
    return value === (label === 'route' ? route : upstream) ? ALIAS : `other ${value}`
  })
}

/** The same config on loopback: other addresses, and no connection to other machines. */
function simulated(
  config: Config,
  features: readonly AnyFeature[],
  drilled: string,
  endpoints: readonly DrillEndpoint[],
  stateDir: string,
): Config {
  const any = { host: HOST, port: 0 }
  const upstreams = config.lean.upstreams.map((upstream): UpstreamConfig => {
    const ports = upstream.name === drilled ? endpoints.map(({ port }) => port) : []
    const kept = endpointsOf(config, upstream.name)
    return {
      ...upstream,
      tls: NO_TLS,
      features: fitting(upstream.features, features),
      // A client that gets no drill has no endpoint behind it.
      endpoints: kept.map((endpoint, i): EndpointConfig => {
        return { ...endpoint, scheme: 'http', host: HOST, port: ports[i] ?? 1 }
      }),
    }
  })
  const listeners = config.lean.listeners.slice(0, 1).map((listener) => ({ ...listener, ...any }))
  return {
    ...config,
    lean: { ...config.lean, upstreams, listeners },
    admin: { ...config.admin, ...any, tokens: undefined },
    probes: any,
    drain: { delay: 0, timeout: 2_000 },
    stateDir,
  }
}

/** As many of its endpoints as a drill can keep busy; the first tier first. */
function endpointsOf(config: Config, name: string): EndpointConfig[] {
  const endpoints = config.lean.upstreams.find((upstream) => upstream.name === name)?.endpoints ?? []
  return endpoints.toSorted((a, b) => a.tier - b.tier).slice(0, MOST_ENDPOINTS)
}

/** Without those that would have an endpoint of a drill for a broken one. */
function fitting(options: UpstreamConfig['features'], features: readonly AnyFeature[]): UpstreamConfig['features'] {
  const odd = new Set(
    features
      .filter(({ fitsDrill, name }) => Object.hasOwn(options, name) && fitsDrill?.(options[name]) === false)
      .map(({ name }) => name),
  )
  return Object.fromEntries(Object.entries(options).filter(([name]) => !odd.has(name)))
}

function gatewayOf(config: Config, features: readonly AnyFeature[], clock: Clock, home: string): Gateway {
  return new Gateway(config, {
    version: version(),
    features,
    plugins: [],
    clock,
    random: systemRandom(),
    log: createLog(() => {}, clock),
    notice: () => {},
    env: {},
    home,
    machine: thisMachine(),
    startWorker: inThreads(workerEntry()),
    startLogs: () => ({ stop: async () => {} }),
    operations: [],
    reload: undefined,
    testHooks: false,
  })
}
