import { describe, expect, test } from 'vitest'
import { EndpointBook } from '../../../../src/control/endpoints/book.ts'
import { DRAIN_ORDER, EndpointDrains } from '../../../../src/control/endpoints/drains.ts'
import { EndpointMarks } from '../../../../src/control/endpoints/marks.ts'
import { CellRegistry } from '../../../../src/control/registry/registry.ts'
import { BadCommand } from '../../../../src/core/command.ts'
import type { UpstreamConfig } from '../../../../src/core/config.ts'
import { KeptState } from '../../../../src/stores/kept-state.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { memoryLog } from '../../../kit/log.ts'
import { OPERATOR } from '../../../kit/operations.ts'
import { TestStore } from '../../../kit/store.ts'

function rig(state = new KeptState({ store: undefined, clock: new ManualClock(), log: memoryLog() })) {
  const names: Record<string, string[]> = { 'a.test': ['10.0.0.1', '10.0.0.2'] }
  /** How endpoints were when workers were told of them. */
  const told: string[] = []
  const registry = new CellRegistry(1)
  const book: EndpointBook = new EndpointBook({
    registry,
    features: [],
    addressesOf: (name) => names[name] ?? [],
    discovered: () => [],
    refuses: () => false,
    arrives: (set) => drains.mark(set),
    publish: () => told.push(states()),
    onLeft: () => {},
    onBack: () => {},
    onChange: () => {},
  })
  const clock = new ManualClock()
  const marks = new EndpointMarks((ref) => registry.words(ref), clock)
  const orders = state.map('drains', DRAIN_ORDER)
  const drains = new EndpointDrains({ book, registry, marks, orders, clock, log: memoryLog() })
  const endpoints = [
    { scheme: 'http', host: 'a.test', port: 80 },
    { scheme: 'http', host: '::1', port: 81 },
  ]
  const config = { name: 'app', endpoints, tls: { serverName: undefined }, features: {} } as unknown as UpstreamConfig
  book.adopt(book.draft([config]), { generation: 1, update: 0 })
  const states = (): string => Array.from(drains.all(), ({ endpoint, state }) => `${endpoint} ${state}`).join(', ')
  const resolve = (...addresses: string[]): void => {
    names['a.test'] = addresses
    book.renew('a.test')
  }
  const set = (body: unknown) => drains.set(body, OPERATOR)
  return { clock, drains, set, states, told, resolve }
}

const command = (endpoint: string, to = 'drain', upstream = 'app') => ({ upstream, endpoint, to })

test.each([
  ['http://10.0.0.1:80', 'http://10.0.0.1:80 draining, http://10.0.0.2:80 usable, http://[::1]:81 usable'],
  ['10.0.0.2:80', 'http://10.0.0.1:80 usable, http://10.0.0.2:80 draining, http://[::1]:81 usable'],
  ['http://A.test:80', 'http://10.0.0.1:80 draining, http://10.0.0.2:80 draining, http://[::1]:81 usable'],
  ['[::1]:81', 'http://10.0.0.1:80 usable, http://10.0.0.2:80 usable, http://[::1]:81 draining'],
])('%s is found', async (endpoint, expected) => {
  const { set, states } = rig()
  await set(command(endpoint))
  expect(states()).toBe(expected)
  await set(command(endpoint, 'undrain'))
  expect(states()).not.toContain('draining')
})

test.each([
  [command('http://10.0.0.9:80'), 'no such endpoint: "http://10.0.0.9:80"; there are http://10.0.0.1:80'],
  [command('10.0.0.1'), 'no such endpoint'],
  [command('10.0.0.1:80', 'drain', 'nobody'), 'no such upstream: "nobody"'],
  [command('10.0.0.1:80', 'stop'), 'one of drain, undrain'],
  [{ upstream: 'app', to: 'drain' }, '"endpoint" is missing'],
  [undefined, 'a map'],
])('%j is refused', async (body, message) => {
  const { set, states } = rig()
  await expect(set(body)).rejects.toThrow(BadCommand)
  await expect(set(body)).rejects.toThrow(message)
  expect(states()).not.toContain('draining')
})

test('the order outlives an absence, which is told, and can be taken back meanwhile', async () => {
  const { drains, set, states, resolve } = rig()
  await set(command('http://10.0.0.1:80'))
  resolve('10.0.0.2')
  const since = '2026-01-01T00:00:01.000Z'
  expect(drains.absent).toEqual([{ upstream: 'app', endpoint: 'http://10.0.0.1:80', since, by: 'ci' }])
  resolve('10.0.0.1', '10.0.0.2')
  expect(states()).toContain('http://10.0.0.1:80 draining')
  expect(drains.absent).toEqual([])
  resolve('10.0.0.2')
  expect(await set(command('http://10.0.0.1:80', 'undrain'))).toEqual({ endpoints: [], durable: false })
  resolve('10.0.0.1')
  expect(states()).toContain('http://10.0.0.1:80 usable')
})

describe('a restart', () => {
  const started = async (stored: TestStore) => {
    const state = new KeptState({ store: stored.store, clock: new ManualClock(), log: memoryLog() })
    await state.load()
    return rig(state)
  }

  test('finds what was drained, with since when and by whom, and what was taken back in', async () => {
    const stored = new TestStore()
    const before = await started(stored)
    expect(await before.set(command('a.test:80'))).toMatchObject({ durable: true })
    before.clock.advance(60_000)
    await before.set(command('10.0.0.1:80', 'undrain'))
    await before.set(command('10.0.0.2:80'))
    const after = await started(stored)
    expect(after.states()).toBe('http://10.0.0.1:80 usable, http://10.0.0.2:80 draining, http://[::1]:81 usable')
    const drain = { since: '2026-01-01T00:00:01.000Z', by: 'ci' }
    expect([...after.drains.all()].map((facts) => facts.drain)).toEqual([null, drain, null])
    expect(after.drains.why('app', 'http://10.0.0.2:80')).toEqual({
      text: 'ci has drained it: it gets no new requests until it is taken back in',
      since: Date.parse(drain.since),
    })
  })

  test('finds the drain of an endpoint that is not there yet', async () => {
    const stored = new TestStore()
    const before = await started(stored)
    await before.set(command('10.0.0.2:80'))
    const after = await started(stored)
    after.resolve('10.0.0.1')
    expect(after.drains.absent.map(({ endpoint }) => endpoint)).toEqual(['http://10.0.0.2:80'])
    after.resolve('10.0.0.1', '10.0.0.2')
    expect(after.states()).toContain('http://10.0.0.2:80 draining')
  })

  test.each(['{}', '{"since":9000000000000000}', '{"since":1,"by":["ci"]}', 'x'])(
    'finds nothing of %s',
    async (order) => {
      const stored = new TestStore()
      await stored.store.put('kept/drains/app http://10.0.0.1:80', Buffer.from(order))
      await stored.store.put('kept/drains/app http://10.0.0.2:80', Buffer.from('{"since":8640000000000000}'))
      const after = await started(stored)
      expect([...after.drains.all()].map(({ state }) => state)).toEqual(['usable', 'draining', 'usable'])
    },
  )

  test('finds nothing of what could not be kept, which the answer said', async () => {
    const stored = new TestStore()
    const before = await started(stored)
    stored.down = 'full'
    expect(await before.set(command('10.0.0.2:80'))).toMatchObject({ durable: false })
    expect(before.states()).toContain('http://10.0.0.2:80 draining')
    stored.down = undefined
    expect((await started(stored)).states()).not.toContain('draining')
  })
})

test('there is a bound, and a word about it', async () => {
  const { drains, set, resolve } = rig()
  const hosts = Array.from({ length: 1001 }, (_, i) => `10.1.${i >> 8}.${i & 255}`)
  resolve(...hosts.slice(0, 999))
  await set(command('a.test:80'))
  resolve(...hosts.slice(999))
  await expect(set(command('a.test:80'))).rejects.toThrow('999 endpoints are drained already; undrain some of them')
  expect(drains.absent).toHaveLength(999)
})

test('no worker is told of an endpoint before its drain holds', async () => {
  const { set, resolve, told } = rig()
  await set(command('10.0.0.1:80'))
  resolve('10.0.0.2')
  resolve('10.0.0.1', '10.0.0.2')
  expect(told.at(-1)).toContain('http://10.0.0.1:80 draining')
})
