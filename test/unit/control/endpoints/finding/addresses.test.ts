import { expect, test } from 'vitest'
import { locate, namesIn } from '../../../../../src/control/endpoints/finding/addresses.ts'
import type { EndpointConfig, UpstreamConfig } from '../../../../../src/core/config.ts'

const endpoint = (host: string, scheme: 'http' | 'https' = 'http'): EndpointConfig => ({
  scheme,
  host,
  port: 8080,
  weight: 1,
  tier: 0,
  zone: undefined,
  maxConcurrent: undefined,
})

function upstream(endpoints: EndpointConfig[], serverName?: string): UpstreamConfig {
  return { name: 'orders', endpoints, tls: { serverName } } as unknown as UpstreamConfig
}

const table: Record<string, string[]> = { 'a.test': ['10.0.0.1', 'fd00::1'], 'b.test': ['10.0.0.1'] }
const NOTHING = () => []
const addressesOf = (name: string): string[] => table[name] ?? []

test('only names are resolved, each once', () => {
  const one = upstream([endpoint('a.test'), endpoint('10.0.0.1'), endpoint('fd00::1')])
  expect(namesIn([one, upstream([endpoint('a.test'), endpoint('b.test')])])).toEqual(new Set(['a.test', 'b.test']))
})

test('a name becomes all of its addresses, an address stays', () => {
  const located = locate(
    upstream([endpoint('a.test'), endpoint('10.9.9.9'), endpoint('gone.test')]),
    addressesOf,
    NOTHING,
  )
  expect(located.map(({ id, address, sni }) => [id, address, sni])).toEqual([
    ['http://10.0.0.1:8080', '10.0.0.1', ''],
    ['http://[fd00::1]:8080', 'fd00::1', ''],
    ['http://10.9.9.9:8080', '10.9.9.9', ''],
  ])
})

test('the same address under one name counts once, under two names twice', () => {
  expect(locate(upstream([endpoint('b.test'), endpoint('b.test')]), addressesOf, NOTHING)).toHaveLength(1)
  expect(locate(upstream([endpoint('a.test'), endpoint('b.test')]), addressesOf, NOTHING)).toHaveLength(3)
})

test('SNI is the configured name, else the host', () => {
  expect(locate(upstream([endpoint('b.test', 'https')]), addressesOf, NOTHING)[0]?.sni).toBe('b.test')
  expect(locate(upstream([endpoint('b.test', 'https')], 'x.internal'), addressesOf, NOTHING)[0]?.sni).toBe('x.internal')
})

test('what a source has found stands for an upstream that is discovered', () => {
  const discovered = { ...upstream([], 'x.internal'), source: { kind: 'file' } } as unknown as UpstreamConfig
  const found = [{ config: endpoint('a.test', 'https'), addresses: ['10.0.0.7', '10.0.0.8'] }]
  expect(locate(discovered, addressesOf, () => found).map(({ id, sni }) => `${id} ${sni}`)).toEqual([
    'https://10.0.0.7:8080 x.internal',
    'https://10.0.0.8:8080 x.internal',
  ])
  expect(locate(upstream([endpoint('10.9.9.9')]), addressesOf, () => found)).toHaveLength(1)
})
