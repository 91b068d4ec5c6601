import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HttpClient, httpClient, type WireAnswer } from '../../kit/client.ts'
import { type HookedGateway, hookedGateway, pluggedIn } from '../../kit/gateway.ts'
import { until } from '../../kit/until.ts'
import sourced, { WAYS } from './sourced.ts'

const BYTES = 10 * 16_384
const ENDED_BY_TIME = ['falls silent', 'is never ready']

let gateway: HookedGateway
const clients: HttpClient[] = []

beforeAll(async () => {
  // What ends in time must do so however busy the machine is.
  const timeouts = (way: string): string => (ENDED_BY_TIME.includes(way) ? '1s' : '30s')
  const routes = WAYS.map(
    (way, i) =>
      `  r${i}: { match: { path: /${i} }, sourced: ${JSON.stringify(way)}, timeouts: { request: ${timeouts(way)}, idle: ${timeouts(way)} } }\n`,
  )
  const url = new URL('./sourced.ts', import.meta.url).href
  gateway = await hookedGateway(
    `apiVersion: sluice/v1
workers: 1
overload: off
listeners: { web: { listen: 127.0.0.1:0 } }
admin: { listen: 127.0.0.1:0 }
probes: { listen: 127.0.0.1:0 }
routes:
${routes.join('')}  told: { match: { path: /told }, sourced: told }
`,
    pluggedIn(sourced, './sourced.ts', url),
  )
})

afterAll(async () => {
  for (const client of clients) client.close()
  await gateway.stop()
})

async function begin(way: string, method = 'GET', version = '1.1'): Promise<HttpClient> {
  const client = await httpClient(gateway.port)
  clients.push(client)
  client.send(`${method} /${WAYS.indexOf(way)} HTTP/${version}\r\nHost: a.test\r\n\r\n`)
  return client
}

async function ask(way: string, method = 'GET', version = '1.1'): Promise<WireAnswer> {
  return (await begin(way, method, version)).answer(method)
}

async function told(name: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${gateway.port}/told`)
  return Number(answer.headers.get(name))
}

const noneOpen = (): Promise<void> => until(async () => (await told('x-open')) === 0, 'no body is open')

describe('a body from a source', () => {
  test.each([
    ['whole', '1.1', 'chunked'],
    ['counted', '1.1', 'length'],
    ['whole', '1.0', 'close'],
    ['counted', '1.0', 'length'],
  ])('%s arrives over HTTP/%s', async (way, version, framing) => {
    const answer = await ask(way, 'GET', version)
    expect(answer).toMatchObject({ status: 200, complete: true, framing })
    expect(answer.body).toHaveLength(BYTES)
    await noneOpen()
  })

  test('is not begun for HEAD', async () => {
    const before = await told('x-asked')
    expect(await ask('counted', 'HEAD')).toMatchObject({ status: 200, body: '' })
    expect(await told('x-asked')).toBe(before)
  })

  test('leaves the connection ready for the next request', async () => {
    const client = await begin('whole')
    expect((await client.answer()).complete).toBe(true)
    client.send(`GET /${WAYS.indexOf('counted')} HTTP/1.1\r\nHost: a.test\r\n\r\n`)
    expect((await client.answer()).body).toHaveLength(BYTES)
  })

  test('waits for a client that does not read, and ends with it', async () => {
    const client = await httpClient(gateway.port)
    clients.push(client)
    client.peer.drop()
    client.peer.socket.pause()
    client.send(`GET /${WAYS.indexOf('endless')} HTTP/1.1\r\nHost: a.test\r\n\r\n`)
    let before = -1
    await until(async () => {
      const now = await told('x-asked')
      const still = now === before && now > 0
      before = now
      return still
    }, 'it is asked for no more')
    client.close()
    await noneOpen()
  })

  test('ends when the client leaves, at any point', async () => {
    for (const way of ['endless', 'falls silent', 'is never ready', 'counted'])
      for (const delay of [0, 1, 5, 20]) {
        const client = await begin(way)
        await new Promise((resolve) => setTimeout(resolve, delay))
        if (delay % 2 === 0) client.close()
        else client.peer.reset()
      }
    await until(async () => (await told('x-open')) <= 8, 'those that can be ended are')
  })
})

describe('a body that breaks', () => {
  test.each(['breaks at once'])('%s: a problem', async (way) => {
    const answer = await ask(way)
    expect(answer.status).toBe(500)
    expect(JSON.parse(answer.body)).toMatchObject({ reason: 'internal' })
    expect(answer.body).not.toContain('plate')
  })

  test('is never ready: a problem after the deadline', async () => {
    const answer = await ask('is never ready')
    expect([answer.status, JSON.parse(answer.body).reason]).toEqual([504, 'deadline_exceeded'])
  })

  test.each([
    ['breaks midway', '1.1'],
    ['ends early', '1.1'],
    ['gives too much', '1.1'],
    ['falls silent', '1.1'],
  ])('%s: the client sees that it is not whole', async (way, version) => {
    const answer = await ask(way, 'GET', version)
    expect(answer).toMatchObject({ status: 200, complete: false })
  })

  test('also where only the end of the connection says so', async () => {
    const client = await begin('breaks midway', 'GET', '1.0')
    await until(() => client.peer.closed, 'the connection breaks')
    expect(client.peer.error?.code).toBe('ECONNRESET')
  })
})

test('what broke is told to operators, and nothing is left', async () => {
  await until(() => JSON.stringify(gateway.log.lines).includes('the plate is broken'), 'it is told')
  expect(gateway.log.lines.some(({ message }) => message.includes('run was not told'))).toBe(false)
})
