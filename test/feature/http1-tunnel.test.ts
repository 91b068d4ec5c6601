import { afterEach, expect, test } from 'vitest'
import { field, type HttpClient } from '../kit/client.ts'
import { ManualClock } from '../kit/clock.ts'
import { Gate, type Handled, type Respond, reply } from '../kit/ingress.ts'
import { settle, until } from '../kit/until.ts'

const UPGRADE = 'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

let held: Gate
let client: HttpClient
let clock: ManualClock
afterEach(() => held.stop())

async function open(respond: Respond): Promise<void> {
  clock = new ManualClock()
  held = await new Gate(respond).start({ http1: 'own', clock })
  client = await held.client()
}

/** Says everything that comes once more. */
function echo({ downstream }: Handled): void {
  expect(downstream.head(101, ['Upgrade', 'echo'])).toBe(true)
  const stream = downstream.tunnel()
  stream.on('end', () => stream.end())
  stream.pipe(stream, { end: false })
}

const switches: Readonly<Record<string, Respond>> = {
  'at once': echo,
  later: (handled) => void setTimeout(echo, 5, handled),
}

test.each(Object.entries(switches))(
  'a connection is handed over %s, with what stands behind the request',
  async (_when, respond) => {
    for (const cut of [0, 1, 5]) {
      await open(respond)
      const text = `${UPGRADE}hello`
      client.send(text.slice(0, text.length - cut))
      await settle(20)
      client.send(text.slice(text.length - cut))
      const answer = await client.answer()
      expect([answer.status, field(answer, 'connection'), field(answer, 'upgrade')]).toEqual([101, 'Upgrade', 'echo'])
      await until(() => client.rest === 'hello')
      client.send(' world')
      await until(() => client.rest === 'hello world')
      await held.stop()
    }
    await open(respond)
  },
)

test('what waits behind requests before it is not lost, nor read as requests', async () => {
  await open((handled) => {
    if (handled.downstream.target === '/chat') echo(handled)
    else setTimeout(() => reply(handled.downstream, 200, 'ok'), 5)
  })
  const late = GET.repeat(3_000)
  client.send(GET + UPGRADE + late.slice(0, 50))
  await settle(20)
  client.send(late.slice(50))
  expect((await client.answer()).body).toBe('ok')
  expect((await client.answer()).status).toBe(101)
  await until(() => client.rest.length === late.length)
  expect(client.rest).toBe(late)
  expect(held.handled).toHaveLength(2)
})

test('no time-out of HTTP ends it, a drain leaves it, a cut ends it, and its end is told once', async () => {
  await open(echo)
  client.send(UPGRADE)
  await client.answer()
  for (let i = 0; i < 10; i++) clock.advance(60_000)
  held.listener.drain()
  for (let i = 0; i < 50; i++) clock.advance(50)
  await settle(20)
  client.send('still')
  await until(() => client.rest === 'still')
  const { downstream, events } = await held.request()
  expect([held.listener.inFlight, downstream.gone, events.names]).toEqual([1, false, []])
  held.listener.cut()
  await until(() => events.gone === 'closed')
  expect([held.listener.inFlight, events.names]).toEqual([0, ['gone']])
})

test('its client may close its side and still read', async () => {
  await open(({ downstream }) => {
    downstream.head(101, ['Upgrade', 'late'])
    const stream = downstream.tunnel()
    let text = ''
    stream.on('data', (chunk) => {
      text += chunk
    })
    stream.on('end', () => stream.end(`all: ${text}`)).resume()
  })
  client.send(`${UPGRADE}bye`).peer.end()
  await client.ended()
  expect((await client.answer()).status).toBe(101)
  expect(client.rest).toBe('all: bye')
  await until(() => held.listener.connections === 0)
})

test('a client that has closed its side before the switch gets none, as what came behind its request would be lost', async () => {
  await open(({ downstream }) => {
    setTimeout(() => {
      expect(downstream.head(101, ['Upgrade', 'x'])).toBe(false)
      reply(downstream, 200, 'ok')
    }, 50)
  })
  client.send(`${UPGRADE}bye`).peer.end()
  expect((await client.answer()).body).toBe('ok')
  await until(() => held.listener.connections === 0)
})

test('a switch without a tunnel ends with what was written, as it was, and a FIN', async () => {
  for (const text of ['', 'plain']) {
    await open(({ downstream }) => {
      downstream.head(101, ['Upgrade', 'x'])
      downstream.write(Buffer.from(text))
      downstream.trailers(['x', '1'])
      downstream.end()
    })
    client.send(UPGRADE + GET)
    expect((await client.answer()).status).toBe(101)
    await client.ended()
    expect([client.rest, client.peer.error, held.handled.length]).toEqual([text, undefined, 1])
    client.peer.end()
    await until(() => held.listener.connections === 0)
    await held.stop()
  }
  await open(echo)
})

test.each([
  ['with a body', 'POST / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nhi'],
  ['of HTTP/1.0', 'GET / HTTP/1.0\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'],
])('a request %s cannot be switched; nor is there a tunnel without 101', async (_what, request) => {
  await open(({ downstream }) => {
    expect(() => downstream.tunnel()).toThrow('not upgraded')
    expect(downstream.head(101, ['Upgrade', 'x'])).toBe(false)
    expect(() => downstream.tunnel()).toThrow('not upgraded')
    reply(downstream, 200, 'ok')
  })
  client.send(request)
  expect((await client.answer()).body).toBe('ok')
})
