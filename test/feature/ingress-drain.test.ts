import { afterEach, describe, expect, test } from 'vitest'
import { HeldCell } from '../../src/cells/held.ts'
import { field, type HttpClient, httpClient } from '../kit/client.ts'
import { ManualClock } from '../kit/clock.ts'
import {
  echo,
  Gate,
  type GateOptions,
  HTTP1_SERVERS,
  ok,
  type Respond,
  reply,
  gate as startGate,
} from '../kit/ingress.ts'
import { settle, until } from '../kit/until.ts'

describe.each(HTTP1_SERVERS)('http1: %s', (http1) => {
  const gate = (respond: Respond, options: GateOptions = {}): Promise<Gate> => startGate(respond, { http1, ...options })
  const open: Gate[] = []
  const started = async (made: Promise<Gate>): Promise<Gate> => {
    const held = await made
    open.push(held)
    return held
  }

  afterEach(async () => {
    for (const held of open.splice(0)) await held.stop()
  })

  const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

  describe('limits.connections', () => {
    test('refuses the connection above it with 503, and lets the next one in when one has closed', async () => {
      const held = await started(gate(ok, { limits: { connections: 2 } }))
      const [first, second] = [await held.client(), await held.client()]
      expect((await first.send(GET).answer()).status).toBe(200)
      expect((await second.send(GET).answer()).status).toBe(200)
      const third = await held.client()
      expect(await third.answer()).toMatchObject({ status: 503, body: expect.stringContaining('limits.connections') })
      await third.ended()
      expect(held.handled.length).toBe(2)
      first.close()
      third.close()
      await until(() => held.listener.connections === 1)
      const fourth = await held.client()
      expect((await fourth.send(GET).answer()).status).toBe(200)
    })

    test('does not handle what a refused connection sends', async () => {
      const held = await started(gate(ok, { limits: { connections: 0 } }))
      const client = await held.client()
      client.send(GET)
      expect((await client.answer()).status).toBe(503)
      await client.ended()
      await settle()
      expect(held.handled).toEqual([])
      expect(held.malformedInputs.map(({ reason }) => reason)).toEqual(['connections'])
    })

    test('counts all workers together, and gives back what it took', async () => {
      const column = 16
      const page = new Int32Array(new SharedArrayBuffer(column * 2 * 4))
      const other = new HeldCell(page, 0, column, 1)
      const own = new HeldCell(page, 0, column, 0)
      other.take()
      const held = await started(gate(ok, { limits: { connections: 2 }, count: own }))
      const first = await held.client()
      expect((await first.send(GET).answer()).status).toBe(200)
      expect((await (await held.client()).answer()).status).toBe(503)
      expect(own.mine()).toBe(1)
      other.give()
      expect((await (await held.client()).send(GET).answer()).status).toBe(200)
      await held.stop()
      expect(own.mine()).toBe(0)
    })
  })

  describe('drain', () => {
    test('closes each connection with the answer that is under way or comes next', async () => {
      const held = await started(gate(() => {}))
      const client = await held.client()
      client.send(GET)
      const { downstream } = await held.request()
      held.listener.drain()
      await settle(50)
      held.respond = ok
      ok({ downstream } as never)
      expect(field(await client.answer(), 'connection')).toBe('close')
      await client.ended()
      const late = await held.client()
      expect(field(await late.send(GET).answer(), 'connection')).toBe('close')
      await late.ended()
    })

    test('lets an answer that has begun go on', async () => {
      const held = await started(gate(() => {}))
      const client = await held.client()
      client.send(GET)
      const { downstream } = await held.request()
      downstream.head(200, ['content-length', '8'])
      downstream.write(Buffer.from('half'))
      await client.peer.receive('half')
      held.listener.drain()
      downstream.write(Buffer.from('half'))
      downstream.end()
      expect(await client.answer()).toMatchObject({ body: 'halfhalf', complete: true })
      await client.ended()
    })

    test('closes idle connections bit by bit, until none is left', async () => {
      const held = await started(gate(ok))
      const clients: HttpClient[] = []
      for (let i = 0; i < 60; i++) {
        const client = await held.client()
        expect((await client.send(GET).answer()).status).toBe(200)
        clients.push(client)
      }
      held.listener.drain()
      await until(() => clients.some((client) => client.peer.ended))
      expect(clients.filter((client) => client.peer.ended).length).toBeLessThan(30)
      await until(() => clients.every((client) => client.peer.ended))
      expect(clients.every((client) => client.peer.error === undefined)).toBe(true)
      for (const client of clients) client.peer.end()
      await until(() => held.listener.connections === 0)
    })

    test('answers all that kept-alive clients go on sending; what it does not answer was never handled', async () => {
      const held = await started(gate(ok))
      const clients = await Promise.all(Array.from({ length: 20 }, () => held.client()))
      let answers = 0
      const busy = clients.map(async (client) => {
        for (;;) {
          if (client.peer.ended) return
          client.send(GET)
          try {
            const answer = await client.answer()
            answers++
            expect(answer.status).toBe(200)
            if (field(answer, 'connection') === 'close') return
          } catch {
            return
          }
        }
      })
      await until(() => held.handled.length > 100)
      held.listener.drain()
      await Promise.all(busy)
      expect(answers).toBe(held.handled.length)
    })
  })

  describe('close', () => {
    test('stops listening; connections that are there live on', async () => {
      const held = await started(gate(ok))
      const client = await held.client()
      expect((await client.send(GET).answer()).status).toBe(200)
      await held.listener.close()
      await expect(httpClient(held.port)).rejects.toThrow('ECONNREFUSED')
      expect((await client.send(GET).answer()).status).toBe(200)
      await held.listener.close()
    })

    test('leaves the check of slow heads running', async () => {
      const held = await started(gate(ok, { timeouts: { headers: 200 } }))
      const client = await held.client()
      expect((await client.send(GET).answer()).status).toBe(200)
      await held.listener.close()
      client.send('GET / HTTP/1.1\r\n')
      expect((await client.answer()).status).toBe(408)
    })

    test('accepts the whole backlog before it closes', async () => {
      const held = await started(gate(ok))
      const connecting = Array.from({ length: 50 }, () => httpClient(held.port))
      const closed = held.listener.close()
      const clients = await Promise.all(connecting)
      await closed
      for (const client of clients) expect((await client.send(GET).answer()).status).toBe(200)
      for (const client of clients) client.close()
    })

    test('two listeners share a port; the leaving one loses nothing that it accepted', async () => {
      const first = await started(gate(echo))
      const second = new Gate(echo)
      const config = { name: 'web', host: '127.0.0.1', port: first.port }
      await started(second.start({ http1, at: config }))
      const clients = await Promise.all(Array.from({ length: 40 }, () => httpClient(first.port)))
      await until(() => first.listener.connections + second.listener.connections === 40)
      expect(first.listener.connections).toBeGreaterThan(0)
      expect(second.listener.connections).toBeGreaterThan(0)
      await first.listener.close()
      for (const client of clients) expect((await client.send(GET).answer()).status).toBe(200)
      expect((await (await first.client()).send(GET).answer()).status).toBe(200)
      for (const client of clients) client.close()
    })
  })

  describe('listen', () => {
    test('rejects with the code of the system when the port is taken', async () => {
      const held = await started(gate(ok))
      const second = new Gate(ok)
      await expect(second.start({ http1, at: { port: held.port }, reusePort: false })).rejects.toMatchObject({
        code: 'EADDRINUSE',
      })
    })
  })

  test('cut ends every connection at once', async () => {
    const held = await started(gate(() => {}))
    const client = await held.client()
    client.send(GET)
    const { events } = await held.request()
    held.listener.cut()
    await client.ended()
    await until(() => events.gone === 'closed')
    await until(() => held.listener.connections === 0)
    expect(held.listener.inFlight).toBe(0)
  })

  test('what is answered in the turn of the cut goes out before', async () => {
    const held = await started(gate(() => {}))
    const client = await held.client()
    client.send(GET)
    const { downstream } = await held.request()
    reply(downstream, 503, 'late')
    held.listener.cut()
    expect(await client.answer()).toMatchObject({ status: 503, body: 'late', complete: true })
  })

  test('an idle connection is closed after timeouts.keepAlive', async () => {
    const held = await started(gate(ok, { timeouts: { keepAlive: 100 } }))
    const client = await held.client()
    expect((await client.send(GET).answer()).status).toBe(200)
    // node keeps it a second longer than it says, so that a request under way is not lost.
    await client.ended()
  })

  test('the silence of a body is measured from byte to byte, and not while we hold it back', async () => {
    const clock = new ManualClock()
    const held = await started(gate(() => {}, { timeouts: { body: 1000 }, clock }))
    const client = await held.client()
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n')
    const { downstream, events } = await held.request()
    clock.advance(5000)
    downstream.startBody()
    for (let i = 1; i <= 10; i++) {
      clock.advance(900)
      client.send('x')
      await until(() => downstream.bytesIn === i)
    }
    downstream.pauseBody()
    clock.advance(5000)
    expect(events.gone).toBe(undefined)
    downstream.resumeBody()
    clock.advance(990)
    expect(events.gone).toBe(undefined)
    clock.advance(20)
    expect(events.gone).toBe('too_slow')
  })
})
