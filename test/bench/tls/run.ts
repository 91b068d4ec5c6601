/**
 * `npm run bench:tls [-- --write]`: CPU time per request of the client of workers over TLS, and of undici's, in turns in one
 * process against one server in another. `--write`: into docs/benchmarks.md.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { testAuthority } from '../../kit/tls.ts'
import { withTables } from '../docs.ts'
import { machine } from '../machine.ts'
import { median } from '../median.ts'
import { type Client, CONNECTIONS, type Load, sluiceClient, undiciClient } from './clients.ts'

const PAGE = new URL('../../../docs/benchmarks.md', import.meta.url)
const LOADS: readonly Load[] = [
  { name: 'GET, 100 bytes', body: undefined, size: 100 },
  { name: 'GET, 10 KiB', body: undefined, size: 10_240 },
  { name: 'GET, 256 KiB', body: undefined, size: 262_144 },
  { name: 'POST, 1 KiB', body: Buffer.alloc(1024, 'y'), size: 100 },
]
const PAIRS = 15
const ROUND_MS = 300
const WARM_UP_MS = 1_500

/** CPU microseconds per request, of this process, with a request at a time on each connection. */
async function round(client: Client, load: Load, ms: number): Promise<number> {
  let asked = 0
  let open = 0
  const until = performance.now() + ms
  const before = process.cpuUsage()
  await new Promise<void>((resolve) => {
    const next = (): void => {
      asked++
      open++
      client.ask(load, answered)
    }
    const answered = (bytes: number): void => {
      open--
      if (bytes !== load.size) throw new Error(`${bytes} bytes of ${load.size}`)
      // The connection is free after this event.
      if (performance.now() < until) queueMicrotask(next)
      else if (open === 0) resolve()
    }
    for (let i = 0; i < CONNECTIONS; i++) next()
  })
  const { system, user } = process.cpuUsage(before)
  return (system + user) / asked
}

async function compare(load: Load, ours: Client, theirs: Client): Promise<string> {
  await round(ours, load, WARM_UP_MS)
  await round(theirs, load, WARM_UP_MS)
  const pairs: [ours: number, theirs: number][] = []
  for (let i = 0; i < PAIRS; i++) {
    // Each goes first in every other pair.
    if (i % 2 === 0) pairs.push([await round(ours, load, ROUND_MS), await round(theirs, load, ROUND_MS)])
    else {
      const second = await round(theirs, load, ROUND_MS)
      pairs.push([await round(ours, load, ROUND_MS), second])
    }
  }
  const [us, them] = [median(pairs.map(([a]) => a)), median(pairs.map(([, b]) => b))]
  const ratios = pairs.map(([a, b]) => a / b).sort((a, b) => a - b)
  const spread = `${ratios[0]?.toFixed(2)} to ${ratios.at(-1)?.toFixed(2)}`
  return `| ${load.name} | ${us.toFixed(1)} | ${them.toFixed(1)} | ${(us / them).toFixed(2)} | ${spread} |`
}

const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-tls-'))
const authority = testAuthority()
const { cert, key } = authority.issue('shop.test')
const files = [join(folder, 'key.pem'), join(folder, 'cert.pem')] as const
await writeFile(files[0], key)
await writeFile(files[1], cert)
const before = loadavg()[0] ?? 0
const server = spawn(process.execPath, [join(import.meta.dirname, 'server.ts'), ...files], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const clients: Client[] = []
try {
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  const where = { port: Number(line.toString()), ca: authority.ca, serverName: 'shop.test' }
  const [ours, theirs] = [sluiceClient(where), undiciClient(where)]
  clients.push(ours, theirs)
  const rows: string[] = []
  for (const load of LOADS) rows.push(await compare(load, ours, theirs))
  const { version } = JSON.parse(
    await readFile(new URL('../../../node_modules/undici/package.json', import.meta.url), 'utf8'),
  ) as { version: string }
  const tables = `By \`npm run bench:tls\` on ${new Date().toISOString().slice(0, 10)}: ${machine()}. Load average before: ${before.toFixed(2)}. TLS 1.3, ${CONNECTIONS} connections with a request at a time on each; medians of ${PAIRS} rounds of ${ROUND_MS} ms, in turns. undici ${version}.

| load | Sluice, CPU µs per request | undici, CPU µs per request | ratio of the medians | ratios of pairs |
|---|---:|---:|---:|---:|
${rows.join('\n')}`
  process.stdout.write(`${tables}\n`)
  if (process.argv.includes('--write')) await writeFile(PAGE, withTables(await readFile(PAGE, 'utf8'), 'tls', tables))
} finally {
  for (const client of clients) client.close()
  server.kill()
  await rm(folder, { recursive: true, force: true })
}
