import { expect, test } from 'vitest'
import { srvEndpoints, srvLook } from '../../../../../src/control/endpoints/discovery/dns-source.ts'
import { readEndpoints } from '../../../../../src/control/endpoints/discovery/file-source.ts'
import { bounded, HostAddresses } from '../../../../../src/control/endpoints/discovery/names.ts'

const record = (name: string, port: number, priority = 0, weight = 0) => ({ name, port, priority, weight })

test('priorities become tiers, weights fit, order is that of no answer', () => {
  const records = [record('B.test.', 81, 20, 0), record('a.test', 80, 10, 65_535), record('a.test', 79, 10, 6_553)]
  const expected = [
    { scheme: 'https', host: 'a.test', port: 79, weight: 100, tier: 0, zone: undefined },
    { scheme: 'https', host: 'a.test', port: 80, weight: 1000, tier: 0, zone: undefined },
    { scheme: 'https', host: 'b.test', port: 81, weight: 1, tier: 1, zone: undefined },
  ]
  expect(srvEndpoints(records, 'https')).toEqual(expected)
  expect(srvEndpoints(records.toReversed(), 'https')).toEqual(expected)
})

test('small weights stay as they are', () => {
  expect(srvEndpoints([record('a', 1, 0, 5), record('b', 1, 0, 10)], 'http').map(({ weight }) => weight)).toEqual([
    5, 10,
  ])
})

test('a target of "." means no service; targets without addresses are none', async () => {
  const dns = { kind: 'dns', scheme: 'http', type: 'srv', name: 'x', port: undefined, every: 1000 } as const
  const lookup = async (name: string) => ({ v4: name === 'a.test' ? ['10.0.0.1'] : [], v6: [] })
  await expect(srvLook(dns, async () => [record('', 0)], lookup)()).rejects.toThrow('no SRV records')
  await expect(srvLook(dns, async () => [record('b.test', 80)], lookup)()).rejects.toThrow('no target has an address')
  const found = await srvLook(dns, async () => [record('b.test', 80), record('a.test', 80)], lookup)()
  expect(found.map(({ config, addresses }) => [config.host, addresses])).toEqual([['a.test', ['10.0.0.1']]])
})

test('hosts that cannot be resolved any more keep their addresses, as long as they are named', async () => {
  let broken = false
  const hosts = new HostAddresses(async () => {
    if (broken) throw new Error('SERVFAIL')
    return { v4: ['10.0.0.2', '10.0.0.1'], v6: undefined }
  })
  const [a] = srvEndpoints([record('a.test', 80)], 'http')
  const [ip] = srvEndpoints([record('10.9.9.9', 80)], 'http')
  const list = [a, ip].filter((each) => each !== undefined)
  expect((await hosts.of(list)).map(({ addresses }) => addresses)).toEqual([['10.0.0.1', '10.0.0.2'], ['10.9.9.9']])
  broken = true
  expect(await hosts.of(list)).toHaveLength(2)
  expect(await hosts.of([])).toEqual([])
  expect((await hosts.of(list)).map(({ addresses }) => addresses)).toEqual([['10.9.9.9']])
})

test('no more look-ups at a time than allowed', async () => {
  let running = 0
  let most = 0
  const lookup = bounded(async () => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    return { v4: [], v6: [] }
  }, 2)
  await Promise.all(Array.from({ length: 9 }, (_, i) => lookup(`${i}`)))
  expect(most).toBe(2)
})

const read = (text: string) => readEndpoints('e.yaml', Buffer.from(text))

test('a file is read as the config is', () => {
  const expected = [
    { scheme: 'http', host: '10.0.0.1', port: 8080, weight: 1, tier: 0, zone: undefined },
    { scheme: 'https', host: 'b.internal', port: 443, weight: 5, tier: 1, zone: 'z' },
  ]
  const yaml = '- http://10.0.0.1:8080\n- { url: "https://b.internal", weight: 5, tier: 1, zone: z }\n'
  const json = '["http://10.0.0.1:8080", {"url": "https://b.internal", "weight": 5, "tier": 1, "zone": "z"}]'
  expect(read(yaml)).toEqual(expected)
  expect(read(json)).toEqual(expected)
})

test.each([
  ['', 'the file is empty'],
  ['[]', 'an empty list; at least 1 is needed'],
  ['- http://10.0.0.1:8080\n- ftp://b', 'e.yaml:2:3'],
  ['- { url: "http://a", wieght: 2 }', 'did you mean weight?'],
  ['endpoints: x', 'a list'],
  ['[', 'e.yaml:1'],
  ['null', 'a list'],
  [`[${'"http://a:80", '.repeat(1025)}]`, 'more than 1024 endpoints'],
])('%j is refused', (text, message) => {
  expect(() => read(text)).toThrow(message)
})
