import { afterEach, describe, expect, test } from 'vitest'
import type { HttpClient } from '../kit/client.ts'
import { ManualClock } from '../kit/clock.ts'
import { answerWhole, Gate, type GateOptions, HTTP1_SERVERS, ok, type Respond, reply } from '../kit/ingress.ts'
import { settle, until } from '../kit/until.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const UPLOAD = 'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n'

describe.each(HTTP1_SERVERS)('a hostile client, http1: %s', (http1) => {
  let held: Gate
  afterEach(() => held.stop())

  async function open(respond: Respond, options: GateOptions = {}): Promise<void> {
    held = await new Gate(respond).start({ http1, ...options })
  }

  /** No request is under way, each was told one end, and others are served. */
  async function unharmed(): Promise<void> {
    await until(() => held.listener.connections === 0 && held.listener.inFlight === 0)
    for (const { downstream, events } of held.handled) {
      expect(downstream.gone).toBe(true)
      expect(events.sent + (events.gone === 'closed' ? 1 : 0)).toBe(1)
    }
    const other = await held.client()
    expect((await other.send(GET).answer()).status).toBe(200)
  }

  const LEAVES: Readonly<Record<string, (client: HttpClient) => void>> = {
    'closes its side': (client) => client.peer.end(),
    resets: (client) => client.peer.reset(),
  }

  test.each(Object.entries(LEAVES))(
    'that %s behind each byte of two requests leaves nothing behind',
    async (_how, leave) => {
      await open(answerWhole)
      const all = UPLOAD + GET
      const clients: HttpClient[] = []
      for (let length = 0; length <= all.length; length++) {
        const one = await held.client()
        clients.push(one)
        one.send(all.slice(0, length))
        await settle(3)
        leave(one)
      }
      await until(() => held.listener.inFlight === 0)
      // A client that has closed its side reads until the server has closed the other.
      for (const one of clients) await until(() => one.peer.closed || one.peer.ended)
      await unharmed()
    },
  )

  test('that leaves in the middle of each answer, or does not read it, leaves nothing behind', async () => {
    const size = 300_000
    await open(({ downstream }) => {
      downstream.head(200, ['content-length', String(size)])
      for (let i = 0; i < 3; i++) downstream.write(Buffer.alloc(size / 3))
      downstream.end()
    })
    for (let i = 0; i < 60; i++) {
      const one = await held.client()
      one.peer.drop()
      if (i % 3 === 0) one.peer.socket.pause()
      one.send(GET.repeat(1 + (i % 5)))
      await settle(i % 7)
      if (i % 2 === 0) one.peer.reset()
      else one.close()
    }
    await unharmed()
  })

  test('that sends 100,000 requests ahead gets as many answers, one after another', async () => {
    let most = 0
    let answered = 0
    await open(({ downstream, events }) => {
      most = Math.max(most, held.listener.inFlight)
      held.handled.length = 0
      answered++
      reply(downstream, 200, 'ok')
      expect(events.gone).toBe(undefined)
    })
    const one = await held.client()
    one.peer.drop()
    const many = GET.repeat(1_000)
    for (let i = 0; i < 100; i++) {
      one.send(many)
      if (one.peer.socket.writableNeedDrain) await new Promise((resolve) => one.peer.socket.once('drain', resolve))
    }
    await until(
      () => answered === 100_000,
      () => `${answered} answers`,
    )
    expect(most).toBe(1)
  })

  test('that sends a million requests ahead and waits is held back: most of them stay with it', async () => {
    await open(() => {})
    const one = await held.client()
    const many = GET.repeat(2_000)
    for (let i = 0; i < 500; i++) one.send(many)
    await held.request()
    let before = 0
    let same = 0
    // The buffers of the system take some megabytes.
    await until(() => {
      same = one.peer.socket.writableLength === before ? same + 1 : 0
      before = one.peer.socket.writableLength
      return same === 10
    })
    expect(before).toBeGreaterThan(10_000_000)
    expect(held.handled).toHaveLength(1)
    one.peer.reset()
    held.listener.cut()
    await until(() => held.listener.connections === 0)
  })

  test('whose body never ends behind an early answer is cut, and nothing of it is kept', async () => {
    const clock = new ManualClock()
    await open(({ downstream }) => reply(downstream, 413, 'no'), { clock })
    const one = await held.client()
    one.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    expect((await one.answer()).status).toBe(413)
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
    for (let i = 0; i < 40 && !one.peer.closed; i++) {
      one.send(chunk.repeat(8))
      await settle(10)
      clock.advance(1_000)
    }
    await until(() => one.peer.closed)
    expect(held.handled[0]?.downstream.bytesIn).toBeLessThan(1_000_000)
    await until(() => held.listener.connections === 0)
  })

  test('of HTTP/1.0 gets a long answer whole, read late, and then the end', async () => {
    const size = 20_000_000
    await open(({ downstream, events }) => {
      downstream.head(200, [])
      const chunk = Buffer.alloc(100_000, 'x')
      const more = (): void => {
        while (downstream.bytesOut < size) if (!downstream.write(chunk)) return
        downstream.end()
      }
      events.onDrain = more
      more()
    })
    const one = await held.client()
    one.peer.drop()
    one.peer.socket.pause()
    one.send('GET / HTTP/1.0\r\n\r\n')
    const { downstream } = await held.request()
    await settle(50)
    expect(downstream.bytesOut).toBeLessThan(size)
    one.peer.socket.resume()
    await until(() => one.peer.ended)
    expect(one.peer.received).toBeGreaterThan(size)
    expect(one.peer.error).toBe(undefined)
    await until(() => held.listener.connections === 0)
  })

  test('that sends a head byte by byte, with 200 others, is ended; others are served meanwhile', async () => {
    await open(ok, { timeouts: { headers: 400 } })
    const slow = await Promise.all(Array.from({ length: 200 }, () => held.client()))
    for (const one of slow) one.send('G')
    const other = await held.client()
    for (let i = 0; i < 10; i++) {
      for (const one of slow) if (!one.peer.ended && !one.peer.closed) one.send('E')
      expect((await other.send(GET).answer()).status).toBe(200)
    }
    for (const one of slow) await one.ended()
    expect(held.accepted.length).toBe(10)
  })
})
