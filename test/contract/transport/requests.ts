import { expect } from 'vitest'
import { answering, tcpServer } from '../../kit/tcp.ts'
import { settle, until } from '../../kit/until.ts'
import { seenField, testUpstream } from '../../kit/upstream.ts'
import { type Check, Recorder } from './harness.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

/** What goes out. */
export function requests(check: Check): void {
  check('GET: the head goes out byte for byte, order, case and duplicates kept', async (bench) => {
    const server = await bench.with(answering(OK))
    const line = bench.line(server.port)
    const headers = ['X-One', '1', 'x-two', 'caf\xe9 \xff', 'X-One', '3', 'x-empty', '']
    const seen = await line.ask({ target: '/a%2Fb/../c?x=%zz&y=[1]|', authority: 'Shop.test:8080', headers })
    expect(seen.names).toEqual(['onConnected', 'onHead', 'onData', 'onEnd'])
    const lines = (server.peers[0]?.text ?? '').split('\r\n')
    expect(lines[0]).toBe('GET /a%2Fb/../c?x=%zz&y=[1]| HTTP/1.1')
    expect(lines.filter((l) => /^host:/i.test(l)).map((l) => l.slice(6))).toEqual(['Shop.test:8080'])
    expect(lines.filter((l) => /^x-/i.test(l))).toEqual(['X-One: 1', 'x-two: caf\xe9 \xff', 'X-One: 3', 'x-empty: '])
    expect(lines.some((l) => /^(content-length|transfer-encoding|expect):/i.test(l))).toBe(false)
    expect(lines.some((l) => /^connection: *close/i.test(l))).toBe(false)
  })

  check('TE goes out named by Connection, or not at all', async (bench) => {
    const server = await bench.with(answering(OK))
    await bench.line(server.port).ask({ headers: ['x-one', '1', 'TE', 'trailers'] })
    const lines = (server.peers[0]?.text ?? '').toLowerCase().split('\r\n')
    const named = lines.some((l) => /^connection:.*\bte\b/.test(l))
    expect(lines.includes('te: trailers')).toBe(named)
    expect(lines).toContain('x-one: 1')
  })

  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PUT', 'PATCH', 'PROPFIND']) {
    check(`${method} without body keeps the connection`, async (bench) => {
      const server = await bench.with(testUpstream())
      const line = bench.line(server.port)
      for (let i = 1; i <= 3; i++) {
        const seen = await line.ask({ method, target: `/${i}` })
        expect(seen.status).toBe(200)
        expect(seen.reused).toBe(i > 1)
        expect(seen.body).toBe(method === 'HEAD' ? '' : 'ok')
        await line.becomesIdle(i)
        expect(line.link.served).toBe(i)
      }
      expect(server.accepted).toBe(1)
      expect(server.seen.map((request) => request.method)).toEqual([method, method, method])
    })
  }

  for (const method of ['POST', 'GET', 'DELETE']) {
    check(`${method} with a body of known length`, async (bench) => {
      const server = await bench.with(testUpstream())
      const line = bench.line(server.port)
      for (let i = 1; i <= 2; i++) {
        const seen = new Recorder()
        seen.on.onWantBody = () => {
          line.stream.write(Buffer.from('hello '))
          line.stream.write(Buffer.alloc(0))
          line.stream.write(Buffer.from('world'))
          line.stream.end([])
        }
        line.start({ method, contentLength: 11 }, seen)
        await seen.done()
        expect(seen.status).toBe(200)
        expect(seen.wanted).toBe(1)
        await line.becomesIdle(i)
      }
      expect(server.seen[0]?.body.toString()).toBe('hello world')
      expect(seenField(server.seen[0]!, 'content-length')).toBe('11')
      expect(seenField(server.seen[0]!, 'transfer-encoding')).toBeUndefined()
      expect(server.accepted).toBe(1)
    })
  }

  check(
    'POST of unknown length is chunked, with trailers; those that cannot be written, or frame, are left out',
    async (bench) => {
      const server = await bench.with(testUpstream())
      const line = bench.line(server.port)
      const bad = [
        '',
        'x',
        'x y',
        '1',
        'x:',
        '1',
        'x\r\ny',
        '1',
        'x-lf',
        '1\r\ny: 2',
        'x-wide',
        '\u010a',
        'Content-Length',
        '9',
      ]
      for (const [i, trailers] of [
        [],
        ['X-Sum', 'caf\xe9', 'x-sum', '', ...bad, 'Host', 'a', 'x-last', '1'],
      ].entries()) {
        const seen = line.start({ method: 'POST', contentLength: -1 })
        await until(() => seen.wanted === 1)
        line.stream.write(Buffer.from('one'))
        await settle()
        line.stream.write(Buffer.from('two'))
        line.stream.end(trailers)
        await seen.done()
        const request = server.seen[i]!
        expect(request.body.toString()).toBe('onetwo')
        expect(seenField(request, 'transfer-encoding')).toBe('chunked')
        expect(seenField(request, 'content-length')).toBeUndefined()
        expect(request.trailers).toEqual(i === 0 ? [] : ['X-Sum', 'caf\xe9', 'x-sum', '', 'x-last', '1'])
        await line.becomesIdle(i + 1)
      }
      expect(server.accepted).toBe(1)
    },
  )

  check('a body with a length, or without octets, has no trailers but in chunks', async (bench) => {
    const server = await bench.with(testUpstream())
    const line = bench.line(server.port)
    for (const [i, contentLength] of [3, -1, 0].entries()) {
      const seen = line.start({ method: 'POST', contentLength })
      seen.on.onWantBody = () => {
        if (contentLength === 3) line.stream.write(Buffer.from('abc'))
        line.stream.end(['x-sum', '1'])
      }
      await seen.done()
      expect(seen.status).toBe(200)
      expect(server.seen[i]?.trailers).toEqual(contentLength === -1 ? ['x-sum', '1'] : [])
      await line.becomesIdle(i + 1)
    }
  })

  check('an upload of unknown length may turn out empty', async (bench) => {
    const server = await bench.with(testUpstream())
    const line = bench.line(server.port)
    const seen = line.start({ method: 'POST', contentLength: -1 })
    seen.on.onWantBody = () => line.stream.end([])
    await seen.done()
    expect(seen.status).toBe(200)
    expect(server.seen[0]?.body.length).toBe(0)
  })

  check('a body arrives whole, however it is cut and whenever it comes', async (bench) => {
    const server = await bench.with(testUpstream())
    const line = bench.line(server.port)
    let asked = 0
    for (const length of [1, 1_024, 16_384, 16_385, 70_000]) {
      for (const cut of [0, 1, length >> 1, length - 1]) {
        for (const late of [false, true]) {
          for (const contentLength of [length, -1]) {
            const body = Buffer.alloc(length, 97 + (asked % 26))
            const seen = new Recorder()
            seen.on.onWantBody = () => {
              if (cut > 0) line.stream.write(body.subarray(0, cut))
              const rest = (): void => {
                line.stream.write(body.subarray(cut))
                line.stream.end([])
              }
              if (late) setImmediate(rest)
              else rest()
            }
            await line.start({ method: 'POST', contentLength }, seen).done()
            expect(server.seen[asked++]?.body.equals(body)).toBe(true)
          }
        }
      }
    }
    expect(server.accepted).toBe(1)
  })

  check('the head does not wait for a body that has not come', async (bench) => {
    const server = await bench.with(tcpServer())
    const line = bench.line(server.port)
    const seen = line.start({ method: 'POST', contentLength: 2 })
    await until(() => server.peers[0]?.text.endsWith('\r\n\r\n') === true)
    expect(seen.wanted).toBe(1)
    line.stream.abort()
  })

  check('the body is asked for only when a connection is there', async (bench) => {
    const server = await bench.with(testUpstream())
    const line = bench.line(server.port)
    const seen = line.start({ method: 'POST', contentLength: 2 })
    await until(() => seen.wanted === 1)
    expect(seen.names).toEqual(['onConnected', 'onWantBody'])
    line.stream.write(Buffer.from('hi'))
    line.stream.end([])
    await seen.done()
  })

  check('uploads one after the other leave nothing behind on the socket', async (bench) => {
    const warnings: Error[] = []
    const note = (warning: Error): void => void warnings.push(warning)
    process.on('warning', note)
    const server = await bench.with(testUpstream())
    const line = bench.line(server.port)
    for (let i = 1; i <= 15; i++) {
      const seen = new Recorder()
      seen.on.onWantBody = () => {
        line.stream.write(Buffer.from('hi'))
        line.stream.end([])
      }
      line.start({ method: 'POST', contentLength: 2 }, seen)
      await seen.done()
      await line.becomesIdle(i)
    }
    process.off('warning', note)
    expect(server.accepted).toBe(1)
    expect(warnings).toEqual([])
  })

  check('the next request can be started from onIdle', async (bench) => {
    const server = await bench.with(testUpstream())
    const line = bench.line(server.port)
    const recorders: Recorder[] = [line.start({ target: '/0' })]
    line.owner.whenIdle = () => {
      if (recorders.length < 4) recorders.push(line.start({ target: `/${recorders.length}` }))
    }
    await until(() => recorders.length === 4 && recorders.every((seen) => seen.ended))
    expect(server.accepted).toBe(1)
    expect(server.seen.map((request) => request.target)).toEqual(['/0', '/1', '/2', '/3'])
  })

  check('a request that cannot be sent fails and harms no other', async (bench) => {
    const server = await bench.with(tcpServer())
    const line = bench.line(server.port)
    const seen = await line.ask({ headers: ['x-bad', 'a\r\nx-smuggled: 1'] })
    expect(seen.failure).toMatchObject({ bytesSent: false, responseStarted: false })
    await line.becomesClosed()
    expect(server.peers.map((peer) => peer.text).join('')).toBe('')
  })

  check('nothing can be smuggled by a target or a method', async (bench) => {
    const server = await bench.with(tcpServer())
    for (const request of [{ target: '/a b' }, { target: '/a\r\nx: y' }, { method: 'GET /x HTTP/1.1\r\n' }]) {
      const seen = await bench.line(server.port).ask(request)
      expect(seen.failure?.bytesSent).toBe(false)
    }
    expect(server.peers.map((peer) => peer.text).join('')).toBe('')
  })
}
