import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DnsDiscovery } from '../../../src/control/endpoints/finding/dns.ts'
import { SERVER_CONCURRENT, serverLookup, systemLookup } from '../../../src/control/endpoints/finding/lookup.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { type DnsServer, dnsServer } from '../../kit/dns.ts'
import { memoryLog } from '../../kit/log.ts'
import { until } from '../../kit/until.ts'

let server: DnsServer
let discovery: DnsDiscovery
let changes: string[]
const log = memoryLog()

beforeEach(async () => {
  server = await dnsServer()
  changes = []
  discovery = new DnsDiscovery({
    lookup: serverLookup([server.address]),
    concurrent: SERVER_CONCURRENT,
    every: 20,
    clock: systemClock,
    log,
    onChange: (name) => changes.push(name),
  })
})

afterEach(async () => {
  discovery.close()
  await server.close()
})

describe('name servers of the config', () => {
  test('a name stands for all of its addresses, A and AAAA', async () => {
    server.zones.set('orders.test', { a: ['10.0.0.2', '10.0.0.1'], aaaa: ['fd00::1'] })
    await discovery.watch(new Set(['orders.test']))
    expect(discovery.addresses('orders.test')).toEqual(['10.0.0.1', '10.0.0.2', 'fd00::1'])
    expect(changes).toEqual(['orders.test'])
  })

  test('asked again and again; told only when something changed', async () => {
    server.zones.set('orders.test', { a: ['10.0.0.1', '10.0.0.2'] })
    await discovery.watch(new Set(['orders.test']))
    server.zones.set('orders.test', { a: ['10.0.0.2', '10.0.0.1'] })
    const before = server.queries.length
    await until(() => server.queries.length >= before + 8)
    expect(changes).toHaveLength(1)
    server.zones.set('orders.test', { a: ['10.0.0.3'] })
    await until(() => changes.length === 2)
    expect(discovery.addresses('orders.test')).toEqual(['10.0.0.3'])
  })

  test.each([
    ['SERVFAIL', 'servfail'],
    ['an empty answer', {}],
    ['a name that is gone', undefined],
  ] as const)('%s keeps the last addresses', async (_, zone) => {
    server.zones.set('orders.test', { a: ['10.0.0.1'] })
    await discovery.watch(new Set(['orders.test']))
    if (zone === undefined) server.zones.delete('orders.test')
    else server.zones.set('orders.test', zone)
    const before = server.queries.length
    await until(() => server.queries.length >= before + 8)
    expect(discovery.addresses('orders.test')).toEqual(['10.0.0.1'])
    server.zones.set('orders.test', { a: ['10.0.0.7'] })
    await until(() => discovery.addresses('orders.test')[0] === '10.0.0.7')
  })

  test('a silent server holds nobody up for good: start goes on, other names resolve', async () => {
    server.zones.set('silent.test', 'silent')
    server.zones.set('orders.test', { a: ['10.0.0.1'] })
    const started = discovery.watch(new Set(['silent.test', 'orders.test']))
    await until(() => discovery.addresses('orders.test').length === 1)
    await started
    expect(discovery.addresses('silent.test')).toEqual([])
    expect(log.lines.map((line) => line.fields.name)).toContain('silent.test')
  })

  test('many names at once, each resolved', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `n${i}.test`)
    for (const [i, name] of names.entries()) server.zones.set(name, { a: [`10.0.1.${i}`] })
    await discovery.watch(new Set(names))
    expect(names.map((name) => discovery.addresses(name)[0])).toEqual(names.map((_, i) => `10.0.1.${i}`))
  })

  test('names that left are asked for no more', async () => {
    server.zones.set('old.test', { a: ['10.0.0.1'] })
    server.zones.set('new.test', { a: ['10.0.0.2'] })
    await discovery.watch(new Set(['old.test']))
    await discovery.watch(new Set(['new.test']))
    expect(discovery.addresses('old.test')).toEqual([])
    // What was asked before has come by then.
    const before = server.queries.length
    await until(() => server.queries.length >= before + 2)
    server.queries.length = 0
    await until(() => server.queries.length > 6)
    expect(new Set(server.queries)).toEqual(new Set(['new.test']))
  })

  test('localhost is no name server business', async () => {
    await discovery.watch(new Set(['localhost']))
    expect(discovery.addresses('localhost')).toEqual(['127.0.0.1'])
    expect(server.queries).toEqual([])
  })
})

test("the system's resolver knows the hosts file", async () => {
  const { v4, v6 } = await systemLookup('localhost')
  expect([...(v4 ?? []), ...(v6 ?? [])].some((address) => address === '127.0.0.1' || address === '::1')).toBe(true)
})
