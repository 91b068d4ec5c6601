import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { collect } from '../../../src/lib/scavenge.ts'
import type { HttpClient } from '../../kit/client.ts'
import { echo, gate, type Handled, HTTP1 } from '../../kit/ingress.ts'
import { rss } from '../../kit/memory.ts'
import { startSluice, TOP } from '../../kit/sluice.ts'
import { settle } from '../../kit/until.ts'
import { testUpstream } from '../../kit/upstream.ts'

const CONNECTIONS = 10_000
const BATCH = 250
const REQUEST = 'GET /small HTTP/1.1\r\nHost: a\r\n\r\n'

const SMALL = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx'
const LENGTH = 40_960
const TRAILER = `X-Trailer: ${'y'.repeat(12_000)}\r\n`
const CHUNKED = Buffer.from(
  `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${LENGTH.toString(16)}\r\n${'x'.repeat(LENGTH)}\r\n0\r\n${TRAILER}\r\n`,
)

/** Each process needs a descriptor a connection. */
function tooFewDescriptors(): boolean {
  const limit = spawnSync('sh', ['-c', 'ulimit -n']).stdout.toString().trim()
  if (limit === 'unlimited' || Number(limit) >= CONNECTIONS + 1000 || process.env.CI === 'true') return false
  process.stdout.write(`skipped: ${CONNECTIONS} connections need more than ${limit} descriptors (ulimit -n)\n`)
  return true
}

/** What this process uses once nothing is under way. */
async function memory(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < 2; i++) {
    await settle()
    collect()
  }
  return process.memoryUsage()
}

/** One request; resolves when its answer is there. */
async function ask(socket: Socket): Promise<void> {
  socket.write(REQUEST)
  let text = ''
  while (!text.endsWith('\r\n\r\nok')) text += String((await once(socket, 'data'))[0])
  expect(text.startsWith('HTTP/1.1 200 ')).toBe(true)
}

test.skipIf(tooFewDescriptors())(
  '10,000 idle connections are held, and each is still served',
  async () => {
    const upstream = await testUpstream((_req, res) => void res.end('ok'))
    // None may be closed as idle while a busy machine opens the others.
    const sluice = await startSluice(`${TOP.replace('web: { ', 'web: { timeouts: { keepAlive: 10m }, ')}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes: { app: { match: { path: /* }, to: app } }
`)
    const sockets: Socket[] = []
    try {
      for (let i = 0; i < 500; i++) await sluice.get('/small')
      const before = await rss(sluice.pid)
      while (sockets.length < CONNECTIONS) {
        const batch = Array.from({ length: BATCH }, () => connect(sluice.port(), '127.0.0.1'))
        sockets.push(...batch)
        await Promise.all(batch.map((socket) => once(socket, 'connect')))
        await Promise.all(batch.map(ask))
      }
      await sluice.shows(`sluice_connections{listener="web"} ${CONNECTIONS}\n`)
      const each = (await rss(sluice.pid)) - before
      process.stdout.write(`an idle connection costs ${Math.round(each / CONNECTIONS / 102.4) / 10} KiB\n`)
      for (let i = 0; i < CONNECTIONS; i += 20 * BATCH) await Promise.all(sockets.slice(i, i + BATCH).map(ask))
      expect(sockets.filter((socket) => socket.destroyed)).toEqual([])
    } finally {
      for (const socket of sockets) socket.destroy()
    }
    await sluice.shows('sluice_connections{listener="web"} 0\n')
    expect(await sluice.stop()).toBe(0)
    await upstream.close()
  },
  120_000,
)

// It names its server: once is enough.
test.skipIf(HTTP1 === 'node')(
  'an idle connection keeps nothing of the body and the trailers that it has brought',
  async () => {
    const held = await gate(
      ({ events }) => {
        events.onChunk = () => events.chunks.splice(0)
        // The gate itself would keep it.
        echo(held.handled.pop() as Handled)
      },
      { http1: 'own' },
    )
    const clients: HttpClient[] = []
    try {
      while (clients.length < 100) clients.push(await held.client())
      for (const client of clients) await client.send(SMALL).answer()
      const before = await memory()
      for (const client of clients) await client.send(CHUNKED).answer()
      const after = await memory()
      const each = (what: keyof typeof before): number => (after[what] - before[what]) / clients.length
      expect(each('arrayBuffers')).toBeLessThan(2_048)
      expect(each('heapUsed')).toBeLessThan(4_096)
    } finally {
      await held.stop()
    }
  },
)
