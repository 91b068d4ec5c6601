/**
 * Makes and closes gateways, with a request through each, and says what that left behind: `node --expose-gc embed-cycles.ts
 * WARM CYCLES WORKERS [FOLDER]`, WORKERS being `inline` or a number. With a FOLDER they have state there, the admin API,
 * exports and a plug-in. Prints JSON: before and after the cycles that count.
 */
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createGateway } from 'sluice'

const [warm = 20, cycles = 200] = process.argv.slice(2, 4).map(Number)
const workers = process.argv[4] === 'inline' ? 'inline' : Number(process.argv[4])

const folder = process.argv[5]

const upstream = createServer((_req, res) => res.end('ok'))
await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
const { port } = upstream.address() as AddressInfo

const config = {
  apiVersion: 'sluice/v1',
  listeners: { web: { listen: '127.0.0.1:0' } },
  upstreams: { orders: { endpoints: [`http://127.0.0.1:${port}`], healthCheck: { path: '/health' } } },
  routes: { all: { match: { path: '/*' }, to: 'orders', circuitBreaker: {} } },
}
const url = `http://127.0.0.1:${port}`
const full = {
  ...config,
  stateDir: folder,
  admin: { listen: '127.0.0.1:0' },
  probes: { listen: '127.0.0.1:0' },
  tracing: { otlp: { endpoint: url }, sample: '100%' },
  metrics: { otlp: { endpoint: url, every: '1s' } },
  plugins: [join(import.meta.dirname, 'embedded-feature.ts')],
}

async function cycle(): Promise<void> {
  const lines: string[] = []
  const accessLog = (line: string): void => void lines.push(line)
  const options = folder === undefined ? { config, accessLog } : { config: full, admin: true, accessLog }
  const gateway = workers === 'inline' ? await createGateway(options) : await createGateway({ ...options, workers })
  const [web] = await gateway.listen()
  const answer = await fetch(`http://127.0.0.1:${web?.port}/`, { headers: { connection: 'close' } })
  if ((await answer.text()) !== 'ok') throw new Error(`answered ${answer.status}`)
  await gateway.close()
  if (lines.length !== 1) throw new Error(`${lines.length} lines of the access log`)
}

async function seen() {
  // What was closed ends within some turns of the loop.
  await new Promise((resolve) => setTimeout(resolve, 300))
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const { arrayBuffers, external, heapUsed } = process.memoryUsage()
  return {
    heapUsed,
    outside: external + arrayBuffers,
    resources: process.getActiveResourcesInfo().sort(),
    threads: readdirSync('/proc/self/task').length,
    descriptors: readdirSync('/proc/self/fd').length,
    listeners: process.eventNames().map((name) => `${String(name)} ${process.listenerCount(name)}`),
  }
}

for (let i = 0; i < warm; i++) await cycle()
const before = await seen()
for (let i = 0; i < cycles; i++) await cycle()
const after = await seen()
console.log(JSON.stringify({ before, after }))
upstream.closeAllConnections()
upstream.close()
