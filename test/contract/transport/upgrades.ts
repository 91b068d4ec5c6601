import type { Duplex } from 'node:stream'
import { expect } from 'vitest'
import type { TlsTarget } from '../../../src/core/transport.ts'
import { answering, type TcpPeer, type TcpServer, tcpServer } from '../../kit/tcp.ts'
import { testAuthority } from '../../kit/tls.ts'
import { settle, until } from '../../kit/until.ts'
import type { Bench, Check, Line, Recorder } from './harness.ts'

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: Echo\r\nX-A: 1\r\n\r\n'

/** What must not open a tunnel, with the rule that it breaks. */
const WRONG: Readonly<Record<string, readonly [head: string, rule: RegExp]>> = {
  'to another protocol': ['HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n', /not the protocol/],
  'to two protocols': ['HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: echo, h2c\r\n\r\n', /not the protocol/],
  'to two protocols in two fields': [
    'HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: echo\r\nUpgrade: echo\r\n\r\n',
    /not the protocol/,
  ],
  'without Upgrade': ['HTTP/1.1 101 S\r\nConnection: upgrade\r\n\r\n', /not the protocol/],
  'without Connection': ['HTTP/1.1 101 S\r\nUpgrade: echo\r\n\r\n', /Connection/],
  'with another option of the connection': [
    'HTTP/1.1 101 S\r\nConnection: x-upgrade\r\nUpgrade: echo\r\n\r\n',
    /Connection/,
  ],
  'in HTTP/1.0': ['HTTP/1.0 101 S\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n', /HTTP\/1\.0/],
}

/** Connections that change their protocol. */
export function upgrades(check: Check): void {
  const authority = testAuthority()
  const credentials = authority.issue('shop.test')
  const target: TlsTarget = { serverName: 'shop.test', ca: authority.ca, cert: undefined, key: undefined, verify: true }

  for (const [over, tls, tlsTarget] of [
    ['TCP', undefined, undefined],
    ['TLS', credentials, target],
  ] as const) {
    /** A server that answers the first head so, and a line to it. */
    const open = async (bench: Bench, answer: string, then: (peer: TcpPeer) => void = () => {}) => {
      const server = await bench.with(
        tcpServer(async (peer) => {
          await peer.receive('\r\n\r\n')
          peer.send(answer)
          then(peer)
        }, tls),
      )
      return { server, line: bench.line(server.port, {}, tlsTarget) }
    }
    const upgraded = async (
      bench: Bench,
      answer = SWITCH,
      then?: (peer: TcpPeer) => void,
    ): Promise<{ server: TcpServer; line: Line; seen: Recorder; duplex: Duplex; peer: TcpPeer }> => {
      const { line, server } = await open(bench, answer, then)
      const seen = await line.ask({ upgrade: 'echo' })
      expect(seen.failure).toBe(undefined)
      return { server, line, seen, duplex: seen.duplex as Duplex, peer: server.peers[0] as TcpPeer }
    }

    check(`the protocol is asked for, and what follows the 101 comes over a duplex (${over})`, async (bench) => {
      const { line, seen, duplex, peer } = await upgraded(bench, `${SWITCH}hello`)
      expect(peer.text).toBe('GET / HTTP/1.1\r\nhost: shop.test\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n')
      expect(seen.names).toEqual(['onConnected', 'onUpgraded'])
      expect(seen.headers).toEqual(['Connection', 'Upgrade', 'Upgrade', 'Echo', 'X-A', '1'])
      expect([line.link.state, line.owner.released, line.owner.leaving]).toEqual(['leaving', 0, 1])
      const read = collected(duplex)
      await until(() => read.text === 'hello')
      peer.send(' world')
      await until(() => read.text === 'hello world')
      duplex.write('ping')
      await peer.receive('ping')
      expect([line.owner.released, line.owner.closed]).toEqual([0, 0])
      duplex.destroy()
      await line.becomesClosed()
      expect([line.owner.released, line.owner.idle, seen.finals]).toEqual([1, 0, 1])
      await peer.receiveAll()
    })

    check(`each direction ends by itself (${over})`, async (bench) => {
      for (const first of ['peer', 'we'] as const) {
        const { line, duplex, peer } = await upgraded(bench)
        const read = collected(duplex)
        if (first === 'peer') {
          peer.end('last')
          await until(() => read.ended)
          expect(read.text).toBe('last')
          duplex.write('still')
          await peer.receive('still')
          expect(line.owner.closed).toBe(0)
          duplex.end('end')
        } else {
          duplex.end('last')
          await until(() => peer.ended)
          expect(peer.text).toMatch(/last$/)
          peer.send('still')
          await until(() => read.text === 'still')
          expect(line.owner.closed).toBe(0)
          peer.end()
        }
        await line.becomesClosed()
        await until(() => duplex.closed)
        expect([read.error, line.owner.released]).toEqual([undefined, 1])
      }
    })

    check(`what came before the end is read whole, however late (${over})`, async (bench) => {
      const { line, duplex, peer } = await upgraded(bench, `${SWITCH}hello`, (one) => one.end(' world'))
      await until(() => peer.socket.writableFinished)
      await settle()
      const read = collected(duplex)
      await until(() => read.ended)
      expect(read.text).toBe('hello world')
      duplex.end()
      await line.becomesClosed()
    })

    check(`large bytes go both ways, with backpressure (${over})`, async (bench) => {
      const { line, duplex, peer } = await upgraded(bench)
      const pieces = Array.from({ length: 160 }, (_, i) => Buffer.alloc(65_536, `${i},`))
      const whole = Buffer.concat(pieces)
      for (const piece of pieces) peer.send(piece)
      await settle(200)
      // Unread: what is here stays within what was asked for and one read.
      expect(duplex.readableLength).toBeLessThan(300_000)
      expect(peer.socket.writableLength).toBeGreaterThan(0)
      const chunks: Buffer[] = []
      let bytes = 0
      duplex.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        bytes += chunk.length
        if (chunks.length % 20 !== 0) return
        duplex.pause()
        setTimeout(() => duplex.resume(), 1)
      })
      await until(() => bytes === whole.length)
      expect(Buffer.concat(chunks).equals(whole)).toBe(true)
      peer.drop()
      const before = peer.received
      peer.socket.pause()
      let waits = 0
      for (const piece of pieces) if (!duplex.write(piece)) waits++
      await settle(50)
      expect([waits > 0, duplex.writableLength > 0]).toEqual([true, true])
      peer.socket.resume()
      await until(() => peer.received - before === whole.length)
      await until(() => duplex.writableLength === 0)
      duplex.destroy()
      await line.becomesClosed()
    })

    check(`abort closes it (${over})`, async (bench) => {
      const { line, duplex, peer, seen } = await upgraded(bench)
      line.stream.abort()
      await line.becomesClosed()
      await until(() => duplex.closed)
      await peer.receiveAll()
      expect([line.owner.released, seen.finals]).toEqual([0, 1])
    })

    check(`close leaves it alone (${over})`, async (bench) => {
      const { line, duplex, peer } = await upgraded(bench)
      line.link.close()
      const read = collected(duplex)
      peer.send('still')
      await until(() => read.text === 'still')
    })

    check(`a refusal is an answer as any other (${over})`, async (bench) => {
      const server = await bench.with(
        tcpServer((peer) => {
          let heads = 0
          peer.socket.on('data', () => {
            const now = peer.text.split('\r\n\r\n').length - 1
            for (; heads < now; heads++)
              peer.send(
                'HTTP/1.1 426 Upgrade Required\r\nUpgrade: x\r\nConnection: upgrade\r\ncontent-length: 2\r\n\r\nno',
              )
          })
        }, tls),
      )
      const line = bench.line(server.port, {}, tlsTarget)
      for (let i = 1; i <= 3; i++) {
        const seen = await line.ask(i === 2 ? {} : { upgrade: 'echo' })
        expect([seen.status, seen.body, seen.ended]).toEqual([426, 'no', true])
        await line.becomesIdle(i)
      }
      expect(server.accepted).toBe(1)
    })

    for (const [how, [head, rule]] of Object.entries(WRONG)) {
      check(`a 101 ${how} is malformed (${over})`, async (bench) => {
        const { line } = await open(bench, head)
        const seen = await line.ask({ upgrade: 'echo' })
        expect(seen.failure).toMatchObject({ reason: 'bad_response', phase: 'headers', responseStarted: true })
        expect(seen.failure?.rule).toMatch(rule)
        expect(seen.names).toEqual(['onConnected', 'onFailure'])
        await line.becomesClosed()
      })
    }

    check(`1xx answers come before it, and it may come byte by byte (${over})`, async (bench) => {
      const { line } = await open(bench, '', async (peer) => {
        for (const byte of `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${SWITCH}h`) {
          peer.send(byte)
          await settle(1)
        }
      })
      const seen = await line.ask({ upgrade: 'echo' })
      expect(seen.names).toEqual(['onConnected', 'onInformational', 'onUpgraded'])
      const read = collected(seen.duplex as Duplex)
      await until(() => read.text === 'h')
    })
  }

  check('a 101 that was not requested does not follow one that was', async (bench) => {
    const server = await bench.with(answering('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'))
    const line = bench.line(server.port)
    await line.ask({ upgrade: 'echo' })
    await line.becomesIdle()
    const seen = line.start()
    await until(() => (server.peers[0]?.text.split('\r\n\r\n').length ?? 0) > 2)
    expect(server.peers[0]?.text.slice(-40)).not.toContain('upgrade')
    await seen.done()
    const other = await bench.with(answering(SWITCH))
    expect((await bench.line(other.port).ask()).failure?.rule).toBe('status 101: it was not requested')
  })

  check('a reset is told as one, on either side', async (bench) => {
    for (const who of ['peer', 'we'] as const) {
      const server = await bench.with(answering(SWITCH))
      const line = bench.line(server.port)
      const seen = await line.ask({ upgrade: 'echo' })
      const duplex = seen.duplex as Duplex & { resetAndDestroy(): void }
      const read = collected(duplex)
      const peer = server.peers[0] as TcpPeer
      if (who === 'peer') peer.reset()
      else duplex.resetAndDestroy()
      await line.becomesClosed()
      await until(() => duplex.closed && peer.closed)
      const error = who === 'peer' ? read.error : peer.error
      expect([error?.code, line.owner.released, seen.finals]).toEqual(['ECONNRESET', 1, 1])
    }
  })

  check('no upgrade is asked for with a body, nor for what cannot be written', async (bench) => {
    const server = await bench.with(answering(SWITCH))
    for (const request of [
      { upgrade: 'echo', contentLength: 3 },
      { upgrade: 'e\r\nx: y' },
      { headers: ['upgrade', 'x'] },
    ]) {
      const seen = await bench.line(server.port).ask(request)
      expect(seen.failure).toMatchObject({ reason: 'bad_request', bytesSent: false })
    }
  })
}

interface Collected {
  text: string
  ended: boolean
  error: NodeJS.ErrnoException | undefined
}

function collected(duplex: Duplex): Collected {
  const read: Collected = { text: '', ended: false, error: undefined }
  duplex.on('data', (chunk: Buffer) => {
    read.text += chunk.toString('latin1')
  })
  duplex.on('end', () => {
    read.ended = true
  })
  duplex.on('error', (error) => {
    read.error = error
  })
  return read
}
