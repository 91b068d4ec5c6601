import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { OwnHttp1 } from '../../src/data/ingress/http1/server.ts'
import { ManualClock } from '../kit/clock.ts'
import { acceptOver, echo, type Gate, gate, type Handled, listenerConfig, reply } from '../kit/ingress.ts'
import { tcpConnect } from '../kit/tcp.ts'
import { testAuthority } from '../kit/tls.ts'
import { settle, until } from '../kit/until.ts'

/** Both ends of a connection. */
interface Ends {
  readonly server: Duplex
  readonly client: Duplex
}

const servers: Server[] = []

async function accepted(server: Server, event: string, connect: (port: number) => Promise<Socket>): Promise<Ends> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const coming = once(server, event)
  const client = await connect((server.address() as AddressInfo).port)
  const [socket] = (await coming) as [Socket]
  return { server: socket, client }
}

const KINDS: Readonly<Record<string, () => Promise<Ends>>> = {
  'a socket of TCP': () =>
    accepted(createServer({ allowHalfOpen: true }), 'connection', async (port) => (await tcpConnect(port)).socket),
  'a socket of TLS': () => {
    const authority = testAuthority()
    const server = createTlsServer({ ...authority.issue('localhost'), allowHalfOpen: true })
    return accepted(server, 'secureConnection', async (port) => {
      const client = tlsConnect({ host: '127.0.0.1', port, ca: authority.ca, servername: 'localhost' })
      await once(client, 'secureConnect')
      return client
    })
  },
  'a pair of streams': async () => {
    const [server, client] = duplexPair()
    return { server, client }
  },
}

let held: Gate
let clock: ManualClock

afterEach(async () => {
  await held.stop()
  for (const server of servers.splice(0)) server.close()
})

/** Our server on one end; what the client has received. */
async function speak(ends: Ends, respond: (handled: Handled) => void) {
  clock = new ManualClock()
  held = await gate(respond, { http1: 'own', clock })
  const config = listenerConfig({ http1: 'own' })
  acceptOver(new OwnHttp1(held.listener, config), ends.server, clock.now() + 5_000, { maxRequests: 1_000 })
  let closed = false
  ends.server.on('close', () => {
    closed = true
  })
  const received = { text: '', ended: false }
  ends.client.on('data', (chunk: Buffer) => {
    received.text += chunk.toString('latin1')
  })
  ends.client.on('end', () => {
    received.ended = true
  })
  ends.client.on('error', () => {})
  return { client: ends.client, received, closed: () => closed }
}

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`

describe.each(Object.keys(KINDS))('our server speaks over %s', (kind) => {
  const open = async (respond: (handled: Handled) => void) =>
    speak(await (KINDS[kind] as () => Promise<Ends>)(), respond)

  test('requests, sent ahead or cut anywhere, with bodies both ways', async () => {
    const { client, received } = await open(echo)
    client.write(get('/a') + get('/b'))
    const post = `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`
    for (const octet of post) {
      client.write(octet)
      await settle(0)
    }
    await until(() => received.text.endsWith('abc'))
    expect(held.handled.map(({ downstream }) => downstream.target)).toEqual(['/a', '/b', '/'])
    expect(received.text.match(/HTTP\/1\.1 200/g)?.length).toBe(3)
  })

  test('a long answer as fast as it is read', async () => {
    const size = 8_000_000
    const { client, received } = await open(({ downstream, events }) => {
      downstream.head(200, ['content-length', String(size)])
      const more = (): void => {
        while (downstream.bytesOut < size) if (!downstream.write(Buffer.alloc(100_000, 'x'))) return
        downstream.end()
      }
      Object.assign(events, { onDrain: more })
      more()
    })
    client.pause()
    client.write(get('/'))
    const { downstream } = await held.request()
    await settle(100)
    expect(downstream.bytesOut).toBeLessThan(size)
    client.resume()
    await until(() => received.text.length > size)
  })

  test('what asks for the close, and what breaks a rule, and closes', async () => {
    const first = await open(echo)
    first.client.write(get('/', 'Connection: close\r\n'))
    await until(() => first.closed() && first.received.ended)
    expect(first.received.text).toContain('Connection: close')
    await held.stop()
    const second = await open(echo)
    second.client.write('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n')
    await until(() => second.received.ended)
    second.client.end()
    await until(second.closed)
    expect([second.received.text.slice(0, 12), held.faults]).toEqual(['HTTP/1.1 400', ['host']])
  })

  test('an answer that breaks, without its last chunk', async () => {
    const { client, closed, received } = await open(({ downstream }) => {
      downstream.head(200, [])
      downstream.write(Buffer.from('begun'))
    })
    client.write(get('/'))
    await until(() => received.text.includes('begun'))
    const { downstream } = await held.request()
    downstream.reset()
    await until(() => closed() && received.ended)
    expect(received.text).toMatch(/\r\nTransfer-Encoding: chunked\r\n(?:.+\r\n)*\r\n5\r\nbegun\r\n$/)
    expect(held.listener.inFlight).toBe(0)
  })

  test('until nothing comes any more', async () => {
    const { client, closed, received } = await open(echo)
    client.write(get('/'))
    await until(() => received.text.endsWith('\r\n\r\n'))
    await until(() => held.listener.inFlight === 0)
    clock.advance(32_000)
    await until(closed)
    await until(() => received.ended)
    await held.stop()
    const late = await open(({ downstream }) => reply(downstream, 200, 'ok'))
    late.client.write('GET / HT')
    await settle(20)
    clock.advance(5_100)
    await until(() => late.received.text.startsWith('HTTP/1.1 408'))
  })

  test('a client that leaves is told of', async () => {
    const { client } = await open(() => {})
    client.write(get('/'))
    const { events } = await held.request()
    // Later than a client does that closes its side and waits for the answer.
    clock.advance(200)
    client.destroy()
    await until(() => events.gone === 'closed')
    expect(held.listener.inFlight).toBe(0)
  })
})
