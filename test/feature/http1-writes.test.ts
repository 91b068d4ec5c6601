import { connect } from 'node:net'
import { duplexPair } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { OwnHttp1 } from '../../src/data/ingress/http1/server.ts'
import { ManualClock } from '../kit/clock.ts'
import { acceptOver, type Gate, gate, type Handled, listenerConfig, type Respond, reply } from '../kit/ingress.ts'
import { settle, until } from '../kit/until.ts'

let held: Gate
afterEach(() => held.stop())

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** Our server over a stream of which each write is kept. */
async function speak(respond: Respond) {
  const clock = new ManualClock()
  held = await gate(respond, { http1: 'own', clock })
  const [server, client] = duplexPair()
  const writes: string[] = []
  const { write } = server
  server.write = ((chunk: string | Uint8Array, encoding: BufferEncoding) => {
    if (chunk.length > 0) writes.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1'))
    return write.call(server, chunk, encoding)
  }) as typeof server.write
  const config = listenerConfig({ http1: 'own', timeouts: { keepAlive: 75_000 } })
  acceptOver(new OwnHttp1(held.listener, config), server, clock.now() + 5_000)
  client.resume()
  return { client, clock, writes }
}

test.each<[string, Respond]>([
  ['of known length', ({ downstream }) => reply(downstream, 200, 'ok')],
  [
    'in chunks, with trailers',
    ({ downstream }) => {
      downstream.head(200, [])
      downstream.write(Buffer.from('o'))
      downstream.write(Buffer.from('k'))
      downstream.trailers(['x-sum', '1'])
      downstream.end()
    },
  ],
  ['without a body', ({ downstream }) => reply(downstream, 204, '')],
])('head and small body %s leave in one write', async (_what, respond) => {
  const { client, writes } = await speak(respond)
  for (let i = 1; i <= 3; i++) {
    client.write(GET)
    await until(() => held.handled[i - 1]?.events.sent === 1)
    expect(writes).toHaveLength(i)
  }
})

test('a head whose body comes later goes out at once', async () => {
  const { client, writes } = await speak(({ downstream }) => void downstream.head(200, []))
  client.write(GET)
  await until(() => writes.length === 1)
  expect(writes[0]).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s)
})

test('Date moves with the seconds, and Keep-Alive tells how long a connection may be idle', async () => {
  const { client, clock, writes } = await speak(({ downstream }) => reply(downstream, 200, 'ok'))
  const dates = new Set<string>()
  const asked = async (): Promise<void> => {
    const before = writes.length
    client.write(GET)
    await until(() => writes.length > before)
    await settle(2)
    expect(writes.at(-1)).toContain('\r\nConnection: keep-alive\r\nKeep-Alive: timeout=75\r\n')
    dates.add(/\r\nDate: ([^\r]+ GMT)\r\n/.exec(writes.at(-1) as string)?.[1] as string)
  }
  await asked()
  const first = Date.parse([...dates][0] as string)
  expect(first).toBe(Math.floor(clock.wall() / 1_000) * 1_000)
  for (let i = 0; i < 5; i++) {
    clock.advance(1_000)
    await asked()
  }
  expect([...dates].map((date) => Date.parse(date) - first)).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000])
})

test('requests that waited in several pieces are answered in order by a handler that ends its own events', async () => {
  const machine = new ManualClock()
  const asked: string[] = []
  const times: number[] = []
  // Over a socket, as its writes are through at once.
  held = await gate(
    ({ downstream }) => {
      const { clock } = held.listener
      const stopped = clock.begin()
      asked.push(downstream.target)
      times.push(clock.now())
      machine.advance(1)
      if (downstream.target !== '/first') reply(downstream, 200, downstream.target)
      if (stopped) clock.end()
    },
    { http1: 'own', clock: machine },
  )
  const client = connect(held.port, '127.0.0.1')
  let answers = ''
  client.on('data', (chunk) => {
    answers += chunk.toString('latin1')
  })
  client.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\n')
  await until(() => asked.length === 1)
  const targets = Array.from({ length: 300 }, (_, i) => `/${i}`)
  for (let at = 0; at < targets.length; at += 60) {
    const requests = targets.slice(at, at + 60).map((target) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await new Promise((written) => client.write(requests.join(''), written))
    await settle(5)
  }
  reply((held.handled[0] as Handled).downstream, 200, '/first')
  await until(() => answers.endsWith('/299'))
  client.destroy()
  expect(asked).toEqual(['/first', ...targets])
  expect(times.map((time) => time - (times[0] as number))).toEqual(asked.map((_, i) => i))
  expect(answers.match(/(?<=\r\n\r\n)\/[0-9a-z]+?(?=HTTP|$)/g)).toEqual(asked)
})
