import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endChild } from '../../kit/end-child.ts'
import { rss } from '../../kit/memory.ts'
import { ONE_WORKER, startSluice } from '../../kit/sluice.ts'
import { machine } from '../machine.ts'

/**
 * What an idle WebSocket costs the gateway, in memory: `node test/bench/websocket/idle.ts [COUNT]`. Each takes two file descriptors of
 * the gateway; clients and upstream are processes of their own.
 */

const COUNT = Number(process.argv[2] ?? 9_000)
const ENTRY = fileURLToPath(new URL('./sockets.ts', import.meta.url))
/** What opening left is collected by then. */
const SETTLED_MS = 20_000

const children: ChildProcess[] = []

function start(role: 'server' | 'client'): ChildProcess {
  const child = fork(ENTRY, [role], { execPath: process.execPath, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  children.push(child)
  return child
}

/** What a child says next; it fails with the child. */
async function said(child: ChildProcess): Promise<number> {
  const ended = once(child, 'exit').then(() => {
    throw new Error('a process of the bench ended')
  })
  ended.catch(() => {})
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [number]
  return message
}

async function measure(): Promise<string> {
  const server = start('server')
  const upstream = await said(server)
  const sluice = await startSluice(`${ONE_WORKER}
overload: off
upstreams:
  app: { endpoints: ["http://127.0.0.1:${upstream}"], connections: { max: ${COUNT + 100} } }
routes:
  idle: { match: { path: /idle }, to: app, streams: { max: ${COUNT + 100} }, websocket: { ping: 60s }, bulkhead: off }
`)
  try {
    const client = start('client')
    client.send({ port: sluice.port(), count: 200 })
    await said(client)
    await sleep(SETTLED_MS / 4)
    const before = await rss(sluice.pid)
    const opening = performance.now()
    client.send({ port: sluice.port(), count: COUNT - 200 })
    await said(client)
    const took = performance.now() - opening
    await sleep(SETTLED_MS)
    const after = await rss(sluice.pid)
    server.send('open')
    const open = await said(server)
    if (open !== COUNT) throw new Error(`${open} of ${COUNT} WebSockets are open`)
    const each = (after - before) / (COUNT - 200)
    return `${machine()}

${open} idle WebSockets are open, with Pings every 60 s; ${((COUNT - 200) / (took / 1000)).toFixed(0)} were opened per second.
Resident memory per WebSocket: ${each.toFixed(0)} bytes (${(each / 1024).toFixed(1)} KiB).
`
  } finally {
    await Promise.all(children.map(endChild))
    await sluice.stop()
  }
}

process.stdout.write(await measure())
