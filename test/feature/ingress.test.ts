import { METHODS } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { field, fields } from '../kit/client.ts'
import { echo, type Gate, type GateOptions, gate, HTTP1_SERVERS, ok, type Respond, reply } from '../kit/ingress.ts'
import { settle, until } from '../kit/until.ts'

describe.each(HTTP1_SERVERS)('http1: %s', (http1) => {
  let open: Gate | undefined

  async function start(respond: Respond = ok, options: GateOptions = {}): Promise<Gate> {
    open = await gate(respond, { http1, ...options })
    return open
  }

  afterEach(async () => {
    await open?.stop()
    open = undefined
  })

  const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

  describe('a connection', () => {
    test('carries one request after another', async () => {
      const held = await start(echo)
      const client = await held.client()
      for (let i = 0; i < 5; i++) {
        client.send(`POST /${i} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell${i}`)
        const answer = await client.answer()
        expect(answer).toMatchObject({ status: 200, version: 'HTTP/1.1', body: `hell${i}` })
        expect(field(answer, 'connection')).toBe('keep-alive')
        expect(field(answer, 'date')).toMatch(/GMT$/)
      }
      expect(held.listener.connections).toBe(1)
      expect(held.listener.inFlight).toBe(0)
    })

    test('ends when the client asks for it, after the answer', async () => {
      const held = await start()
      const client = await held.client()
      client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      expect(field(await client.answer(), 'connection')).toBe('close')
      await client.ended()
    })

    test('ends after an answer that asks for it', async () => {
      const held = await start((handled) => {
        handled.downstream.closeAfter()
        ok(handled)
      })
      const client = await held.client()
      client.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
      expect(field(await client.answer(), 'connection')).toBe('close')
      await client.ended()
      expect(client.rest).toBe('')
      expect(held.handled.length).toBe(1)
    })

    test('handles pipelined requests one after another and answers in order', async () => {
      const held = await start(() => {})
      const client = await held.client()
      const post = 'POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'
      client.send(`GET /a HTTP/1.1\r\nHost: a\r\n\r\n${post}GET /c HTTP/1.1\r\nHost: a\r\n\r\n`)
      await held.request()
      await settle(50)
      expect(held.handled.length).toBe(1)
      expect(held.listener.inFlight).toBe(1)
      for (let i = 0; i < 3; i++) {
        const handled = await held.request(i)
        if (i === 1) echo(handled)
        else reply(handled.downstream, 200, handled.downstream.target)
        expect((await client.answer()).body).toBe(['/a', 'abc', '/c'][i])
        await until(() => handled.events.sent === 1)
      }
    })

    test('tells only the request under way that the client left; those behind it are never handled', async () => {
      const held = await start(() => {})
      const client = await held.client()
      client.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n')
      const { events } = await held.request()
      client.peer.reset()
      await until(() => events.gone === 'closed')
      await until(() => held.listener.connections === 0)
      expect(held.handled.length).toBe(1)
      expect(held.listener.inFlight).toBe(0)
    })

    test('holds a pipelined answer back when the client does not read', async () => {
      const held = await start(({ downstream, events }) => {
        if (downstream.target === '/1') return
        downstream.head(200, [])
        expect(events.sent).toBe(0)
        while (downstream.write(Buffer.alloc(65_536)) && downstream.bytesOut < 64_000_000);
        expect(downstream.bytesOut).toBeLessThan(64_000_000)
      })
      const client = await held.client()
      client.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
      ok(await held.request())
      const { downstream, events } = await held.request(1)
      await until(() => events.drains > 0)
      downstream.end()
      await client.answer()
      expect((await client.answer()).body.length).toBe(downstream.bytesOut)
    })

    test('that gets its answer before its body is through can go on, if little is missing', async () => {
      const held = await start()
      const client = await held.client()
      client.send('POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc')
      expect(await client.answer()).toMatchObject({ status: 200, body: 'ok' })
      client.send('defGET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
      expect(await client.answer()).toMatchObject({ status: 200 })
      expect((await held.request(1)).downstream.target).toBe('/2')
    })

    test('closes, with its answer whole, when an unwanted body is large', async () => {
      const held = await start((handled) => reply(handled.downstream, 413, 'too large'))
      for (const framing of ['Content-Length: 1000000\r\n\r\n', 'Transfer-Encoding: chunked\r\n\r\nf4240\r\n']) {
        const client = await held.client()
        client.send(`POST / HTTP/1.1\r\nHost: a\r\n${framing}`)
        for (let i = 0; i < 4; i++) client.send(Buffer.alloc(100_000))
        const answer = await client.answer()
        expect(answer).toMatchObject({ status: 413, body: 'too large', complete: true })
        await client.ended()
        // A FIN, not the reset that a close over unread bytes would be: that can take the answer with it.
        expect(client.peer.ended).toBe(true)
      }
      expect(held.handled[0]?.downstream.bytesIn).toBe(0)
      expect(held.handled[1]?.downstream.bytesIn).toBeLessThan(200_000)
    })
  })

  describe('the framing of an answer', () => {
    test('is chunked without a length, and flows as it is written', async () => {
      const held = await start(() => {})
      const client = await held.client()
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      const { downstream } = await held.request()
      downstream.head(200, ['content-type', 'text/event-stream', 'X-L', 'caf\xe9'])
      await client.peer.receive('X-L: caf\xe9\r\n')
      downstream.write(bytes('data: 1\n\n'))
      await client.peer.receive('data: 1\n\n')
      downstream.write(bytes('data: \xe9\n\n'))
      downstream.trailers(['X-T', '1', 'x-t', '2', 'Content-Length', '9'])
      downstream.end()
      const answer = await client.answer()
      expect(answer).toMatchObject({ framing: 'chunked', body: 'data: 1\n\ndata: \xe9\n\n', complete: true })
      expect(answer.trailers).toEqual(['X-T', '1', 'x-t', '2'])
      expect(fields(answer, 'content-length')).toEqual([])
    })

    test.each([
      ['at once', true],
      ['later', false],
    ])('of a known length goes out as it is written, with the body %s and the end last', async (_when, together) => {
      const held = await start(({ downstream }) => {
        downstream.head(200, ['content-length', '4'])
        if (together) downstream.write(bytes('f\xe9\xff!'))
      })
      const client = await held.client()
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await client.peer.receive('\r\n\r\n')
      const { downstream, events } = await held.request()
      if (!together) downstream.write(bytes('f\xe9\xff!'))
      await client.peer.receive('\r\n\r\nf\xe9\xff!')
      expect(events.sent).toBe(0)
      downstream.end()
      expect(await client.answer()).toMatchObject({ framing: 'length', body: 'f\xe9\xff!', complete: true })
      await until(() => events.sent === 1)
    })

    test('has no trailers beside a length', async () => {
      const held = await start(({ downstream }) => {
        downstream.head(200, ['content-length', '2'])
        downstream.write(bytes('ok'))
        downstream.trailers(['x', '1'])
        downstream.end()
      })
      const client = await held.client()
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      expect(await client.answer()).toMatchObject({ framing: 'length', body: 'ok' })
      await settle()
      expect(client.rest).toBe('')
    })

    test('drops a trailer that cannot be written, and keeps the others', async () => {
      const held = await start(({ downstream }) => {
        downstream.head(200, [])
        downstream.trailers(['x', '1', 'y', 'a\nb'])
        downstream.end()
      })
      const client = await held.client()
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      expect((await client.answer()).trailers).toEqual(['x', '1'])
    })

    test('of HEAD, 204 and 304 leaves the connection in step', async () => {
      const held = await start(({ downstream }) => {
        const status = downstream.method === 'HEAD' ? 200 : Number(downstream.target.slice(1))
        downstream.head(status, ['content-length', '5'])
        downstream.write(bytes('12345'))
        downstream.end()
      })
      const client = await held.client()
      client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
      const head = await client.answer('HEAD')
      expect(field(head, 'content-length')).toBe('5')
      client.send('GET /204 HTTP/1.1\r\nHost: a\r\n\r\n')
      const empty = await client.answer()
      expect(empty.status).toBe(204)
      expect(fields(empty, 'content-length')).toEqual([])
      client.send('GET /304 HTTP/1.1\r\nHost: a\r\n\r\n')
      expect(field(await client.answer(), 'content-length')).toBe('5')
      client.send('GET /200 HTTP/1.1\r\nHost: a\r\n\r\n')
      expect((await client.answer()).body).toBe('12345')
      expect(client.rest).toBe('')
    })

    test('has the reason phrase of the head that went out', async () => {
      const held = await start(({ downstream }) => {
        expect(downstream.head(200, ['x', 'a\nb'])).toBe(false)
        reply(downstream, 502, 'bad')
      })
      const client = await held.client()
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await client.peer.receive('HTTP/1.1 502 Bad Gateway\r\n')
    })

    test('whose head cannot be written, and that node takes for one without body, may be another one', async () => {
      const held = await start(({ downstream }) => {
        expect(downstream.head(204, ['x', 'a\nb'])).toBe(false)
        reply(downstream, 502, 'bad')
      })
      const client = await held.client()
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      expect(await client.answer()).toMatchObject({ status: 502, body: 'bad', complete: true })
    })

    test('keeps a date that is there', async () => {
      const held = await start(({ downstream }) =>
        reply(downstream, 200, 'ok', ['Date', 'Thu, 01 Jan 1970 00:00:00 GMT']),
      )
      const client = await held.client()
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      expect(fields(await client.answer(), 'date')).toEqual(['Thu, 01 Jan 1970 00:00:00 GMT'])
    })
  })

  describe('an HTTP/1.0 client', () => {
    test('gets no chunks and no 1xx: the end of the connection ends the body, even when it asks for chunks', async () => {
      const held = await start(({ downstream }) => {
        downstream.informational(103, ['link', '</a>'])
        downstream.head(200, [])
        downstream.write(bytes('part'))
        downstream.trailers(['x', '1'])
        downstream.end()
      })
      const client = await held.client()
      client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\nTE: chunked\r\n\r\n')
      expect(await client.answer()).toMatchObject({ status: 200, framing: 'close', body: 'part' })
      expect(held.handled[0]?.downstream).toMatchObject({ protocol: 'HTTP/1.0', host: '', authority: '' })
    })

    test('keeps its connection only where it asks for it and the answer has a length', async () => {
      const held = await start()
      const client = await held.client()
      client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
      expect(field(await client.answer(), 'connection')).toBe('keep-alive')
      client.send('GET / HTTP/1.0\r\n\r\n')
      expect(field(await client.answer(), 'connection')).toBe('close')
      await client.ended()
    })

    test('sees a broken answer by a reset, not by an end', async () => {
      const held = await start(({ downstream }) => {
        downstream.head(200, [])
        downstream.write(bytes('part'))
      })
      const client = await held.client()
      client.send('GET / HTTP/1.0\r\n\r\n')
      await client.peer.receive('part')
      held.handled[0]?.downstream.reset()
      await until(() => client.peer.closed)
      expect(client.peer.error?.code).toBe('ECONNRESET')
    })

    test('has its Expect ignored', async () => {
      const held = await start(echo)
      const client = await held.client()
      client.send('POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi')
      expect(await client.answer()).toMatchObject({ status: 200, body: 'hi' })
    })
  })

  describe('Expect: 100-continue', () => {
    const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-Continue\r\n\r\n'

    test('is answered when the body is wanted, and not before', async () => {
      const held = await start(() => {})
      const client = await held.client()
      client.send(HEAD)
      const handled = await held.request()
      await settle(50)
      expect(client.rest).toBe('')
      echo(handled)
      expect((await client.answer()).status).toBe(100)
      client.send('body')
      expect(await client.answer()).toMatchObject({ status: 200, body: 'body' })
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      echo(await held.request(1))
      expect((await client.answer()).status).toBe(200)
    })

    test('is not answered when the request is refused: the connection closes after the answer', async () => {
      const held = await start((handled) => reply(handled.downstream, 503, 'no'))
      const client = await held.client()
      client.send(HEAD)
      const answer = await client.answer()
      expect(answer).toMatchObject({ status: 503, body: 'no' })
      expect(field(answer, 'connection')).toBe('close')
      await client.ended()
    })

    test('of another kind is 417', async () => {
      const held = await start()
      const client = await held.client()
      client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 200-ok, 100-continue\r\n\r\n')
      expect((await client.answer()).status).toBe(417)
      await client.ended()
      expect(held.accepted).toEqual([])
    })
  })

  describe('the request target', () => {
    test('in absolute form decides the host, and Host is set from it', async () => {
      const held = await start()
      const client = await held.client()
      for (const [url, host, authority, target] of [
        ['http://Shop.Test:81/a%2Fb?x=1', 'shop.test', 'Shop.Test:81', '/a%2Fb?x=1'],
        ['HTTP://shop.test.?x', 'shop.test', 'shop.test.', '/?x'],
        ['https://[::1]:443', '[::1]', '[::1]:443', '/'],
      ] as const) {
        const before = held.handled.length
        client.send(`GET ${url} HTTP/1.1\r\nHost: other.test\r\n\r\n`)
        expect((await client.answer()).status).toBe(200)
        const { downstream } = await held.request(before)
        expect(downstream).toMatchObject({ host, authority, target })
        expect(downstream.headers).toEqual(['Host', authority])
      }
    })

    test('OPTIONS * arrives as *, in absolute form too', async () => {
      const held = await start()
      const client = await held.client()
      client.send('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n')
      await client.answer()
      client.send('OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n')
      await client.answer()
      expect(held.accepted.map(({ downstream }) => [downstream.target, downstream.host])).toEqual([
        ['*', 'a'],
        ['*', 'b'],
      ])
    })
  })

  test('every method that the parser knows is handed over, but CONNECT', async () => {
    const held = await start()
    const client = await held.client()
    const methods = METHODS.filter((method) => method !== 'CONNECT')
    // RFC 9110, section 9.1: whether it means something is the affair of who answers.
    if (http1 === 'own') methods.push('FOO', 'get', "x-!#$%&'*+.^_`|~1", 'M'.repeat(32))
    for (const method of methods) {
      client.send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`)
      expect((await client.answer(method)).status).toBe(200)
    }
    expect(held.accepted.map(({ downstream }) => downstream.method)).toEqual(methods)
  })

  describe('Upgrade is an offer that is not taken up (RFC 9110, section 7.8)', () => {
    const offers = [
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n',
      'Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n',
      'Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n',
      'Upgrade: h2c, websocket\r\nUPGRADE: foo/2\r\nConnection: x\r\nConnection: UPGRADE, keep-alive\r\n',
      'Upgrade: websocket\r\n',
      'Connection: Upgrade\r\n',
      'Connection: Upgrade\r\nUpgrade: ?/?, ,\r\n',
    ]
    const head = (method: string, offer: string, more = ''): string =>
      `${method} / HTTP/1.1\r\nHost: a\r\n${offer}${more}\r\n`
    const plain = head('GET', '')

    test.each(offers)('%j: one request after another is served over one connection, body and all', async (offer) => {
      const held = await start(echo)
      const client = await held.client()
      for (const [method, more, body] of [
        ['GET', '', ''],
        ['POST', 'Content-Length: 4\r\n', 'body'],
        ['HEAD', '', ''],
        ['GET', 'Content-Length: 2\r\n', 'hi'],
        ['OPTIONS', 'Content-Length: 0\r\n', ''],
      ] as const) {
        client.send(head(method, offer, more) + body)
        expect(await client.answer(method)).toMatchObject({ status: 200, body: method === 'HEAD' ? '' : body })
      }
      expect(held.accepted.map(({ refusal }) => refusal)).toEqual(Array(5).fill(undefined))
    })

    test('a body may come in pieces, and another request behind its answer', async () => {
      const held = await start(echo)
      const client = await held.client()
      client.send(head('POST', offers[1] as string, 'Content-Length: 4\r\n'))
      await until(() => held.accepted.length === 1)
      client.send('bo')
      await until(() => held.accepted[0]?.downstream.bytesIn === 2)
      client.send('dy')
      expect(await client.answer()).toMatchObject({ status: 200, body: 'body' })
      client.send(plain)
      expect((await client.answer()).status).toBe(200)
    })

    const follows = {
      'a request': plain,
      'half of one': plain.slice(0, 10),
      'the frames of another protocol': '\x81\x85\x00\x00\x00\x00hello',
    }
    const behind = {
      GET: head('GET', offers[1] as string),
      'a body': `${head('POST', offers[1] as string, 'Content-Length: 4\r\n')}body`,
      'a body in chunks': `${head('POST', offers[1] as string, 'Transfer-Encoding: chunked\r\n')}4;x=y\r\nbody\r\n0\r\nx-t: 1\r\n\r\n`,
      'two offers': head('GET', '') + head('GET', offers[1] as string),
    }
    // node:http drops what it has read behind an offer; a server that is our own does not.
    test.runIf(http1 === 'own').each(Object.entries(behind))(
      '%s, %j, with a request right behind: all are answered',
      async (_first, text) => {
        const held = await start(echo)
        const client = await held.client()
        client.send(text + plain)
        const answers = text.split('Host: a').length
        for (let i = 0; i < answers; i++) expect((await client.answer()).status).toBe(200)
        expect(client.rest).toBe('')
        expect((await client.send(plain).answer()).status).toBe(200)
        expect(held.accepted).toHaveLength(answers + 1)
      },
    )

    test
      .runIf(http1 === 'node')
      .each(
        Object.entries(behind).flatMap(([first, text]) =>
          Object.entries(follows).map((next) => [first, text, ...next]),
        ),
      )(
      '%s, %j, with %s right behind: nothing is lost without a word, the connection closes',
      async (_first, text, _next, more) => {
        const held = await start(echo)
        const client = await held.client()
        client.send(text + more)
        const answers = text.split('Host: a').length - 1
        for (let i = 0; i < answers; i++) expect((await client.answer()).status).toBe(200)
        await client.ended()
        expect(client.rest).toBe('')
        expect(held.accepted).toHaveLength(answers)
      },
    )

    test('a client that waits for 100 gets it', async () => {
      const held = await start(echo)
      const client = await held.client()
      client.send(head('POST', offers[1] as string, 'Expect: 100-continue\r\nContent-Length: 2\r\n'))
      expect((await client.answer()).status).toBe(100)
      client.send('hi')
      expect(await client.answer()).toMatchObject({ status: 200, body: 'hi' })
    })

    test('HTTP/1.0 has none, and nothing is lost behind one there', async () => {
      const held = await start(echo)
      const client = await held.client()
      client.send(`GET / HTTP/1.0\r\nHost: a\r\n${offers[2]}\r\n`)
      expect((await client.answer()).status).toBe(200)
      client.send(`POST / HTTP/1.0\r\nHost: a\r\n${offers[2]}Content-Length: 2\r\n\r\nhi${plain}`)
      expect((await client.answer()).status).toBe(200)
      if (http1 === 'own') expect((await client.answer()).status).toBe(200)
      else await client.ended()
      expect(held.accepted).toHaveLength(http1 === 'own' ? 3 : 2)
    })
  })
})
