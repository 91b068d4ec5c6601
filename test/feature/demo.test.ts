import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/lib/random.ts'
import { Demo } from '../../src/tools/demo/demo.ts'
import { field, type HttpClient, httpClient, type WireAnswer } from '../kit/client.ts'
import { ManualClock } from '../kit/clock.ts'
import { settle, until } from '../kit/until.ts'

const ANY = { orders: [0, 0], catalog: [0], echo: [0] }
const clients: HttpClient[] = []
let clock: ManualClock
let demo: Demo

beforeEach(async () => {
  clock = new ManualClock()
  demo = new Demo({ clock, random: seededRandom(7) }, ANY)
  await demo.start()
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await demo.stop()
})

function portOf(upstream: string): number {
  return demo.facts().find((fact) => fact.upstream === upstream)?.port as number
}

async function client(port: number): Promise<HttpClient> {
  const made = await httpClient(port)
  clients.push(made)
  return made
}

function get(on: HttpClient, path: string): HttpClient {
  return on.send(`GET ${path} HTTP/1.1\r\nHost: demo\r\nX-Seen: yes\r\n\r\n`)
}

async function asked(port: number, path: string): Promise<WireAnswer> {
  return get(await client(port), path).answer()
}

/** Whether a connection is refused. */
function refused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(false))
    socket.on('error', () => resolve(true))
    socket.on('connect', () => socket.destroy())
  })
}

describe('services', () => {
  test('orders are JSON and say which endpoint answered', async () => {
    const port = portOf('orders')
    const answer = await asked(port, '/orders/1')
    expect(answer.status).toBe(200)
    expect(field(answer, 'content-type')).toBe('application/json')
    expect(field(answer, 'x-served-by')).toBe(`orders:${port}`)
    expect(JSON.parse(answer.body)).toMatchObject({ id: 1 })
  })

  test('the catalogue takes its time', async () => {
    const on = get(await client(portOf('catalog')), '/catalog/')
    await until(() => clock.timers === 1)
    clock.advance(19)
    await settle()
    expect(on.rest).toBe('')
    clock.advance(61)
    expect((await on.answer()).body.length).toBeGreaterThan(20_000)
  })

  test('echo counts the body that arrived', async () => {
    const on = await client(portOf('echo'))
    on.send('POST /echo/x?q=1 HTTP/1.1\r\nHost: demo\r\nContent-Length: 5\r\n\r\nhello')
    expect(JSON.parse((await on.answer()).body)).toMatchObject({ method: 'POST', target: '/echo/x?q=1', bodyBytes: 5 })
  })

  test('a client that leaves takes its timer with it', async () => {
    const on = get(await client(portOf('catalog')), '/catalog/')
    await until(() => clock.timers === 1)
    on.close()
    await until(() => clock.timers === 0)
  })
})

describe('faults', () => {
  test('down cuts connections and refuses new ones, none brings it back on the same port', async () => {
    const port = portOf('orders')
    const held = await client(port)
    await get(held, '/orders/1').answer()
    demo.setFault({ port, fault: 'down' })
    await held.ended()
    expect(await refused(port)).toBe(true)
    demo.setFault({ port, fault: 'none' })
    await until(async () => !(await refused(port)))
    expect((await asked(port, '/orders/1')).status).toBe(200)
  })

  test('down right after none stays down', async () => {
    const port = portOf('orders')
    demo.setFault({ port, fault: 'down' })
    demo.setFault({ port, fault: 'none' })
    demo.setFault({ port, fault: 'down' })
    await settle()
    await until(() => refused(port))
    await settle()
    expect(await refused(port)).toBe(true)
  })

  test('a port that was taken while down keeps it down', async () => {
    const port = portOf('orders')
    demo.setFault({ port, fault: 'down' })
    const squatter = new Demo({ clock, random: seededRandom(1) }, { orders: [port], catalog: [], echo: [] })
    await squatter.start()
    demo.setFault({ port, fault: 'none' })
    await until(() => demo.facts().find((fact) => fact.port === port)?.fault === 'down')
    await squatter.stop()
    demo.setFault({ port, fault: 'none' })
    await until(async () => !(await refused(port)))
  })

  test('slow answers come 5 s later', async () => {
    const port = portOf('orders')
    demo.setFault({ port, fault: 'slow' })
    const on = get(await client(port), '/orders/1')
    await until(() => clock.timers === 1)
    clock.advance(4999)
    await settle()
    expect(on.rest).toBe('')
    clock.advance(1)
    expect((await on.answer()).status).toBe(200)
  })

  test('failing answers 503', async () => {
    const port = portOf('orders')
    demo.setFault({ port, fault: 'failing' })
    expect((await asked(port, '/orders/1')).status).toBe(503)
  })

  test('breaking breaks off in mid-body', async () => {
    const port = portOf('orders')
    demo.setFault({ port, fault: 'breaking' })
    const answer = await asked(port, '/orders')
    expect(answer).toMatchObject({ status: 200, complete: false })
    expect(answer.body.length).toBeGreaterThan(0)
  })

  test('are switched for one endpoint or for all of an upstream, and shown', () => {
    const [first, second] = demo.facts().filter((fact) => fact.upstream === 'orders')
    expect(demo.setFault({ port: second?.port, fault: 'slow' })).toEqual({
      changed: [{ port: second?.port, fault: 'slow' }],
    })
    expect(demo.facts().map((fact) => fact.fault)).toEqual(['none', 'slow', 'none', 'none'])
    demo.setFault({ upstream: 'orders', fault: 'failing' })
    expect(demo.facts().map((fact) => fact.fault)).toEqual(['failing', 'failing', 'none', 'none'])
    expect(demo.setFault({ upstream: 'echo', port: first?.port, fault: 'none' })).toHaveProperty('problem')
  })

  test.each([
    [{ port: 1, fault: 'down' }, /no such endpoint; there are orders \d+/],
    [{ upstream: 'shop', fault: 'down' }, /no such endpoint/],
    [{ fault: 'down' }, /name a "port" or an "upstream"/],
    [{ port: 9101, fault: 'off' }, /one of none, down, slow, failing, breaking/],
    [{ port: 9101 }, /one of none/],
  ])('%j is refused', (request, problem) => {
    expect(demo.setFault(request)).toEqual({ problem: expect.stringMatching(problem) })
    expect(demo.facts().every((fact) => fact.fault === 'none')).toBe(true)
  })
})

test('a busy port is named, and nothing is left listening', async () => {
  const busy = portOf('echo')
  const free = portOf('orders')
  demo.setFault({ port: free, fault: 'down' })
  const other = new Demo({ clock, random: seededRandom(1) }, { orders: [free], catalog: [busy], echo: [] })
  await expect(other.start()).rejects.toThrow(`catalog cannot listen on 127.0.0.1:${busy}: the port is in use`)
  expect(await refused(free)).toBe(true)
})
