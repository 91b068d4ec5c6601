import type { TLSSocket } from 'node:tls'
import { expect } from 'vitest'
import type { TlsTarget } from '../../../src/core/transport.ts'
import { answering, tcpServer } from '../../kit/tcp.ts'
import { testAuthority } from '../../kit/tls.ts'
import { settle, until } from '../../kit/until.ts'
import { testUpstream } from '../../kit/upstream.ts'
import type { Check } from './harness.ts'

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
      await until(() => line.owner.idle === line.connection.served)
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
    line.connection.abort()
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

  check('a CA that is none fails the try, not the process', async (bench) => {
    const server = await bench.with(testUpstream(undefined, authority.issue('shop.test')))
    const ca = '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n'
    const line = bench.line(server.port, {}, target({ ca }))
    expect((await line.ask()).failure).toMatchObject({ reason: 'tls_error', phase: 'tls', ...NOT_SENT })
    await line.becomesClosed()
  })
}
