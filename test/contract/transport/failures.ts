import { expect } from 'vitest'
import { blackHole } from '../../kit/blackhole.ts'
import { closedPort, type TcpPeer, tcpServer } from '../../kit/tcp.ts'
import { settle, until } from '../../kit/until.ts'
import { testUpstream } from '../../kit/upstream.ts'
import type { Check } from './harness.ts'

const HEAD = 'HTTP/1.1 200 OK\r\n'

const NOTHING_SENT = {
  connected: false,
  reused: false,
  bytesSent: false,
  requestDone: false,
  responseStarted: false,
}

/** Connections that don't come about, or break. */
export function failures(check: Check): void {
  check('connection refused', async (bench) => {
    const line = bench.line(await closedPort())
    const seen = await line.ask()
    expect(seen.failure).toMatchObject({ reason: 'connect_refused', phase: 'connect', ...NOTHING_SENT })
    expect(seen.names).toEqual(['onFailure'])
    await line.becomesClosed()
  })

  check('an upload to a refused connection is never asked for', async (bench) => {
    const seen = await bench.line(await closedPort()).ask({ method: 'POST', contentLength: 5 })
    expect(seen.names).toEqual(['onFailure'])
    expect(seen.failure?.bytesSent).toBe(false)
  })

  check('connecting takes too long', async (bench) => {
    const hole = await bench.with(blackHole())
    const line = bench.line(hole.port, { connectTimeoutMs: 50 })
    const seen = await line.ask()
    expect(seen.failure).toMatchObject({ reason: 'connect_timeout', phase: 'connect', ...NOTHING_SENT })
    await line.becomesClosed()
  })

  check('abort while connecting', async (bench) => {
    const hole = await bench.with(blackHole())
    const line = bench.line(hole.port)
    const seen = line.start()
    await settle()
    line.stream.abort()
    await line.becomesClosed()
    expect(seen.names).toEqual([])
  })

  for (const [how, breakIt] of [
    ['reset', (peer: TcpPeer) => peer.reset()],
    ['closed', (peer: TcpPeer) => peer.end()],
    ['reset in the middle of the head', (peer: TcpPeer) => peer.end('HTTP/1.1 200 OK\r\nx-a')],
  ] as const) {
    check(`${how} before the head was whole`, async (bench) => {
      const server = await bench.with(
        tcpServer(async (peer) => {
          await peer.receive('\r\n\r\n')
          breakIt(peer)
        }),
      )
      const line = bench.line(server.port)
      const seen = await line.ask()
      expect(seen.failure).toMatchObject({
        reason: 'upstream_reset',
        phase: 'headers',
        connected: true,
        reused: false,
        bytesSent: true,
        requestDone: true,
        responseStarted: how.includes('middle'),
      })
      await line.becomesClosed()
      expect(line.owner.idle).toBe(0)
    })
  }

  check('reset during the upload', async (bench) => {
    const server = await bench.with(
      tcpServer(async (peer) => {
        await peer.receive('part')
        peer.reset()
      }),
    )
    const line = bench.line(server.port)
    const seen = line.start({ method: 'POST', contentLength: 1000 })
    seen.on.onWantBody = () => line.stream.write(Buffer.from('part'))
    await seen.done()
    expect(seen.failure).toMatchObject({ reason: 'upstream_reset', phase: 'send', bytesSent: true, requestDone: false })
    await line.becomesClosed()
  })

  check('the connection breaks before an upload sent anything', async (bench) => {
    const peers: TcpPeer[] = []
    const server = await bench.with(tcpServer((peer) => peers.push(peer)))
    const line = bench.line(server.port)
    const seen = line.start({ method: 'POST', contentLength: 5 })
    await until(() => seen.wanted === 1 && peers.length === 1)
    peers[0]?.reset()
    await seen.done()
    expect(seen.failure).toMatchObject({ reason: 'upstream_reset', phase: 'send', connected: true, requestDone: false })
  })

  const broken: Record<string, string> = {
    'short content-length': `${HEAD}content-length: 10\r\n\r\nhello`,
    'short content-length with Connection: close': `${HEAD}connection: close\r\ncontent-length: 10\r\n\r\nhello`,
    'unfinished chunk': `${HEAD}transfer-encoding: chunked\r\n\r\n10\r\nhello`,
    'missing last chunk': `${HEAD}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`,
    'missing last chunk with Connection: close': `${HEAD}connection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`,
    'unfinished trailers': `${HEAD}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n`,
  }
  for (const [name, bytes] of Object.entries(broken)) {
    for (const how of ['closed', 'reset'] as const) {
      check(`${name}, then ${how}: the answer is incomplete`, async (bench) => {
        const server = await bench.with(breaking(bytes, how))
        const line = bench.line(server.port)
        const seen = await line.ask()
        expect(seen.status).toBe(200)
        expect(seen.failure).toMatchObject({ reason: 'response_incomplete', phase: 'body', responseStarted: true })
        expect(seen.ended).toBe(false)
        await line.becomesClosed()
      })
    }
  }

  check('an answer without length, then reset, is incomplete', async (bench) => {
    const server = await bench.with(breaking(`${HEAD}\r\nhello`, 'reset'))
    const seen = await bench.line(server.port).ask()
    expect(seen.failure).toMatchObject({ reason: 'response_incomplete', phase: 'body' })
    expect(seen.ended).toBe(false)
  })

  check('a paused answer that breaks fails in the end', async (bench) => {
    const server = await bench.with(breaking(`${HEAD}content-length: 10\r\n\r\nhello`, 'closed'))
    const line = bench.line(server.port)
    const seen = line.start()
    seen.on.onHead = () => line.stream.pause()
    await until(() => seen.status === 200)
    await settle()
    line.stream.resume()
    await seen.done()
    expect(seen.failure?.reason).toBe('response_incomplete')
  })

  for (const length of [1_000_000, -1]) {
    check(
      `what an upstream answered before it reset is told, though our write fails (length ${length})`,
      async (bench) => {
        const server = await bench.with(tcpServer())
        for (const [answer, told] of [
          [`${HEAD}content-length: 5\r\n\r\nearly`, ['onHead', 'onData', 'onEnd']],
          [`${HEAD}content-length: 100000\r\n\r\n${'early'.repeat(20_000)}`, ['onHead', 'onData', 'onEnd']],
          [`${HEAD}content-length: 100\r\n\r\nearly`, ['onHead', 'onData', 'onFailure']],
          ['', ['onFailure']],
        ] as const) {
          const index = server.accepted
          const line = bench.line(server.port)
          const seen = line.start({ method: 'POST', contentLength: length })
          const peer = await server.peer(index)
          await peer.receive('\r\n\r\n')
          // In one turn: what was received is unread when we write.
          peer.send(answer)
          peer.reset()
          for (let i = 0; i < 5; i++) line.stream.write(Buffer.alloc(1000))
          await seen.done()
          expect(seen.names).toEqual(['onConnected', 'onWantBody', ...told])
          if (answer === '') expect(seen.failure).toMatchObject({ reason: 'upstream_reset', phase: 'send' })
          await line.becomesClosed()
        }
      },
    )
  }

  check('a paused answer is told to its end after our write has failed', async (bench) => {
    const server = await bench.with(tcpServer())
    const line = bench.line(server.port)
    const seen = line.start({ method: 'POST', contentLength: 1_000_000 })
    seen.on.onWantBody = () => line.stream.write(Buffer.from('first'))
    const peer = await server.peer()
    await peer.receive('\r\n\r\n')
    seen.on.onHead = () => line.stream.pause()
    peer.send(`${HEAD}content-length: 100000\r\n\r\n`)
    await until(() => seen.status === 200)
    peer.send('early'.repeat(20_000))
    peer.reset()
    for (let i = 0; i < 5; i++) line.stream.write(Buffer.alloc(1000))
    await settle(50)
    expect(seen.over).toBe(false)
    line.stream.resume()
    await seen.done()
    expect([seen.bytes, seen.ended]).toEqual([100_000, true])
  })

  const BROKEN = ['xyz\r\nhello\r\n', '5\nhello\r\n0\r\n\r\n', '5\r\nhelloXX0\r\n\r\n', '-5\r\nhello\r\n']

  check('a body that cannot be parsed breaks the answer', async (bench) => {
    for (const body of BROKEN) {
      const server = await bench.with(breaking(`${HEAD}transfer-encoding: chunked\r\n\r\n`, 'stay'))
      const line = bench.line(server.port)
      const seen = line.start()
      await until(() => seen.status === 200)
      server.peers[0]?.send(body)
      await seen.done()
      expect(seen.failure).toMatchObject({ reason: 'response_incomplete', phase: 'body' })
      await line.becomesClosed()
    }
  })

  check('a body that comes with its head and cannot be parsed: the head is not told', async (bench) => {
    for (const body of BROKEN) {
      const server = await bench.with(breaking(`${HEAD}transfer-encoding: chunked\r\n\r\n${body}`, 'stay'))
      const line = bench.line(server.port)
      const seen = await line.ask()
      expect(seen.failure).toMatchObject({ reason: 'bad_response', phase: 'headers', responseStarted: true })
      expect(seen.names).toEqual(['onConnected', 'onFailure'])
      await line.becomesClosed()
    }
  })

  check('an idle connection that the peer closes is closed', async (bench) => {
    const server = await bench.with(testUpstream())
    const line = bench.line(server.port)
    await line.ask()
    await line.becomesIdle()
    for (const socket of server.sockets) socket.end()
    await line.becomesClosed()
  })

  for (const how of ['end', 'resetAndDestroy'] as const) {
    check(`a stale connection (${how}) is noticed, or its failure says that it was used before`, async (bench) => {
      const server = await bench.with(testUpstream())
      for (let i = 0; i < 10; i++) {
        const line = bench.line(server.port)
        await line.ask()
        await line.becomesIdle()
        for (const socket of server.sockets) socket[how]()
        if (i % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
        if (line.link.state === 'closed') continue
        const seen = await line.ask()
        if (seen.failure !== undefined) {
          expect(seen.failure).toMatchObject({ reason: 'upstream_reset', reused: true, responseStarted: false })
          await line.becomesClosed()
        } else {
          expect(seen.body).toBe('ok')
        }
      }
    })
  }
}

/** Sends `bytes` in answer to a head, lets them arrive, and breaks the connection. */
function breaking(bytes: string, how: 'closed' | 'reset' | 'stay'): ReturnType<typeof tcpServer> {
  return tcpServer(async (peer) => {
    await peer.receive('\r\n\r\n')
    peer.send(bytes)
    // A reset discards what the other side has not read yet.
    for (let i = 0; i < 10; i++) await settle(5)
    if (how === 'closed') peer.end()
    else if (how === 'reset') peer.reset()
  })
}
