import { expect, test } from 'vitest'
import { HostAddresses } from '../../../../src/control/endpoints/finding/names.ts'
import type { HostLook } from '../../../../src/core/endpoint-source.ts'
import { srvEndpoints, srvLook } from '../../../../src/features/discovery/control/dns.ts'
import { readEndpoints } from '../../../../src/features/discovery/control/file.ts'

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
  const dns = { scheme: 'http', type: 'srv', name: 'x', port: undefined } as const
  const addresses = new HostAddresses(async (name) => ({ v4: name === 'a.test' ? ['10.0.0.1'] : [], v6: [] }))
  const hosts: HostLook = (configs) => addresses.of(configs)
  await expect(srvLook(dns, async () => [record('', 0)], hosts)()).rejects.toThrow('no SRV records')
  await expect(srvLook(dns, async () => [record('b.test', 80)], hosts)()).rejects.toThrow('no target has an address')
  const found = await srvLook(dns, async () => [record('b.test', 80), record('a.test', 80)], hosts)()
  expect(found.map(({ config, addresses }) => [config.host, addresses])).toEqual([['a.test', ['10.0.0.1']]])
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
