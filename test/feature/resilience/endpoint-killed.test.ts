import { afterEach, expect, test } from 'vitest'
import { Load } from '../../kit/load.ts'
import { type ServerProcess, serverProcess } from '../../kit/server-process.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'

let sluice: Sluice | undefined
const servers: ServerProcess[] = []

afterEach(async () => {
  await sluice?.stop()
  for (const server of servers.splice(0)) await server.kill()
})

test.each(['round-robin', 'least-request'])(
  'one of three endpoints is killed under load of idempotent requests: no client sees it; it is used again when it is back (%s)',
  async (algorithm) => {
    for (let i = 0; i < 3; i++) servers.push(await serverProcess())
    const [first, victim, third] = servers as [ServerProcess, ServerProcess, ServerProcess]
    sluice = await startSluice(`${TOP}
upstreams:
  app:
    loadBalancing: { algorithm: ${algorithm} }
    outlierDetection: { baseEjection: 1s }
    endpoints: [${servers.map(({ port }) => `"http://127.0.0.1:${port}"`).join(', ')}]
routes:
  app: { match: { path: /* }, to: app }
`)
    const load = new Load({ port: sluice.port(), path: '/', parallel: 24 })
    await load.more(500)
    await victim.kill()
    await load.more(1500)
    const { port } = victim
    servers[1] = await serverProcess(port)
    const back = servers[1]
    await until(async () => (await back.served()) > 50, 'requests at the endpoint that came back')
    await load.more(500)
    await load.stop()
    // A head that had been relayed when its endpoint died can only be broken.
    expect(load.broken.filter(({ where }) => where === 'head')).toEqual([])
    expect([...load.statuses.keys()], load.summary).toEqual([200])
    expect(await first.served()).toBeGreaterThan(0)
    expect(await third.served()).toBeGreaterThan(0)
    await sluice.shows(
      'sluice_requests_in_flight{route="app"} 0',
      /sluice_retries_total\{route="app",reason="(connect_refused|upstream_reset)"\} [1-9]/,
    )
  },
)
