import { afterEach, describe, expect, test } from 'vitest'
import type { HttpClient } from '../kit/client.ts'
import { ManualClock } from '../kit/clock.ts'
import { echo, Gate, type GateOptions, HTTP1_SERVERS, type Respond, reply } from '../kit/ingress.ts'
import { settle, until } from '../kit/until.ts'

const get = (target = '/'): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`
const upload = (length: number, body: string): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`

/** Answers nothing by itself. */
const hold: Respond = () => {}

describe.each(HTTP1_SERVERS)('a client that closes its side, http1: %s', (http1) => {
  let held: Gate
  let clock: ManualClock
  let client: HttpClient
  afterEach(() => held.stop())

  async function open(respond: Respond, halfClose: GateOptions['halfClose'] = 'auto'): Promise<void> {
    clock = new ManualClock()
    held = await new Gate(respond).start({ http1, halfClose, clock })
    client = await held.client()
  }

  /** Request number `index` is answered, and only now. */
  async function answered(index: number): Promise<void> {
    const { downstream, events } = await held.request(index)
    await settle(20)
    expect(events.gone).toBe(undefined)
    reply(downstream, 200, `answer ${index}`)
    expect(await client.answer()).toMatchObject({ status: 200, body: `answer ${index}`, complete: true })
  }

  async function gone(index: number): Promise<void> {
    const { downstream, events } = await held.request(index)
    await until(() => events.gone === 'closed')
    expect(downstream.gone).toBe(true)
    await client.ended()
    expect(client.rest).toBe('')
  }

  describe('auto', () => {
    test('with its request gets its answer, and then the end', async () => {
      await open(hold)
      client.send(get()).peer.end()
      await answered(0)
      await client.ended()
      await until(() => held.listener.connections === 0)
    })

    test('has gone if it was reading a stream of events, which may be silent for long', async () => {
      await open(hold)
      client.send(get())
      const { downstream, events } = await held.request()
      downstream.head(200, ['content-type', 'text/event-stream'])
      downstream.write(Buffer.from('data: 1\n\n'))
      await client.peer.receive('data: 1')
      client.peer.end()
      await until(() => events.gone === 'closed')
    })

    test('has gone if it waited for the answer', async () => {
      await open(hold)
      client.send(get())
      await held.request()
      clock.advance(101)
      client.peer.end()
      await gone(0)
    })

    test('with a body counts from the end of that', async () => {
      await open(hold)
      client.send(upload(4, 'x'))
      const { downstream, events } = await held.request()
      downstream.startBody()
      await until(() => events.body === 'x')
      clock.advance(1_000)
      client.send('yyy').peer.end()
      await until(() => events.ended)
      await answered(0)
      await client.ended()
    })

    test('in a body has gone', async () => {
      await open(hold)
      client.send(upload(4, 'x'))
      await held.request()
      client.peer.end()
      await gone(0)
    })

    test('in an answer gets the rest of it', async () => {
      await open(hold)
      client.send(get())
      const { downstream } = await held.request()
      downstream.head(200, [])
      downstream.write(Buffer.from('one '))
      await client.peer.receive('one ')
      client.peer.end()
      await settle(20)
      downstream.write(Buffer.from('two'))
      downstream.end()
      expect(await client.answer()).toMatchObject({ status: 200, body: 'one two', complete: true })
      await client.ended()
    })

    test('with three requests gets three answers', async () => {
      await open(hold)
      client.send(get('/0') + upload(3, 'abc') + get('/2')).peer.end()
      for (const index of [0, 1, 2]) await answered(index)
      expect(held.handled).toHaveLength(3)
      await client.ended()
      await until(() => held.listener.connections === 0)
    })

    test('with more requests than one read brings gets all answers', async () => {
      await open(echo)
      client.send(get().repeat(1_000) + upload(100_000, 'x'.repeat(100_000))).peer.end()
      for (let i = 0; i < 1_000; i++) expect((await client.answer()).status).toBe(200)
      expect((await client.answer()).body).toHaveLength(100_000)
      await client.ended()
    })

    test('while three requests wait behind the first has gone, if it is long after the last', async () => {
      await open(hold)
      client.send(get('/0'))
      await held.request()
      clock.advance(200)
      client.send(get('/1') + get('/2') + get('/3'))
      await settle(20)
      clock.advance(101)
      client.peer.end()
      await gone(0)
      expect(held.handled).toHaveLength(1)
    })

    test('while requests wait gets their answers, if it is soon after the last', async () => {
      await open(hold)
      client.send(get('/0'))
      await held.request()
      clock.advance(200)
      client.send(get('/1') + get('/2')).peer.end()
      for (const index of [0, 1, 2]) await answered(index)
      await client.ended()
    })

    test('in the body of a request that waits: the one before it is answered, it has gone', async () => {
      await open(hold)
      client.send(get('/0') + upload(10, 'half')).peer.end()
      await answered(0)
      await gone(1)
    })

    test('in the head of a request that waits: those before it are answered', async () => {
      await open(hold)
      client.send(`${get('/0') + get('/1')}GET / HTTP/1.1\r\nHo`).peer.end()
      await answered(0)
      await answered(1)
      await client.ended()
      expect(held.handled).toHaveLength(2)
      // node:http looked for it too early.
      expect(held.faults).toEqual(http1 === 'own' ? ['cut_short'] : [])
    })

    test('and resets afterwards is noticed at the answer', async () => {
      await open(hold)
      client.send(get()).peer.end()
      const { downstream, events } = await held.request()
      await settle(20)
      expect(events.gone).toBe(undefined)
      client.peer.reset()
      await settle(20)
      downstream.head(200, [])
      for (let i = 0; i < 50 && events.gone === undefined; i++) {
        downstream.write(Buffer.alloc(10_000))
        await settle(2)
      }
      expect(events.gone).toBe('closed')
    })
  })

  test('answer: gets its answer, however late it closes', async () => {
    await open(hold, 'answer')
    client.send(get('/0') + get('/1'))
    await held.request()
    clock.advance(10_000)
    client.peer.end()
    await answered(0)
    await answered(1)
    await client.ended()
  })

  test('answer: in a body has gone', async () => {
    await open(hold, 'answer')
    client.send(upload(4, 'x'))
    await held.request()
    client.peer.end()
    await gone(0)
  })

  test('abort: has gone at once', async () => {
    await open(hold, 'abort')
    client.send(get())
    await held.request()
    client.peer.end()
    await gone(0)
  })

  test('abort: gets an answer that was given already', async () => {
    await open(({ downstream }) => reply(downstream, 200, 'x'.repeat(5_000_000)), 'abort')
    client.peer.socket.pause()
    client.send(get())
    await held.request()
    client.peer.end()
    await settle(20)
    client.peer.socket.resume()
    expect(await client.answer()).toMatchObject({ status: 200, complete: true })
    await client.ended()
  })
})
