import { createServer, type Server } from 'node:http'
import { createGateway, type InlineGateway, type InlineOptions } from 'sluice'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type HttpClient, httpClient } from '../../kit/client.ts'
import { embeddedConfig, opened } from '../../kit/embedded.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let upstream: TestUpstream
let gateway: InlineGateway
let server: Server
let port: number
const clients: HttpClient[] = []

beforeEach(async () => {
  upstream = await testUpstream((_request, response) => void response.end('ok'))
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await gateway.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await upstream.close()
})

async function start(options: Omit<InlineOptions, 'config'> = {}): Promise<HttpClient> {
  gateway = await createGateway({ config: embeddedConfig(upstream.port), ...options })
  server = createServer(gateway.handler).on('upgrade', gateway.handler.upgrade)
  port = await opened(server)
  return client()
}

async function client(): Promise<HttpClient> {
  const made = await httpClient(port)
  clients.push(made)
  return made
}

const get = (path = '/', fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`

describe('a handler in a server of the program', () => {
  test('serves while no listener is open, as if by the first of the config', async () => {
    const lines: string[] = []
    const one = await start({ accessLog: (line) => void lines.push(line) })
    expect(await one.send(get('/1')).answer()).toMatchObject({ status: 200, body: 'ok' })
    expect(gateway.status().listeners).toEqual([])
    await until(() => lines.length === 1)
    expect(JSON.parse(lines[0] as string)).toMatchObject({ listener: 'web', path: '/1', client: '127.0.0.1' })
  })

  test('goes by the limits of the live config', async () => {
    const one = await start()
    const fields = 'a: 1\r\nb: 2\r\n'
    expect((await one.send(get('/', fields)).answer()).status).toBe(200)
    const web = { listen: '127.0.0.1:0', limits: { headerCount: 2 } }
    await gateway.apply(embeddedConfig(upstream.port, { listeners: { web } }))
    expect((await one.send(get('/', fields)).answer()).body).toContain('headers_too_large')
  })

  test('lets what is in flight end while the gateway closes, and refuses what comes', async () => {
    let answer: (() => void) | undefined
    upstream.script = (_request, response) => {
      answer = () => response.end('late')
    }
    const [one, two] = [await start(), await client()]
    one.send(get('/slow'))
    await until(() => answer !== undefined)
    const closed = gateway.close()
    await until(async () => gateway.status().drain === 'leaving')
    const refused = await two.send(get()).answer()
    expect([refused.status, refused.body]).toEqual([503, expect.stringContaining('draining')])
    answer?.()
    expect(await one.answer()).toMatchObject({ status: 200, body: 'late' })
    await closed
    const three = await client()
    expect(await three.send(get()).answer()).toMatchObject({ status: 503, body: 'The gateway is closed.' })
    const four = await client()
    expect((await four.send(get('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n')).answer()).status).toBe(503)
  })

  test('tells the upstream when its client leaves, and its gateway closes at once then', async () => {
    upstream.script = () => {}
    const one = await start()
    one.send(get())
    await until(() => upstream.seen.length === 1)
    one.close()
    await until(() => upstream.seen[0]?.aborted === true)
    await gateway.close()
    expect(gateway.status().drain).toBe('done')
  })

  test('streams both ways as fast as the slower side', async () => {
    upstream.script = (request, response) => void request.pipe(response)
    const one = await start()
    // More than the system keeps of four directions of sockets: one that nothing reads may take 32 MiB.
    const [size, part] = [80_000_000, Buffer.alloc(1_000_000, 97)]
    one.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`)
    one.peer.socket.pause()
    for (let sent = 0; sent < size; sent += part.length) one.send(part)
    // What nothing reads waits at the client.
    await until(() => one.peer.socket.writableLength > 0)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(one.peer.socket.writableLength).toBeGreaterThan(size / 4)
    one.peer.socket.resume()
    expect((await one.answer()).body.length).toBe(size)
  })

  test.each([
    ['as if there were none', 'tls/1.2', 200, 'ok'],
    ['with 501 where the route takes it up', 'websocket', 501, 'urn:sluice:failure:not_implemented'],
  ])('answers an offer to upgrade %s', async (_, protocol, status, body) => {
    const one = await start()
    const answer = await one.send(get('/', `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`)).answer()
    expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(body)])
    await one.ended()
  })
})
