import { expect } from 'vitest'
import { answering, type TcpPeer, tcpServer } from '../../kit/tcp.ts'
import { settle, until } from '../../kit/until.ts'
import type { Check } from './harness.ts'

const OK = 'HTTP/1.1 200 OK\r\n'

const HEADS: Record<string, string> = {
  'bare LF after the status line': 'HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n',
  'bare LF after a field': `${OK}x-a: 1\ncontent-length: 0\r\n\r\n`,
  'bare LF at the end': `${OK}content-length: 0\r\n\n`,
  'bare CR in a value': `${OK}x-a: 1\r2\r\ncontent-length: 0\r\n\r\n`,
  'folded line': `${OK}x-a: 1\r\n 2\r\ncontent-length: 0\r\n\r\n`,
  'space before the colon': `${OK}content-length : 0\r\n\r\n`,
  'space in a name': `${OK}x a: 1\r\ncontent-length: 0\r\n\r\n`,
  'empty name': `${OK}: 1\r\ncontent-length: 0\r\n\r\n`,
  'no colon': `${OK}x-a\r\ncontent-length: 0\r\n\r\n`,
  'NUL in a value': `${OK}x-a: a\x00b\r\ncontent-length: 0\r\n\r\n`,
  'control character in a value': `${OK}x-a: a\x01b\r\ncontent-length: 0\r\n\r\n`,
  'two equal lengths': `${OK}content-length: 2\r\ncontent-length: 2\r\n\r\nok`,
  'two lengths': `${OK}content-length: 2\r\ncontent-length: 3\r\n\r\nok`,
  'a list of lengths': `${OK}content-length: 2, 2\r\n\r\nok`,
  'signed length': `${OK}content-length: +2\r\n\r\nok`,
  'negative length': `${OK}content-length: -2\r\n\r\nok`,
  'hexadecimal length': `${OK}content-length: 0x2\r\n\r\nok`,
  'endless length': `${OK}content-length: ${'9'.repeat(40)}\r\n\r\nok`,
  'length and chunked': `${OK}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'chunked and length': `${OK}transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'gzip, chunked': `${OK}transfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'gzip and chunked in two fields': `${OK}transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'chunked twice': `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'chunked, gzip': `${OK}transfer-encoding: chunked, gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'transfer coding gzip': `${OK}transfer-encoding: gzip\r\n\r\nok`,
  'transfer coding identity': `${OK}transfer-encoding: identity\r\n\r\nok`,
  'status 99': 'HTTP/1.1 99 Odd\r\ncontent-length: 0\r\n\r\n',
  'status 099': 'HTTP/1.1 099 Odd\r\ncontent-length: 0\r\n\r\n',
  'status 1000': 'HTTP/1.1 1000 Odd\r\ncontent-length: 0\r\n\r\n',
  'status 2x0': 'HTTP/1.1 2x0 Odd\r\ncontent-length: 0\r\n\r\n',
  'no status': 'HTTP/1.1 \r\ncontent-length: 0\r\n\r\n',
  'another protocol': 'SSH-2.0-OpenSSH_9.9\r\n\r\n',
  'HTTP/2 version': 'HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n',
  'lower-case protocol': 'http/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
  'an answer to nobody: 101': 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
  'a head of 100 KiB': `${OK}${'x-a: 0123456789012345678901234567\r\n'.repeat(2926)}content-length: 0\r\n\r\n`,
  'a field of 100 KiB': `${OK}x-a: ${'a'.repeat(102_400)}\r\ncontent-length: 0\r\n\r\n`,
}

/** What other protocols say first. */
const GARBAGE: Record<string, string> = {
  'a TLS alert': '\x15\x03\x01\x00\x02\x02\x28',
  'an HTTP/2 preface': '\x00\x00\x12\x04\x00\x00\x00\x00\x00',
  'a greeting of another protocol': '220 mail.test ESMTP',
  'a broken status line': 'HTTP/1.1 2x',
  'a broken field': `${OK}x-a\x00`,
}

/** Answers that must never be relayed. */
export function malformed(check: Check): void {
  for (const [name, head] of Object.entries(HEADS)) {
    check(`${name} is refused`, async (bench) => {
      const server = await bench.with(answering(head))
      const line = bench.line(server.port)
      const seen = await line.ask()
      expect(seen.failure).toMatchObject({
        reason: 'bad_response',
        phase: 'headers',
        bytesSent: true,
        requestDone: true,
      })
      expect(seen.names).toEqual(['onConnected', 'onFailure'])
      await line.becomesClosed()
      expect(line.owner.idle).toBe(0)
    })
  }

  check('a head without end is refused', async (bench) => {
    const piece = `x-a: ${'a'.repeat(1000)}\r\n`.repeat(16)
    const feed = async (peer: TcpPeer): Promise<void> => {
      await peer.receive('\r\n\r\n')
      peer.send(OK)
      while (!peer.closed && peer.error === undefined) {
        peer.send(piece)
        await settle(2)
      }
    }
    const server = await bench.with(tcpServer((peer) => void feed(peer)))
    const line = bench.line(server.port)
    const seen = await line.ask()
    expect(seen.failure?.reason).toBe('bad_response')
    await line.becomesClosed()
    await until(() => server.open === 0)
  })

  for (const [name, garbage] of Object.entries(GARBAGE)) {
    check(`${name} is refused without waiting for the end of a line`, async (bench) => {
      const server = await bench.with(answering(Buffer.from(garbage, 'latin1')))
      const line = bench.line(server.port)
      expect((await line.ask()).failure?.reason).toBe('bad_response')
      await line.becomesClosed()
    })
  }

  check('1xx answers without end are refused', async (bench) => {
    const piece = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(400)
    const feed = async (peer: TcpPeer): Promise<void> => {
      await peer.receive('\r\n\r\n')
      while (!peer.closed && peer.error === undefined) {
        peer.send(piece)
        await settle(2)
      }
    }
    const server = await bench.with(tcpServer((peer) => void feed(peer)))
    const line = bench.line(server.port)
    const seen = await line.ask()
    expect(seen.failure?.reason).toBe('bad_response')
    expect(seen.informational.length).toBeGreaterThan(1000)
    await line.becomesClosed()
    await until(() => server.open === 0)
  })

  check('a malformed head after a good answer', async (bench) => {
    let answers = 0
    const server = await bench.with(
      tcpServer((peer) => {
        peer.socket.on('data', () => {
          answers++
          peer.send(answers === 1 ? `${OK}content-length: 2\r\n\r\nok` : `${OK}x-a : 1\r\n\r\n`)
        })
      }),
    )
    const line = bench.line(server.port)
    await line.ask()
    await line.becomesIdle()
    const seen = await line.ask()
    expect(seen.failure).toMatchObject({ reason: 'bad_response', reused: true, responseStarted: true })
  })
}
