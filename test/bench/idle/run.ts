import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { machine } from '../machine.ts'

/** V8 has given back by then what the start left. */
const SETTLED_MS = 90_000
const START_MS = 60_000
const CONNECTIONS = 5_000
const BATCH = 250
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

interface Gateway {
  readonly process: ChildProcess
  readonly port: number
}

async function start(cli: string, folder: string): Promise<Gateway> {
  const file = join(folder, 'sluice.yaml')
  await writeFile(
    file,
    `apiVersion: sluice/v1
gateway: { name: idle }
drain: { delay: 0s, timeout: 1s }
workers: 1
listeners: { web: { listen: "127.0.0.1:0", timeouts: { keepAlive: 10m } } }
admin: { listen: "127.0.0.1:0" }
stateDir: ${JSON.stringify(join(folder, 'state'))}
upstreams: { app: { endpoints: ["http://127.0.0.1:9"] } }
routes: { all: { match: { path: /* }, respond: { status: 200, body: ok } } }
`,
  )
  const env = { ...process.env, NODE_ENV: 'production', NODE_COMPILE_CACHE: '' }
  if (cli.endsWith('.ts')) env.NODE_COMPILE_CACHE = join(ROOT, 'node_modules/.cache/sluice')
  const child = spawn(process.execPath, [join(ROOT, cli), 'run', file], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const late = AbortSignal.timeout(START_MS)
  let text = ''
  for (;;) {
    text += String((await once(child.stderr as NonNullable<typeof child.stderr>, 'data', { signal: late }))[0])
    const port = /"ready".*"web":(\d+)/.exec(text)?.[1]
    if (port !== undefined) return { process: child, port: Number(port) }
  }
}

/** MiB. */
async function memory({ process: { pid } }: Gateway): Promise<{ rss: number; pss: number }> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
  const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) / 1024
  return { rss: of('Rss'), pss: of('Pss') }
}

async function ask(socket: Socket): Promise<void> {
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
}

/** KiB of an idle connection that has asked once. */
async function connection(gateway: Gateway): Promise<number> {
  const sockets: Socket[] = []
  try {
    const before = (await memory(gateway)).rss
    while (sockets.length < CONNECTIONS) {
      const batch = Array.from({ length: BATCH }, () => connect(gateway.port, '127.0.0.1'))
      sockets.push(...batch)
      await Promise.all(batch.map((socket) => once(socket, 'connect')))
      await Promise.all(batch.map(ask))
    }
    return (((await memory(gateway)).rss - before) / CONNECTIONS) * 1024
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

async function measure(name: string, cli: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-idle-'))
  // The first start fills the cache of compiled sources.
  if (cli.endsWith('.ts')) await end(await start(cli, folder))
  const gateway = await start(cli, folder)
  try {
    await sleep(SETTLED_MS)
    const { rss, pss } = await memory(gateway)
    const each = await connection(gateway)
    return `| ${name} | ${rss.toFixed(0)} | ${pss.toFixed(0)} | ${each.toFixed(1)} |`
  } finally {
    await end(gateway)
    await rm(folder, { recursive: true, force: true })
  }
}

async function end({ process: child }: Gateway): Promise<void> {
  const ended = once(child, 'exit')
  // Not killed: the cache is written at its end.
  child.kill('SIGTERM')
  await ended
}

const rows = [await measure('built package', 'dist/cli.js'), await measure('from source', 'src/cli.ts')]
process.stdout.write(`${machine()}

| | RSS, MiB | PSS, MiB | idle connection, KiB |
|---|---|---|---|
${rows.join('\n')}
`)
