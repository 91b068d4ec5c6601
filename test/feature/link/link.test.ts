import { afterEach, describe, expect, test } from 'vitest'
import type { Commanded } from '../../../src/core/link.ts'
import { createGateway } from '../../../src/embed/create-gateway.ts'
import { type HookedGateway, hookedGateway, pluggedIn } from '../../kit/gateway.ts'
import { Load } from '../../kit/load.ts'
import { until } from '../../kit/until.ts'
import { started } from './toy/control.ts'
import toy from './toy/feature.ts'

const gateways: HookedGateway[] = []

afterEach(async () => {
  started.expect = () => {}
  for (const gateway of gateways.splice(0)) await gateway.stop()
})

const url = new URL('./toy/feature.ts', import.meta.url).href

async function serve(yaml = ''): Promise<HookedGateway> {
  const gateway = await hookedGateway(
    `
workers: 2
listeners: { web: { listen: 127.0.0.1:0 } }
admin: { listen: 127.0.0.1:0 }
probes: { listen: 127.0.0.1:0 }
overload: { mode: shadow }
upstreams: {}
routes:
  path: { match: { path: /path }, respond: { status: 200 }, toy: { feed: greeting, ask: path } }
  slowly: { match: { path: /slowly }, respond: { status: 200 }, toy: { feed: greeting, ask: slowly } }
  never: { match: { path: /never }, respond: { status: 200 }, toy: { feed: greeting, ask: never, within: 50ms } }
  waits: { match: { path: /waits }, respond: { status: 200 }, toy: { feed: greeting, ask: never } }
  throws: { match: { path: /throws }, respond: { status: 200 }, toy: { feed: greeting, ask: throws } }
${yaml}`,
    pluggedIn(toy, 'toy', url),
  )
  gateways.push(gateway)
  return gateway
}

const feed = (value: string, name = 'greeting'): void => started.context?.feed<string>(name).publish(value)
const get = (gateway: HookedGateway, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${gateway.port}${path}`, { ...init, headers: { connection: 'close' } })
const field = async (gateway: HookedGateway, path: string, name: string): Promise<string | null> =>
  (await get(gateway, path)).headers.get(name)

/** Each connection goes to some worker: of so many, both have some. */
const MANY = 30
const fields = (gateway: HookedGateway, path: string, name: string): Promise<(string | null)[]> =>
  Promise.all(Array.from({ length: MANY }, () => field(gateway, path, name)))
const all = (gateway: HookedGateway, name: string, value: string, path = '/path'): Promise<void> =>
  until(
    async () => (await fields(gateway, path, name)).every((seen) => seen === value),
    `${name} is ${value} everywhere`,
  )

test('toy is what the test and the workers have', () => {
  expect(toy.name).toBe('toy')
})

describe('a feature that asks', () => {
  test('gets the answer of its control half', async () => {
    started.expect = () => feed('hello')
    const gateway = await serve()
    expect(await fields(gateway, '/path', 'x-answer')).toEqual(Array(MANY).fill('asked for /path'))
    expect(await fields(gateway, '/slowly', 'x-answer')).toEqual(Array(MANY).fill('asked for /slowly'))
    expect(started.asked).toBe(2 * MANY)
  })

  test('gets a value where there is no answer: in time, or at all', async () => {
    started.expect = () => feed('hello')
    const gateway = await serve()
    expect(await field(gateway, '/never', 'x-answer')).toBe('unavailable: deadline')
    await until(() => started.aborted === 1, 'the work is aborted')
    expect(await field(gateway, '/throws', 'x-answer')).toBe('unavailable: failed')
    const lines = gateway.log.lines.filter(({ message }) => message === 'a feature could not answer')
    expect(lines.map(({ fields }) => [fields.feature, fields.question])).toEqual([['toy', 'throws']])
  })

  test('does not keep a gateway that ends', async () => {
    started.expect = () => feed('hello')
    const gateway = await serve('drain: { delay: 0ms, timeout: 200ms }')
    const waits = get(gateway, '/waits').catch(() => undefined)
    await until(() => started.asked === 1, 'it has asked')
    await gateway.stop()
    gateways.pop()
    await waits
    expect(started.aborted).toBe(1)
  })
})

describe('a feature that is fed', () => {
  test('has what was there before it listens, and what comes later', async () => {
    started.expect = () => void setTimeout(feed, 150, 'first')
    const gateway = await serve()
    expect(await fields(gateway, '/path', 'x-fed')).toEqual(Array(MANY).fill('first'))
    for (const value of ['second', 'third', 'fourth']) feed(value)
    await all(gateway, 'x-fed', 'fourth')
  })

  test('goes without what does not come in time, and operators are told', async () => {
    const gateway = await serve()
    expect(await field(gateway, '/path', 'x-fed')).toBe('nothing')
    expect(gateway.log.lines).toContainEqual({
      level: 'warn',
      message: 'a config goes live without feeds that it needs',
      fields: { feeds: ['toy greeting'] },
    })
    feed('late')
    await all(gateway, 'x-fed', 'late')
  })

  test('keeps the last value while there is nothing newer, and operators see why', async () => {
    started.expect = () => feed('last')
    const gateway = await serve()
    const greeting = started.context?.feed('greeting')
    greeting?.failed(new Error('the server is down'))
    greeting?.failed(new Error('the server is still down'))
    expect(await field(gateway, '/path', 'x-fed')).toBe('last')
    expect(await gateway.shows('sluice_feed_failing{feature="toy",feed="greeting"} 1')).toBeTruthy()
    const status = await fetch(`http://127.0.0.1:${gateway.facts.admin.port}/api/v1/status`)
    const { feeds } = (await status.json()) as { feeds: { feed: string }[] }
    expect(feeds.find(({ feed }) => feed === 'greeting')).toMatchObject({
      feature: 'toy',
      state: 'stale',
      text: 'it cannot be loaded (the server is still down): workers keep its last value until the next one comes',
    })
    greeting?.publish('newer')
    await all(gateway, 'x-fed', 'newer')
    await gateway.shows('sluice_feed_failing{feature="toy",feed="greeting"} 0')
    const told = gateway.log.lines.filter(({ fields }) => fields.feed === 'greeting').map(({ message }) => message)
    expect(told).toEqual(['a feed cannot be loaded', 'a feed is loaded again'])
  })

  test('is called once for what comes at once, and forgets what ended', async () => {
    started.expect = () => feed('hello')
    const gateway = await serve()
    feed('news', 'news')
    await all(gateway, 'x-news', '1')
    started.context?.feed('greeting').end()
    await all(gateway, 'x-fed', 'nothing')
  })
})

describe('a feature that takes commands', () => {
  const command = (name: string, deadlineMs?: number): Promise<Commanded> =>
    started.context?.command(name, undefined, deadlineMs) as Promise<Commanded>

  test('has acknowledged them in all workers when that is said', async () => {
    started.expect = () => feed('hello')
    const gateway = await serve()
    await fields(gateway, '/path', 'x-requests')
    expect(await command('forget')).toEqual({ done: 2, missing: [] })
    const counts = (await fields(gateway, '/path', 'x-requests')).map(Number)
    expect(Math.max(...counts)).toBeLessThanOrEqual(MANY)
    expect(await command('fail')).toEqual({
      done: 0,
      missing: [
        { worker: 0, why: 'failed' },
        { worker: 1, why: 'failed' },
      ],
    })
    expect(await command('unheard of')).toEqual({ done: 2, missing: [] })
  })

  test('has not where it does not come to it, and has where it ended', async () => {
    started.expect = () => feed('hello')
    const { gateway } = await serve()
    // Less than what a worker is replaced for, and more than a busy machine takes.
    gateway.hook(0, 'block', 6_000)
    expect(await command('forget', 3_000)).toEqual({ done: 1, missing: [{ worker: 0, why: 'deadline' }] })
    const next = command('forget', 20_000)
    gateway.hook(1, 'exit')
    expect(await next).toEqual({ done: 2, missing: [] })
  })
})

test('in a gateway without threads a feature asks, is fed and takes commands, too', async () => {
  started.expect = () => feed('first')
  const config = `
listeners: { web: { listen: 127.0.0.1:0 } }
overload: { mode: shadow }
upstreams: {}
routes:
  slowly: { match: { path: /slowly }, respond: { status: 200 }, toy: { feed: greeting, ask: slowly } }
  waits: { match: { path: /waits }, respond: { status: 200 }, toy: { feed: greeting, ask: never, within: 50ms } }
`
  const gateway = await createGateway({ config, features: [toy], workers: 'inline' })
  try {
    const [{ port } = { port: 0 }] = await gateway.listen()
    const told = async (path: string, name: string): Promise<string | null> =>
      (await fetch(`http://127.0.0.1:${port}${path}`)).headers.get(name)
    expect(await told('/slowly', 'x-fed')).toBe('first')
    expect(await told('/slowly', 'x-answer')).toBe('asked for /slowly')
    expect(await told('/waits', 'x-answer')).toBe('unavailable: deadline')
    feed('second')
    await until(async () => (await told('/slowly', 'x-fed')) === 'second', 'the second is seen')
    expect(await started.context?.command('forget', undefined)).toEqual({ done: 1, missing: [] })
    expect(await told('/slowly', 'x-requests')).toBe('1')
  } finally {
    await gateway.close()
  }
})

test('a worker that is killed under load: its questions are dropped, its successor has what is fed', async () => {
  started.expect = () => feed('first')
  const served = await serve()
  const load = new Load({ port: served.port, path: '/slowly', parallel: 32 })
  const waiting = Array.from({ length: 20 }, () => get(served, '/waits').catch(() => undefined))
  const seen = new Set<string | null>()
  let looking = true
  const look = async (): Promise<void> => {
    while (looking) seen.add(await field(served, '/path', 'x-fed').catch(() => 'second'))
  }
  try {
    await load.more(200)
    await until(() => started.waiting === waiting.length, 'all wait')
    feed('second')
    await all(served, 'x-fed', 'second')
    const looks = [look(), look()]
    for (const killed of [0, 1]) {
      served.gateway.hook(killed, 'exit')
      const back = ({ restarts, state, worker }: { restarts: number; state: string; worker: number }): boolean =>
        state === 'serving' && restarts === (worker <= killed ? 1 : 0)
      await until(async () => (await served.workers()).every(back), `worker ${killed} is replaced`)
      await load.more(200)
    }
    await Promise.all(waiting)
    await until(() => started.aborted === waiting.length, 'what waited is dropped')
    looking = false
    await Promise.all(looks)
  } finally {
    looking = false
    await load.stop()
  }
  expect([...seen]).toEqual(['second'])
  expect([...load.statuses.keys()]).toEqual([200])
  expect(await fields(served, '/path', 'x-answer')).toEqual(Array(MANY).fill('asked for /path'))
})
