import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { rss } from '../../kit/memory.ts'
import { startSluice, TOP } from '../../kit/sluice.ts'
import { testUpstream } from '../../kit/upstream.ts'

const CONNECTIONS = 10_000
const BATCH = 250
const REQUEST = 'GET /small HTTP/1.1\r\nHost: a\r\n\r\n'

/** Each process needs a descriptor a connection. */
function tooFewDescriptors(): boolean {
  const limit = spawnSync('sh', ['-c', 'ulimit -n']).stdout.toString().trim()
  if (limit === 'unlimited' || Number(limit) >= CONNECTIONS + 1000 || process.env.CI === 'true') return false
  process.stdout.write(`skipped: ${CONNECTIONS} connections need more than ${limit} descriptors (ulimit -n)\n`)
  return true
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
