import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { http1Transport } from '../../../src/data/upstreams/transports/http1.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { EventClock } from '../../../src/lib/event-clock.ts'
import { Bench, Recorder } from '../../contract/transport/harness.ts'
import { answering, type TcpPeer, tcpServer } from '../../kit/tcp.ts'
import { testAuthority } from '../../kit/tls.ts'
import { settle, until } from '../../kit/until.ts'
import { testUpstream } from '../../kit/upstream.ts'

// What the lean transport does beyond the suite that all transports take.

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

let bench: Bench

beforeEach(() => {
  bench = new Bench((timers) => http1Transport(new EventClock(systemClock), timers))
})

afterEach(() => bench.end())

test('head and a body that is already there go out in one packet', async () => {
  const packets: string[] = []
  const server = await bench.with(
    tcpServer((peer) => {
      peer.socket.on('data', (chunk: Buffer) => {
        packets.push(chunk.toString('latin1'))
        peer.send(OK)
      })
    }),
  )
  const line = bench.line(server.port)
  for (const contentLength of [5, -1]) {
    const seen = line.start({ method: 'POST', contentLength })
    // As a stream does that was asked to flow: in a tick of its own.
    seen.on.onWantBody = () =>
      process.nextTick(() => {
        line.stream.write(Buffer.from('hello'))
        line.stream.end([])
      })
    await seen.done()
  }
  expect(packets).toHaveLength(2)
  expect(packets[0]).toMatch(/content-length: 5\r\n\r\nhello$/)
  expect(packets[1]).toMatch(/transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/)
})

/** A server of another thread: it answers while this one is busy. */
const ELSEWHERE = `
const { parentPort, workerData } = require('node:worker_threads')
const server = require('node:tls').createServer(workerData, (socket) => {
  socket.on('data', (chunk) => {
    if (String(chunk).includes('hello')) socket.write('HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok')
  })
  socket.on('error', () => {})
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

test('an upload over TLS keeps its connection, also if its answer is here before node says that it was written', async () => {
  const authority = testAuthority()
  const elsewhere = new Worker(ELSEWHERE, { eval: true, workerData: authority.issue('shop.test') })
  try {
    const [port] = (await once(elsewhere, 'message')) as [number]
    const tls = { serverName: 'shop.test', ca: authority.ca, cert: undefined, key: undefined, verify: true }
    const line = bench.line(port, {}, tls)
    for (let i = 1; i <= 5; i++) {
      const seen = line.start({ method: 'POST', contentLength: 5 })
      seen.on.onWantBody = () => {
        line.stream.write(Buffer.from('hello'))
        line.stream.end([])
        // Until the answer waits in the socket.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
      }
      await seen.done()
      await line.becomesIdle(i)
    }
    expect([line.link.served, line.link.state]).toEqual([5, 'open'])
  } finally {
    await elsewhere.terminate()
  }
})

test('TE is announced as an option of the connection', async () => {
  const server = await bench.with(answering(OK))
  await bench.line(server.port).ask({ headers: ['TE', 'trailers', 'x-a', '1'] })
  expect(server.peers[0]?.text).toBe(
    'GET / HTTP/1.1\r\nhost: shop.test\r\nTE: trailers\r\nconnection: te\r\nx-a: 1\r\n\r\n',
  )
})

test('an upload over an idle connection whose peer has just closed goes over a new one', async () => {
  const peers: TcpPeer[] = []
  const server = await bench.with(
    tcpServer((peer) => {
      peers.push(peer)
      peer.socket.on('data', () => peer.send(OK))
    }),
  )
  const line = bench.line(server.port)
  await line.ask()
  await line.becomesIdle()
  const closed = new Promise<void>((resolve) => peers[0]?.socket.once('finish', resolve))
  peers[0]?.end()
  await closed
  // Its FIN is here but was not read: nothing that reads has run since.
  expect(line.link.state === 'closed').toBe(false)
  const seen = line.start({ method: 'POST', contentLength: 2 })
  seen.on.onWantBody = () => {
    line.stream.write(Buffer.from('hi'))
    line.stream.end([])
  }
  await seen.done()
  expect(seen.failure).toBeUndefined()
  expect(seen.reused).toBe(false)
  expect(server.accepted).toBe(2)
  expect(line.owner.closed).toBe(0)
})

test.each([
  ['more', 'too long a body'],
  ['less', ''],
])('%s body than announced fails the attempt and closes the connection', async (_name, body) => {
  const server = await bench.with(tcpServer())
  const line = bench.line(server.port)
  const seen = line.start({ method: 'POST', contentLength: 5 })
  await until(() => seen.wanted === 1)
  line.stream.write(Buffer.from(body))
  line.stream.end([])
  await seen.done()
  expect(seen.failure).toMatchObject({ reason: 'internal', phase: 'send', requestDone: false })
  await line.becomesClosed()
})

test.each(['onConnected', 'onWantBody', 'onHead', 'onData', 'onEnd'] as const)(
  'what %s throws is not swallowed; the connection is closed and tells nothing more',
  async (event) => {
    const server = await bench.with(
      tcpServer((peer) => {
        peer.socket.on('data', () => peer.send(OK))
      }),
    )
    const line = bench.line(server.port)
    const thrown: unknown[] = []
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => thrown.push(error))
    try {
      const error = new Error(event)
      const seen = new Recorder()
      seen.on[event] = () => {
        throw error
      }
      if (event !== 'onWantBody') seen.on.onWantBody = () => line.stream.end([])
      line.start({ method: 'POST', contentLength: event === 'onWantBody' ? 1 : -1 }, seen)
      await line.becomesClosed()
      await settle()
      expect(thrown).toEqual([error])
      expect(seen.names.at(-1)).toBe(event)
      expect(line.owner.idle).toBe(0)
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of others) process.on('uncaughtException', listener)
    }
  },
)

test('an attempt that throws does not keep the others of its turn from starting', async () => {
  const server = await bench.with(testUpstream())
  const lines = [bench.line(server.port), bench.line(server.port), bench.line(server.port)]
  for (const line of lines) {
    await line.ask()
    await line.becomesIdle()
  }
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const thrown: unknown[] = []
  process.on('uncaughtException', (error) => thrown.push(error))
  try {
    const attempts = lines.map((line) => line.start())
    attempts[0]!.on.onConnected = () => {
      throw new Error('first')
    }
    await attempts[1]!.done()
    await attempts[2]!.done()
    expect(attempts[2]!.body).toBe('ok')
    expect(thrown).toHaveLength(1)
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of others) process.on('uncaughtException', listener)
  }
})

test('bodies of many sizes on connections that share a read buffer arrive whole, paused or not', async () => {
  const bodies = [1, 100, 16_383, 16_384, 65_536, 300_000, 3_000_000].map((size) => randomBytes(size))
  const server = await bench.with(
    testUpstream((req, res) => {
      const body = bodies[Number(req.url?.slice(1))] as Buffer
      if (req.headers['x-chunked'] === undefined) res.setHeader('content-length', body.length)
      for (let at = 0; at < body.length; at += 50_000) res.write(body.subarray(at, at + 50_000))
      res.end()
    }),
  )
  const attempts = bodies.flatMap((_body, i) =>
    [[], ['x-chunked', '1']].map((headers) => {
      const line = bench.line(server.port)
      const seen = line.start({ target: `/${i}`, headers })
      let count = 0
      seen.on.onData = () => {
        if (++count % 3 !== 0) return
        line.stream.pause()
        setImmediate(() => line.stream.resume())
      }
      return { i, seen }
    }),
  )
  const hash = (body: Buffer): string => createHash('sha256').update(body).digest('hex')
  for (const { i, seen } of attempts) {
    await seen.done()
    expect(hash(Buffer.concat(seen.chunks))).toBe(hash(bodies[i] as Buffer))
  }
})
