import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endChild } from '../../kit/end-child.ts'
import { memoryOf } from '../../kit/memory.ts'
import { machine } from '../machine.ts'

/** V8 has given back by then what the start left. */
const SETTLED_MS = 90_000
const START_MS = 60_000
const CONNECTIONS = 5_000
const BATCH = 250
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

interface Gateway {
  readonly child: ChildProcess
  readonly pid: number
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
  try {
    for (;;) {
      text += String((await once(child.stderr, 'data', { signal: late }))[0])
      const port = /"ready".*"web":(\d+)/.exec(text)?.[1]
      if (port !== undefined) return { child, pid: child.pid as number, port: Number(port) }
    }
  } catch (error) {
    await endChild(child)
    throw new Error(`no start line within ${START_MS} ms: ${text}`, { cause: error })
  }
}

async function ask(socket: Socket): Promise<void> {
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
}

/** KiB of an idle connection that has asked once. */
async function connection({ pid, port }: Gateway): Promise<number> {
  const sockets: Socket[] = []
  try {
    const before = (await memoryOf(pid)).rss
    while (sockets.length < CONNECTIONS) {
      const batch = Array.from({ length: BATCH }, () => connect(port, '127.0.0.1'))
      sockets.push(...batch)
      await Promise.all(batch.map((socket) => once(socket, 'connect')))
      await Promise.all(batch.map(ask))
    }
    return ((await memoryOf(pid)).rss - before) / CONNECTIONS / 1024
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0)
}

async function measure(name: string, cli: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-idle-'))
  let gateway: Gateway | undefined
  try {
    if (cli.endsWith('.ts')) {
      // Fills the cache of compiled sources, which is written at its end.
      gateway = await start(cli, folder)
      await endChild(gateway.child)
    }
    gateway = await start(cli, folder)
    await sleep(SETTLED_MS)
    const { rss, pss } = await memoryOf(gateway.pid)
    const each = await connection(gateway)
    return `| ${name} | ${mib(rss)} | ${mib(pss)} | ${each.toFixed(1)} |`
  } finally {
    if (gateway !== undefined) await endChild(gateway.child)
    await rm(folder, { recursive: true, force: true })
  }
}

const rows = [await measure('built package', 'dist/cli.js'), await measure('from source', 'src/cli.ts')]
process.stdout.write(`${machine()}

| | RSS, MiB | PSS, MiB | idle connection, KiB |
|---|---|---|---|
${rows.join('\n')}
`)
