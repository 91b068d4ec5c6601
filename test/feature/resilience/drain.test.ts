import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Load } from '../../kit/load.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { type TcpPeer, tcpConnect } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let upstream: TestUpstream
let sluice: Sluice | undefined
/** Answers of /slow wait for this. */
let release: () => void

beforeEach(async () => {
  let slow: (() => void)[] = []
  release = () => {
    for (const go of slow.splice(0)) go()
  }
  upstream = await testUpstream((req, res) => {
    if (req.url === '/slow') slow.push(() => res.end('slow'))
    else res.end('ok')
  })
  slow = []
})

afterEach(async () => {
  release()
  if (sluice?.exitCode === undefined) sluice?.child.kill('SIGKILL')
  await sluice?.exited()
  await upstream.close()
})

async function start(drain: string): Promise<Sluice> {
  sluice = await startSluice(`${TOP.replace(/^drain:.*$/m, `drain: ${drain}`)}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes: { app: { match: { path: /* }, to: app } }
`)
  return sluice
}

async function slowRequest(gateway: Sluice): Promise<TcpPeer> {
  const client = await tcpConnect(gateway.port())
  client.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
  await until(() => upstream.seen.some(({ target }) => target === '/slow'), 'the slow request')
  return client
}

describe('SIGTERM', () => {
  test('under load: no request that was read is lost, new ones come in for `delay`, and the exit code is 0', async () => {
    const gateway = await start('{ delay: 3s, timeout: 10s }')
    const load = new Load({ port: gateway.port(), path: '/', parallel: 24 })
    await load.more(500)
    gateway.child.kill('SIGTERM')
    await until(async () => (await gateway.probe('/readyz')).status === 503, 'not ready')
    expect((await gateway.probe('/readyz')).body).toContain('draining')
    expect((await gateway.probe('/livez')).status).toBe(200)
    await load.more(100)
    expect(await gateway.exited()).toBe(0)
    await load.stop()
    expect([...load.statuses.keys()], load.summary).toEqual([200])
    // Connections that were refused, or reset before any byte of theirs was read, are not lost requests.
    expect(load.broken.filter(({ code, where }) => where === 'body' || code === 'EPIPE')).toEqual([])
    expect(
      load.broken.every(({ code }) => code === 'ECONNREFUSED' || code === 'ECONNRESET'),
      load.summary,
    ).toBe(true)
    expect(gateway.log.length).toBeGreaterThanOrEqual(load.answered)
  })

  test('what is in flight is answered, on a connection that says it closes; idle ones end; new ones are refused', async () => {
    const gateway = await start('{ delay: 0s, timeout: 10s }')
    const idle = await tcpConnect(gateway.port())
    idle.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await idle.receive('\r\n\r\nok')
    const busy = await slowRequest(gateway)
    gateway.child.kill('SIGTERM')
    await idle.receiveAll()
    await until(() => refused(gateway.port()), 'new connections are refused')
    expect(gateway.exitCode).toBe(undefined)
    release()
    expect(await busy.receiveAll()).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*slow$/i)
    expect(await gateway.exited()).toBe(0)
  })

  test('what does not end within `timeout` is cut, and the exit code is 0', async () => {
    const gateway = await start('{ delay: 0s, timeout: 500ms }')
    const busy = await slowRequest(gateway)
    gateway.child.kill('SIGTERM')
    expect(await gateway.exited()).toBe(0)
    await until(() => busy.closed || busy.ended, 'the connection ends')
    expect(gateway.log.at(-1)).toMatchObject({ path: '/slow', reason: 'draining' })
  })

  test('a second one ends it at once with 1', async () => {
    const gateway = await start('{ delay: 20s, timeout: 20s }')
    await slowRequest(gateway)
    gateway.child.kill('SIGTERM')
    const again = setInterval(() => gateway.child.kill('SIGTERM'), 300)
    expect(await gateway.exited().finally(() => clearInterval(again))).toBe(1)
  })
})

test('SIGINT does not wait for `delay`', async () => {
  const gateway = await start('{ delay: 60s, timeout: 5s }')
  gateway.child.kill('SIGINT')
  expect(await gateway.exited()).toBe(0)
})

/** Whether nothing listens there any more. */
function refused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(false)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
}
