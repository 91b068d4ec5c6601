/** `npm run bench:scrape`: how long a scrape of many routes takes, and how long it holds the main thread at a stretch. */
import { cpus } from 'node:os'
import { PAGE_BYTES } from '../src/cells/pages.ts'
import { controlMetrics } from '../src/control/seeing/metrics/control-metrics.ts'
import { MetricsRegistry } from '../src/control/seeing/metrics/metrics-registry.ts'
import { FEATURES } from '../src/features/index.ts'
import { systemClock } from '../src/lib/clock.ts'

const ROUNDS = 20
const CLASSES = ['2xx', '4xx', '5xx']

/** A registry as one has it after requests of `routes` routes, each with answers of three classes. */
async function filled(routes: number): Promise<MetricsRegistry> {
  const registry = new MetricsRegistry(systemClock, FEATURES)
  const metrics = controlMetrics(registry)
  for (let route = 0; route < routes; route++) {
    for (const status of CLASSES) {
      metrics.counter('sluice_requests_total', [`route-${route}`, 'GET', `${status[0]}00`, '-']).inc(route)
      metrics.histogram('sluice_request_duration_seconds', [`route-${route}`, status]).observe(route / 1000)
    }
    // Pages come by message.
    if (route % Math.floor(PAGE_BYTES / 1024) === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  registry.add({
    sluice_requests_in_flight: function* () {
      for (let route = 0; route < routes; route++) yield { labels: [`route-${route}`], value: route }
    },
  })
  return registry
}

/** CPU milliseconds of this thread: what else the machine does has no part in it. */
function cpuMs(): number {
  const { system, user } = process.threadCpuUsage()
  return (system + user) / 1000
}

/** CPU milliseconds between two turns of the event loop, at most, while `work` runs. */
async function longestHold(work: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let at = cpuMs()
  let running = true
  const turn = (): void => {
    const now = cpuMs()
    longest = Math.max(longest, now - at)
    at = now
    if (running) setImmediate(turn)
  }
  setImmediate(turn)
  await work()
  running = false
  return Math.max(longest, cpuMs() - at)
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number

// The clock's timers don't keep a process alive.
setInterval(() => {}, 1000)
process.stdout.write(`${cpus()[0]?.model}, Node ${process.version}; medians of ${ROUNDS} scrapes, and the worst\n\n`)
process.stdout.write(
  '| routes | form | MiB | CPU ms a scrape | longest hold, CPU ms | worst of all |\n|---:|---|---:|---:|---:|---:|\n',
)
for (const routes of [10, 100, 1_000, 5_000]) {
  const registry = await filled(routes)
  for (const form of ['text', 'openmetrics'] as const) {
    await registry.expose(form)
    const times: number[] = []
    const holds: number[] = []
    let bytes = 0
    for (let i = 0; i < ROUNDS; i++) {
      const begun = cpuMs()
      holds.push(
        await longestHold(async () => {
          bytes = (await registry.expose(form)).body.length
        }),
      )
      times.push(cpuMs() - begun)
    }
    const cells = [routes, form, (bytes / 1_048_576).toFixed(1), median(times).toFixed(0), median(holds).toFixed(1)]
    process.stdout.write(`| ${cells.join(' | ')} | ${Math.max(...holds).toFixed(1)} |\n`)
  }
}
process.exit()
