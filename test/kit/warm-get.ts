/**
 * Tells which files of `src/` a GET runs a function of, in a gateway with its worker in this thread and with all defaults:
 * `node --conditions=sluice-source warm-get.ts`. Connections, routes and series are there already, and what happens less
 * than once per request is left out. Prints a JSON list of paths below `src/`, sorted.
 */
import { Agent, createServer, request } from 'node:http'
import { type Profiler, Session } from 'node:inspector/promises'
import { createGateway } from 'sluice'
import { embeddedConfig, opened } from './embedded.ts'

const WARM = 200
/** More than timers and batches count up to meanwhile. */
const COUNTED = 50
const SRC = new URL('../../src/', import.meta.url).href

const upstream = createServer((_request, response) => response.end('ok'))
const gateway = await createGateway({ config: embeddedConfig(await opened(upstream)), accessLog: () => {} })
const [web] = await gateway.listen()
const agent = new Agent({ keepAlive: true, maxSockets: 1 })

function get(): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({ agent, host: '127.0.0.1', path: '/orders', port: web?.port }, (answer) => {
      answer.resume().on('end', resolve)
      if (answer.statusCode !== 200) reject(new Error(`answered ${answer.statusCode}`))
    })
    asked.on('error', reject).end()
  })
}

async function gets(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await get()
}

await gets(WARM)
const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
await gets(1)
await session.post('Profiler.takePreciseCoverage')
await gets(COUNTED)
const { result } = await session.post('Profiler.takePreciseCoverage')
session.disconnect()

console.log(
  JSON.stringify(
    result
      .filter(crossed)
      .map(({ url }) => url.slice(SRC.length))
      .toSorted(),
  ),
)

agent.destroy()
await gateway.close()
upstream.close()

function crossed({ functions, url }: Profiler.ScriptCoverage): boolean {
  return url.startsWith(SRC) && functions.some(({ ranges }) => (ranges[0]?.count ?? 0) >= COUNTED)
}
