import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { expect } from 'vitest'
import type { TlsTarget } from '../../../src/core/transport.ts'
import { answering, type TcpServer, tcpServer } from '../../kit/tcp.ts'
import { testAuthority } from '../../kit/tls.ts'
import { settle, until } from '../../kit/until.ts'
import { testUpstream } from '../../kit/upstream.ts'
import type { Bench, Check } from './harness.ts'

const NOT_SENT = { connected: false, bytesSent: false, requestDone: false, responseStarted: false }

/** Upstreams over TLS. */
export function tls(check: Check): void {
  const authority = testAuthority()
  const target = (changes: Partial<TlsTarget> = {}): TlsTarget => ({
    serverName: 'shop.test',
    ca: authority.ca,
    cert: undefined,
    key: undefined,
    verify: true,
    ...changes,
  })

  check('a verified name: SNI is sent, the connection is kept', async (bench) => {
    const names: unknown[] = []
    const server = await bench.with(
      testUpstream((req, res) => {
        names.push((req.socket as TLSSocket).servername)
        res.end('ok')
      }, authority.issue('shop.test')),
    )
    const line = bench.line(server.port, {}, target())
    // Another Host must not change the connection.
    for (const host of ['a.test', 'b.test']) {
      const seen = await line.ask({ authority: host })
      expect(seen.body).toBe('ok')
      await until(() => line.owner.idle === line.link.served)
    }
    expect(names).toEqual(['shop.test', 'shop.test'])
    expect(server.accepted).toBe(1)
  })

  check('a verified address, without SNI', async (bench) => {
    const server = await bench.with(testUpstream(undefined, authority.issue('127.0.0.1')))
    const seen = await bench.line(server.port, {}, target({ serverName: '127.0.0.1' })).ask()
    expect(seen.body).toBe('ok')
  })

  check('a certificate of nobody we trust', async (bench) => {
    const server = await bench.with(testUpstream(undefined, authority.issue('shop.test')))
    for (const ca of [testAuthority('another CA').ca, undefined]) {
      const line = bench.line(server.port, {}, target({ ca }))
      const seen = await line.ask()
      expect(seen.failure).toMatchObject({
        reason: 'tls_error',
        phase: 'tls',
        proxyStatus: 'tls_certificate_error',
        ...NOT_SENT,
      })
      await line.becomesClosed()
    }
    expect(server.seen).toEqual([])
  })

  check('a certificate of another name', async (bench) => {
    const server = await bench.with(testUpstream(undefined, authority.issue('other.test', '127.0.0.1')))
    const seen = await bench.line(server.port, {}, target()).ask()
    expect(seen.failure).toMatchObject({
      reason: 'tls_error',
      phase: 'tls',
      proxyStatus: 'tls_certificate_error',
      ...NOT_SENT,
    })
    expect(server.seen).toEqual([])
  })

  check('verify: false takes any certificate', async (bench) => {
    const server = await bench.with(testUpstream(undefined, authority.issue('other.test')))
    const seen = await bench.line(server.port, {}, target({ ca: undefined, verify: false })).ask()
    expect(seen.body).toBe('ok')
  })

  check('our own certificate is shown', async (bench) => {
    const server = await bench.with(
      testUpstream(undefined, {
        ...authority.issue('shop.test'),
        ca: authority.ca,
        requestCert: true,
        rejectUnauthorized: true,
      }),
    )
    const { cert, key } = authority.issue('gateway.test')
    const seen = await bench.line(server.port, {}, target({ cert, key })).ask()
    expect(seen.body).toBe('ok')
    const without = await bench.line(server.port, {}, target()).ask()
    // With TLS 1.3 the refusal follows the handshake, as an alert or as a mere close.
    expect(['tls_error', 'upstream_reset']).toContain(without.failure?.reason)
  })

  check('plain text on a TLS port', async (bench) => {
    const server = await bench.with(tcpServer((peer) => peer.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
    const line = bench.line(server.port, {}, target())
    const seen = await line.ask()
    expect(seen.failure).toMatchObject({
      reason: 'tls_error',
      phase: 'tls',
      proxyStatus: 'tls_protocol_error',
      ...NOT_SENT,
    })
    await line.becomesClosed()
  })

  check('a handshake that is cut off', async (bench) => {
    const server = await bench.with(
      tcpServer((peer) => {
        peer.socket.once('data', () => peer.reset())
      }),
    )
    const seen = await bench.line(server.port, {}, target()).ask()
    expect(seen.failure).toMatchObject({ reason: 'tls_error', phase: 'tls', proxyStatus: 'tls_protocol_error' })
  })

  check('a handshake that never ends is a connect timeout', async (bench) => {
    const server = await bench.with(tcpServer())
    const line = bench.line(server.port, { connectTimeoutMs: 100 }, target())
    const seen = await line.ask()
    expect(seen.failure).toMatchObject({ reason: 'connect_timeout', phase: 'tls', ...NOT_SENT })
    await line.becomesClosed()
    await until(() => server.peers.every((peer) => peer.ended || peer.closed))
  })

  check('abort during the handshake leaves no socket', async (bench) => {
    const server = await bench.with(tcpServer())
    const line = bench.line(server.port, {}, target())
    const seen = line.start()
    await until(() => (server.peers[0]?.received ?? 0) > 0)
    line.stream.abort()
    await line.becomesClosed()
    await settle()
    expect(seen.names).toEqual([])
    await until(() => server.peers.every((peer) => peer.ended || peer.closed))
  })

  check('a TLS request to a port that speaks HTTP', async (bench) => {
    const server = await bench.with(answering('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'))
    const line = bench.line(server.port, { connectTimeoutMs: 200 }, target())
    expect((await line.ask()).failure?.phase).toBe('tls')
  })

  check('a CA that is none fails the attempt, not the process', async (bench) => {
    const server = await bench.with(testUpstream(undefined, authority.issue('shop.test')))
    const ca = '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n'
    const line = bench.line(server.port, {}, target({ ca }))
    expect((await line.ask()).failure).toMatchObject({ reason: 'tls_error', phase: 'tls', ...NOT_SENT })
    await line.becomesClosed()
  })

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    /** Answers a request, then ends: with close_notify, or by the FIN of TCP alone. */
    const ending = async (bench: Bench, answer: string, cleanly: boolean): Promise<TcpServer> => {
      const below: Socket[] = []
      const server = await bench.with(
        tcpServer(
          async (peer) => {
            await peer.receive('\r\n\r\n')
            peer.socket.write(answer, () => (cleanly ? peer.end() : below[0]?.end()))
          },
          { ...authority.issue('shop.test'), maxVersion },
        ),
      )
      server.server.on('connection', (socket: Socket) => below.push(socket))
      return server
    }

    for (const pauses of [false, true]) {
      check(
        `an end without close_notify is none of a body without length (${maxVersion}, ${pauses})`,
        async (bench) => {
          for (const [fields, body, cleanly, whole] of [
            ['', 'hello', false, false],
            ['', '', false, false],
            ['', 'hello', true, true],
            ['content-length: 5\r\n', 'hello', false, true],
            ['transfer-encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n', false, true],
            ['transfer-encoding: chunked\r\n', '5\r\nhello\r\n', true, false],
            ['content-length: 9\r\n', 'hello', true, false],
          ] as const) {
            const server = await ending(bench, `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`, cleanly)
            const line = bench.line(server.port, {}, target())
            const seen = line.start()
            if (pauses) {
              seen.on.onHead = () => {
                line.stream.pause()
                setTimeout(() => line.stream.resume(), 10)
              }
            }
            await seen.done()
            const what = `${fields} ${body} ${cleanly}`
            expect(seen.status, what).toBe(200)
            expect(seen.body, what).toBe(body === '' ? '' : 'hello')
            expect(seen.ended, what).toBe(whole)
            if (!whole) expect(seen.failure, what).toMatchObject({ reason: 'response_incomplete', phase: 'body' })
            await line.becomesClosed()
          }
        },
      )
    }

    // Over TLS the end, and the close behind it, are told although we have paused in front of the last records.
    check(`a large answer whose end comes during a pause is told whole (${maxVersion})`, async (bench) => {
      const body = 'y'.repeat(70_000)
      for (const [fields, sent] of [
        ['', body],
        [`content-length: ${body.length}\r\n`, body],
        ['transfer-encoding: chunked\r\n', `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`],
      ] as const) {
        for (const when of ['onHead', 'onData'] as const) {
          const server = await ending(bench, `HTTP/1.1 200 OK\r\n${fields}\r\n${sent}`, true)
          const line = bench.line(server.port, {}, target())
          const seen = line.start()
          seen.on[when] = () => {
            line.stream.pause()
            setTimeout(() => line.stream.resume(), 20)
          }
          await seen.done()
          const what = `${fields} ${when}`
          expect(seen.failure, what).toBe(undefined)
          expect(seen.ended, what).toBe(true)
          expect(seen.body === body, what).toBe(true)
          await line.becomesClosed()
        }
      }
    })

    check(`what was answered before a reset is told, though our write fails (${maxVersion})`, async (bench) => {
      const below: Socket[] = []
      const server = await bench.with(tcpServer(undefined, { ...authority.issue('shop.test'), maxVersion }))
      server.server.on('connection', (socket: Socket) => below.push(socket))
      for (const length of [1_000_000, -1]) {
        for (const size of [5, 100_000]) {
          const index = server.accepted
          const line = bench.line(server.port, {}, target())
          const seen = line.start({ method: 'POST', contentLength: length })
          const peer = await server.peer(index)
          await peer.receive('\r\n\r\n')
          peer.socket.write(`HTTP/1.1 413 Too Large\r\ncontent-length: ${size}\r\n\r\n${'e'.repeat(size)}`, () =>
            below[index]?.resetAndDestroy(),
          )
          // In one turn with the reset: what was received is unread when we write.
          for (let i = 0; i < 5; i++) line.stream.write(Buffer.alloc(1000))
          await seen.done()
          expect([seen.status, seen.bytes, seen.ended]).toEqual([413, size, true])
          await line.becomesClosed()
        }
      }
    })

    check(`large bodies go both ways, with backpressure (${maxVersion})`, async (bench) => {
      const server = await bench.with(
        testUpstream((req, res) => void req.pipe(res), { ...authority.issue('shop.test'), maxVersion }),
      )
      const line = bench.line(server.port, {}, target())
      // No two pieces are alike, so that none can stand in the place of another.
      const pieces = Array.from({ length: 100 }, (_, i) => Buffer.alloc(65_536, `${i},`))
      const whole = Buffer.concat(pieces)
      for (const contentLength of [whole.length, -1]) {
        const seen = line.start({ method: 'POST', contentLength })
        let next = 0
        let waits = 0
        const fill = (): void => {
          while (next < pieces.length) {
            if (!line.stream.write(pieces[next++] as Buffer)) {
              waits++
              if (next < pieces.length) return
            }
          }
          line.stream.end([])
        }
        seen.on.onWantBody = fill
        seen.on.onDrain = fill
        let pauses = 0
        seen.on.onData = () => {
          if (++pauses % 20 !== 0) return
          line.stream.pause()
          setTimeout(() => line.stream.resume(), 1)
        }
        await seen.done()
        expect([seen.failure, seen.ended]).toEqual([undefined, true])
        expect(Buffer.concat(seen.chunks).equals(whole)).toBe(true)
        expect(waits).toBeGreaterThan(0)
        await line.becomesIdle(line.link.served)
      }
      expect(server.accepted).toBe(1)
    })
  }

  check('an idle connection that the peer closes is closed', async (bench) => {
    const server = await bench.with(testUpstream(undefined, authority.issue('shop.test')))
    for (const how of ['end', 'destroy'] as const) {
      const line = bench.line(server.port, {}, target())
      await line.ask()
      await line.becomesIdle()
      for (const socket of server.sockets) socket[how]()
      await line.becomesClosed()
    }
  })
}
