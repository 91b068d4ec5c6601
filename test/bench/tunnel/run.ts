/**
 * `npm run bench:tunnel [-- --write]`: what a round trip of 64 bytes over a WebSocket costs the gateway in CPU time, beside nginx and
 * a bare tunnel of Node in the same run. Gateways run on core 0, clients and backend on core 1. `--write`: into docs/benchmarks.md.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startPinned } from '../child.ts'
import type { Launch, Site } from '../contract.ts'
import { withTables } from '../docs.ts'
import { machine, requireTools } from '../machine.ts'
import { median } from '../median.ts'
import { nginxShell } from '../nginx.ts'
import { script } from '../peers/script.ts'
import { sluicePeer } from '../peers/sluice.ts'
import { answering, freePort } from '../ports.ts'
import { cpuMicros, family } from '../processes.ts'
import { echoing, Load } from './ends.ts'

const PAGE = new URL('../../../docs/benchmarks.md', import.meta.url)
const CONNECTIONS = 32
const ROUNDS = 15
const ROUND_MS = 1_000
const WARM_UP_MS = 3_000
const AT_MOST = 1.9

const nginx = ({ folder, port, backendPort }: Site): Promise<Launch> =>
  nginxShell(
    folder,
    `server {
      listen 127.0.0.1:${port};
      location / {
        proxy_pass http://127.0.0.1:${backendPort};
        proxy_http_version 1.1;
        proxy_set_header Connection Upgrade;
        proxy_set_header Upgrade $http_upgrade;
      }
    }`,
  )

const PEERS: Readonly<Record<string, (site: Site) => Promise<Launch>>> = {
  nginx,
  'bare Node tunnel': (site) => script('bare', 'tunnel/bare.ts', '', { of: '.' }).launch(site),
  sluice: (site) => sluicePeer({ name: 'sluice', about: '' }).launch(site),
  'sluice, websocket: off': (site) => sluicePeer({ name: 'plain', about: '', route: ['websocket: off'] }).launch(site),
}

interface Running {
  readonly name: string
  readonly child: Child
  readonly load: Load
  readonly costs: number[]
}

await requireTools()
const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
const backend = await echoing()
const backendPort = (backend.address() as AddressInfo).port
const load = loadavg()[0]?.toFixed(2)
const running: Running[] = []
try {
  for (const [name, launch] of Object.entries(PEERS)) {
    const port = await freePort()
    const site = { folder: join(folder, String(running.length)), port, backendPort }
    const child = await startPinned(0, await launch(site))
    const one: Running = { name, child, load: new Load(), costs: [] }
    running.push(one)
    await answering(child, port, AbortSignal.timeout(60_000))
    await one.load.open(port, CONNECTIONS)
    await one.load.run(WARM_UP_MS)
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { child, costs, load: clients } of running) {
      const pids = family(child.pid)
      const before = cpuMicros(pids)
      const trips = await clients.run(ROUND_MS)
      costs.push((cpuMicros(pids) - before) / trips)
    }
  }
} finally {
  for (const { child, load: clients } of running) {
    clients.close()
    await child.stop()
  }
  backend.closeAllConnections()
  backend.close()
  await rm(folder, { recursive: true, force: true })
}

const [reference] = running as [Running]
const ratio = (one: Running): number => median(one.costs.map((cost, i) => cost / (reference.costs[i] as number)))
const rows = running.map((one) => `| ${one.name} | ${median(one.costs).toFixed(1)} | ${ratio(one).toFixed(2)} |`)
const tables = `By \`npm run bench:tunnel\` on ${new Date().toISOString().slice(0, 10)}: ${machine()}. Load average before: ${load}.
${CONNECTIONS} WebSockets per gateway, one message of 64 bytes on its way on each; ${ROUNDS} rounds of ${ROUND_MS / 1000} s, in turn; medians. The aim is
${AT_MOST} times the CPU time of nginx.

| gateway | CPU µs per round trip | times nginx |
|---|---:|---:|
${rows.join('\n')}`
process.stdout.write(`${tables}\n`)
if (process.argv.includes('--write')) await writeFile(PAGE, withTables(await readFile(PAGE, 'utf8'), 'tunnel', tables))
