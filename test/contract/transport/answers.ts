import { expect } from 'vitest'
import { answering, type TcpPeer, tcpServer } from '../../kit/tcp.ts'
import { settle, until } from '../../kit/until.ts'
import type { Check } from './harness.ts'

const HEAD = 'HTTP/1.1 200 OK\r\n'

/** What comes back. */
export function answers(check: Check): void {
  check('order, case, duplicates and bytes of the answer are kept', async (bench) => {
    const server = await bench.with(
      answering(
        `${HEAD}X-B: 1\r\nx-a:  caf\xe9 \xff \r\nX-B: 2\r\nSet-Cookie: a=1\r\nset-cookie: b\r\nX-E:\r\ncontent-length: 4\r\n\r\n\x00\xff\r\n`,
      ),
    )
    const seen = await bench.line(server.port).ask()
    expect(seen.headers).toEqual([
      ...['X-B', '1', 'x-a', 'caf\xe9 \xff', 'X-B', '2', 'Set-Cookie', 'a=1', 'set-cookie', 'b', 'X-E', ''],
      ...['content-length', '4'],
    ])
    expect(seen.body).toBe('\x00\xff\r\n')
  })

  check('a head of 60 KiB is relayed', async (bench) => {
    const server = await bench.with(answering(`${HEAD}x-a: ${'a'.repeat(61_000)}\r\ncontent-length: 0\r\n\r\n`))
    const seen = await bench.line(server.port).ask()
    expect(seen.headers[1]).toBe('a'.repeat(61_000))
  })

  check('1xx answers are relayed before the final one', async (bench) => {
    const server = await bench.with(
      answering(
        `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n${HEAD}content-length: 0\r\n\r\n`,
      ),
    )
    const line = bench.line(server.port)
    for (let i = 1; i <= 2; i++) {
      const seen = await line.ask()
      expect(seen.informational).toEqual([
        [103, ['Link', '</a>']],
        [102, []],
        [103, ['Link', '</b>']],
      ])
      expect(seen.status).toBe(200)
      await line.becomesIdle(i)
    }
    expect(server.accepted).toBe(1)
  })

  check('an unsolicited 100 is passed over', async (bench) => {
    const server = await bench.with(answering(`HTTP/1.1 100 Continue\r\n\r\n${HEAD}content-length: 2\r\n\r\nok`))
    const seen = await bench.line(server.port).ask()
    expect(seen.names).toEqual(['onConnected', 'onHead', 'onData', 'onEnd'])
    expect(seen.body).toBe('ok')
  })

  check('chunked, with extensions and trailers', async (bench) => {
    const server = await bench.with(
      answering(
        `${HEAD}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: caf\xe9\r\nX-Sum: 2\r\n\r\n`,
      ),
    )
    const line = bench.line(server.port)
    const seen = await line.ask()
    expect(seen.body).toBe('hello!')
    expect(seen.trailers).toEqual(['X-Sum', 'caf\xe9', 'X-Sum', '2'])
    expect(seen.names).toEqual(['onConnected', 'onHead', 'onData', 'onTrailers', 'onEnd'])
    await line.becomesIdle()
  })

  check('an answer that arrives byte by byte', async (bench) => {
    const bytes = `${HEAD}x-a: 1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n`
    const server = await bench.with(
      tcpServer(async (peer) => {
        await peer.receive('\r\n\r\n')
        for (const byte of bytes) {
          peer.send(byte)
          await settle(2)
        }
      }),
    )
    const seen = await bench.line(server.port).ask()
    expect(seen.headers).toEqual(['x-a', '1', 'transfer-encoding', 'chunked'])
    expect(seen.body).toBe('abc')
    expect(seen.trailers).toEqual(['x-t', '1'])
  })

  for (const head of ['HTTP/1.1 204 No Content\r\n', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n']) {
    check(`${head.slice(9, 12)} has no body`, async (bench) => {
      const server = await bench.with(answering(`${head}etag: "a"\r\n\r\n`))
      const line = bench.line(server.port)
      const seen = await line.ask()
      expect(seen.names).toEqual(['onConnected', 'onHead', 'onEnd'])
      expect(seen.failure).toBeUndefined()
    })
  }

  check('the answer to HEAD has no body, whatever its length says', async (bench) => {
    const server = await bench.with(answering(`${HEAD}content-length: 5\r\n\r\n`))
    const line = bench.line(server.port)
    for (let i = 1; i <= 2; i++) {
      const seen = await line.ask({ method: 'HEAD' })
      expect(seen.names).toEqual(['onConnected', 'onHead', 'onEnd'])
      expect(seen.headers).toEqual(['content-length', '5'])
      await line.becomesIdle(i)
    }
    expect(server.accepted).toBe(1)
  })

  check('an answer without length ends with the connection', async (bench) => {
    const server = await bench.with(
      tcpServer(async (peer) => {
        await peer.receive('\r\n\r\n')
        peer.send(`${HEAD}\r\nhel`)
        await settle()
        peer.end('lo')
      }),
    )
    const line = bench.line(server.port)
    const seen = await line.ask()
    expect(seen.body).toBe('hello')
    expect(seen.ended).toBe(true)
    await line.becomesClosed()
    expect(line.owner.idle).toBe(0)
  })

  check('HTTP/1.0 answers close the connection', async (bench) => {
    const server = await bench.with(answering('HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok'))
    const line = bench.line(server.port)
    expect((await line.ask()).body).toBe('ok')
    await line.becomesClosed()
  })

  check('Connection: close is obeyed', async (bench) => {
    const server = await bench.with(answering(`${HEAD}Connection: x-y, Close\r\ncontent-length: 2\r\n\r\nok`))
    const line = bench.line(server.port)
    expect((await line.ask()).body).toBe('ok')
    await line.becomesClosed()
    expect(line.owner.idle).toBe(0)
    await until(() => server.open === 0 || server.peers[0]?.ended === true)
  })

  check('an idle connection is closed after keepAliveMs', async (bench) => {
    const server = await bench.with(answering(`${HEAD}content-length: 0\r\n\r\n`))
    const line = bench.line(server.port, { keepAliveMs: 60 })
    await line.ask()
    await line.becomesIdle()
    await line.becomesClosed()
    await server.peers[0]?.receiveAll()
  })

  check("the peer's Keep-Alive hint shortens it, a longer one doesn't lengthen it", async (bench) => {
    const hint = (seconds: number): string =>
      `${HEAD}Keep-Alive: timeout=${seconds}, max=5\r\ncontent-length: 0\r\n\r\n`
    const short = bench.line((await bench.with(answering(hint(1)))).port)
    await short.ask()
    await short.becomesClosed()
    const long = bench.line((await bench.with(answering(hint(600)))).port, { keepAliveMs: 60 })
    await long.ask()
    await long.becomesClosed()
  })

  check('a connection gets no request after maxRequests of them', async (bench) => {
    const server = await bench.with(answering(`${HEAD}content-length: 2\r\n\r\nok`))
    const line = bench.line(server.port, { maxRequests: 2 })
    expect((await line.ask()).body).toBe('ok')
    await line.becomesIdle()
    expect(line.link.retired).toBe(undefined)
    expect((await line.ask()).body).toBe('ok')
    await line.becomesClosed()
    expect([line.owner.idle, line.link.served, line.link.retired]).toEqual([1, 2, 'maxRequests'])
    await server.peers[0]?.receiveAll()
  })

  check('an idle connection is closed at maxAge', async (bench) => {
    const server = await bench.with(answering(`${HEAD}content-length: 0\r\n\r\n`))
    const line = bench.line(server.port, { maxAge: 60 })
    await line.ask()
    await line.becomesIdle()
    await line.becomesClosed()
    expect(line.link.retired).toBe('maxAge')
    await server.peers[0]?.receiveAll()
  })

  check('an answer that comes after maxAge is whole, and the last', async (bench) => {
    const server = await bench.with(answering(`${HEAD}content-length: 2\r\n\r\nok`))
    const line = bench.line(server.port, { maxAge: 1e-6 })
    expect((await line.ask()).body).toBe('ok')
    await line.becomesClosed()
    expect([line.owner.idle, line.link.retired]).toEqual([0, 'maxAge'])
  })

  check('close() closes an idle connection', async (bench) => {
    const server = await bench.with(answering(`${HEAD}content-length: 0\r\n\r\n`))
    const line = bench.line(server.port)
    await line.ask()
    await line.becomesIdle()
    line.link.close()
    expect(line.link.state === 'closed').toBe(true)
    await line.becomesClosed()
    await server.peers[0]?.receiveAll()
  })

  check('bytes after an answer end the connection and reach nobody', async (bench) => {
    const answer = `${HEAD}content-length: 2\r\n\r\nok`
    const server = await bench.with(answering(`${answer}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison`))
    const line = bench.line(server.port)
    const seen = await line.ask()
    expect(seen.body).toBe('ok')
    await line.becomesClosed()
    expect(seen.finals).toBe(1)
    expect(line.owner.idle).toBe(0)
  })

  check('bytes on an idle connection close it', async (bench) => {
    const peers: TcpPeer[] = []
    const server = await bench.with(
      tcpServer(async (peer) => {
        peers.push(peer)
        await peer.receive('\r\n\r\n')
        peer.send(`${HEAD}content-length: 2\r\n\r\nok`)
      }),
    )
    const line = bench.line(server.port)
    await line.ask()
    await line.becomesIdle()
    peers[0]?.send('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison')
    await line.becomesClosed()
  })

  check('a request never gets an answer that was there before it was sent', async (bench) => {
    const peers: TcpPeer[] = []
    const server = await bench.with(
      tcpServer(async (peer) => {
        peers.push(peer)
        await peer.receive('\r\n\r\n')
        peer.send(`${HEAD}content-length: 2\r\n\r\nok`)
        await peer.receive('/second')
        peer.send(`${HEAD}content-length: 4\r\n\r\ntrue`)
      }),
    )
    const line = bench.line(server.port)
    await line.ask()
    await line.becomesIdle()
    peers[0]?.send('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison')
    // Given to the kernel of this machine, not read yet.
    await until(() => peers[0]?.socket.writableLength === 0)
    if (line.link.state === 'closed') return
    const seen = await line.start({ target: '/second' }).done()
    expect(seen.body).not.toBe('poison')
  })
}
