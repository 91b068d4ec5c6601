import { spawnSync } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'

/**
 * How long `sluice replay --against` takes for a log of a million lines (or as many as the first argument says): 200 routes,
 * a quarter of them with a header or query condition, 300,000 different paths.
 */
const LINES = Number(process.argv[2] ?? 1_000_000)
const ROUTES = 200
const BATCH = 10_000
const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url))

function config(request: string): string {
  const routes = Array.from({ length: ROUTES }, (_, i) => {
    const conditions = ['', ', headers: { x-v: "1" }', ', query: { v: "1" }', ''][i % 4] as string
    return `  r${i}: { match: { host: api.example.com, path: /s${i}/*${conditions} }, to: u, timeouts: { request: ${request} } }`
  })
  return `apiVersion: sluice/v1
listeners: { web: { listen: "127.0.0.1:8080" } }
upstreams: { u: { endpoints: ["http://10.0.0.1:8080"] } }
routes:
${routes.join('\n')}
  rest: { match: { path: /* }, to: u }
`
}

function line(i: number): string {
  const route = i % ROUTES
  const told = route % 4 === 1 ? '"matched_headers":{"x-v":"1"},' : ''
  const query = route % 4 === 2 ? '?v=1&page=***' : '?page=***'
  const id = String(i).padStart(12, '0')
  return `{"time":"2026-11-26T08:00:00.000Z","request_id":"0190aaaa-0000-7000-8000-${id}","correlation_id":"0190aaaa-0000-7000-8000-${id}","trace_id":"0af7651916cd43dd8448eb211c80319c","gateway":"edge","generation":1,"listener":"web","protocol":"HTTP/1.1","client":"198.51.100.7","peer":"10.0.0.9","host":"api.example.com","method":"GET","path":"/s${route}/orders/${i % 300_000}","query":"${query}",${told}"route":"r${route}","upstream":"u","endpoint":"http://10.0.0.1:8080","status":200,"upstream_status":200,"attempts":1,"queue_ms":0,"upstream_ms":1.2,"ttfb_ms":1.3,"duration_ms":1.4,"bytes_in":0,"bytes_out":512}\n`
}

const folder = await mkdtemp(join(tmpdir(), 'sluice-replay-'))
try {
  const log = join(folder, 'access.log')
  const out = createWriteStream(log)
  for (let from = 0; from < LINES; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, LINES - from) }, (_, i) => line(from + i))
    if (!out.write(batch.join(''))) await new Promise((resolve) => out.once('drain', resolve))
  }
  out.end()
  await finished(out)
  await writeFile(join(folder, 'old.yaml'), config('5s'))
  await writeFile(join(folder, 'new.yaml'), config('6s').replace('/s7/*', '/s7/x/*'))
  const args = [CLI, 'replay', join(folder, 'new.yaml'), log, '--against', join(folder, 'old.yaml')]
  const start = performance.now()
  const { status, stdout } = spawnSync(process.execPath, ['--max-old-space-size=256', ...args], { encoding: 'utf8' })
  const seconds = (performance.now() - start) / 1000
  process.stdout.write(`${stdout.split('\n').slice(0, 8).join('\n')}\n`)
  const megabytes = Math.round((await stat(log)).size / 1_000_000)
  process.stdout.write(
    `${LINES} lines, ${megabytes} MB, exit code ${status}: ${seconds.toFixed(1)} s, heap of at most 256 MB\n`,
  )
} finally {
  await rm(folder, { recursive: true, force: true })
}
