import { systemClock } from '../../../src/lib/clock.ts'
import { type Length, runDrill } from '../../../src/tools/drill/drill.ts'
import { Concurrency, DrillEndpoint } from '../../../src/tools/drill/endpoint.ts'
import { Metrics } from '../../../src/tools/drill/metrics.ts'
import type { DrillRun } from '../../../src/tools/drill/run.ts'
import { atLeast, type DrillScenario, exactly } from '../../../src/tools/drill/scenario.ts'
import { NOTHING_HELD } from '../../../src/tools/scenarios/expectations.ts'
import { dnsServer } from '../../kit/dns.ts'
import { startSluice } from '../../kit/sluice.ts'
import { atLength, top } from '../stage.ts'

const NAME = 'app.test'
const SERVICE_MS = 5
const OLD = ['127.0.0.2', '127.0.0.3']
const NEW = ['127.0.0.4', '127.0.0.5']

export const dnsChanges: DrillScenario = {
  name: 'dns-changes',
  title: 'A name changes all of its addresses',
  topology:
    'One route, one upstream whose one endpoint is a name with two addresses, 200 idempotent requests per second.',
  fault: 'The name server answers with two other addresses. Once these are in use, the former ones no longer listen.',
  recovery: 'None is needed: the name is asked for every 10 s; requests on the former addresses run to their end.',
  upstreams: {
    old: { endpoints: OLD.length, serviceMs: SERVICE_MS },
    new: { endpoints: NEW.length, serviceMs: SERVICE_MS },
  },
  routes: { app: { match: { path: '/*' }, to: 'app' } },
  load: [{ name: 'app', path: '/', rate: 200 }],
  phases: [
    { name: 'calm', seconds: [1, 5] },
    {
      name: 'changed',
      seconds: [0, 15],
      act: 'change',
      until: ({ received }) => received('new', 0) >= 50 && received('new', 1) >= 50,
    },
    { name: 'gone', seconds: [1, 5], faults: [{ upstream: 'old', fault: 'down' }] },
  ],
  misfit: () => 'it needs a name server',
  expected: [
    exactly('requests that failed', 0, '', (run) => run.failed().length),
    atLeast('requests to each new address', 50, '', (run) => {
      return Math.min(run.received('changed', 'new', 0), run.received('changed', 'new', 1))
    }),
    exactly('attempts that failed', 0, '', (run) => run.attempts('gone') - okOf(run)),
    NOTHING_HELD,
  ],
}

function okOf(run: DrillRun): number {
  return run.grown('gone', 'sluice_attempts_total', { outcome: 'ok' })
}

export async function playDnsChanges(length: Length): Promise<DrillRun> {
  const names = await dnsServer()
  names.zones.set(NAME, { a: OLD })
  const concurrency = new Concurrency()
  const made: DrillEndpoint[] = []
  try {
    for (const address of [...OLD, ...NEW]) {
      const port = made[0]?.port ?? 0
      made.push(await new DrillEndpoint(systemClock, { serviceMs: SERVICE_MS }, concurrency, port, address).start())
    }
    const sluice =
      await startSluice(`${top(length)}dns: { servers: ["${names.address}"], every: ${length === 'short' ? '1s' : '10s'} }
upstreams: { app: { endpoints: ["http://${NAME}:${made[0]?.port}"] } }
routes: ${JSON.stringify(dnsChanges.routes)}
`)
    try {
      const stage = {
        port: sluice.port(),
        endpoints: { old: made.slice(0, OLD.length), new: made.slice(OLD.length) },
        concurrency: {},
        scrape: async () => new Metrics((await sluice.probe('/metrics')).body),
        acts: { change: () => void names.zones.set(NAME, { a: NEW }) },
      }
      return await runDrill(atLength(dnsChanges, length), stage, systemClock, length)
    } finally {
      await sluice.stop()
    }
  } finally {
    for (const endpoint of made) await endpoint.stop()
    await names.close()
  }
}
