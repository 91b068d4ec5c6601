import { beforeEach, expect, test } from 'vitest'
import type { UpstreamConfig } from '../../../../src/core/config.ts'
import type { Exchange } from '../../../../src/core/exchange.ts'
import { EndpointStateBit } from '../../../../src/core/protocol.ts'
import type { Endpoint } from '../../../../src/data/upstreams/endpoint.ts'
import { exchange, PEER } from '../../../kit/exchange.ts'
import { UPSTREAM } from '../../../kit/lean-upstream.ts'
import { portsOf, UpstreamRig } from '../../../kit/upstream-rig.ts'

let rig: UpstreamRig

beforeEach(() => {
  rig = new UpstreamRig()
})

const sticky = {
  cookie: 'server',
  maxAge: undefined,
  secret: { path: '', source: { env: 'X' }, keyFor: undefined, text: 'k' },
}

function cookieFor(endpoint: Endpoint | undefined, secure = false): string | undefined {
  const headers: string[] = []
  endpoint?.parts.answers(exchange([], 'GET', '/', { ...PEER, secure }), 200, headers)
  return headers[1]
}

function returning(cookie: string | undefined): Exchange {
  return exchange(['Cookie', cookie?.split(';')[0] ?? ''])
}

test('the cookie leads back to its endpoint, over tiers, as long as that can be used', () => {
  const u = rig.upstream({ features: { sticky } })
  const [a, b] = [rig.resolved(1), rig.resolved(2, { tier: 1 })]
  u.setEndpoints([a, b])
  const client = returning(cookieFor(u.endpoints[1]))
  expect(portsOf([u.pick([], client), u.pick([], exchange())])).toEqual(['2', '1'])
  expect(portsOf([u.pick([u.endpoints[1] as Endpoint], client)])).toEqual(['1'])
  rig.cells.set(b.cells.state, EndpointStateBit.draining)
  expect(portsOf([u.pick([], client)])).toEqual(['1'])
  rig.cells.set(b.cells.state, 0)
  u.setEndpoints([a])
  expect(portsOf([u.pick([], client)])).toEqual(['1'])
  u.setEndpoints([a, b])
  expect(portsOf([u.pick([], client)])).toEqual(['2'])
})

test('it is set unless the client has it; with Secure where the listener has TLS', () => {
  const u = rig.upstream({ features: { sticky: { ...sticky, maxAge: 60 } } })
  u.setEndpoints([rig.resolved(1)])
  const [endpoint] = u.endpoints
  const field = cookieFor(endpoint, true)
  expect(field).toMatch(/^server=[\w-]{24}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=60; Secure$/)
  const headers: string[] = []
  endpoint?.parts.answers(returning(field), 200, headers)
  expect(headers).toEqual([])
  endpoint?.parts.answers(returning('server=made-up'), 200, headers)
  expect(headers).toEqual(['set-cookie', field?.replace('; Secure', '')])
})

test('another key or upstream makes another value; without stickiness there is none', () => {
  const value = (config: Partial<UpstreamConfig>): string | undefined => {
    const u = rig.upstream(config)
    u.setEndpoints([rig.resolved(1)])
    return cookieFor(u.endpoints[0])
  }
  const features = { sticky }
  const values = [
    value({ features }),
    value({ features: { sticky: { ...sticky, secret: { ...sticky.secret, text: 'l' } } } }),
    value({ features, name: 'other' }),
  ]
  expect(new Set(values).size).toBe(3)
  expect(value({ features })).toBe(values[0])
  expect(value({})).toBeUndefined()
})

test('it can be switched off and on while endpoints live', () => {
  const u = rig.upstream()
  u.setEndpoints([rig.resolved(1)])
  const [endpoint] = u.endpoints
  rig.renew(u, { ...UPSTREAM, features: { sticky } })
  expect(u.endpoints[0]).toBe(endpoint)
  expect(cookieFor(endpoint)).toBeDefined()
  rig.renew(u, UPSTREAM)
  expect(cookieFor(endpoint)).toBeUndefined()
})

test('an answer from 500 on ties no client', () => {
  const u = rig.upstream({ features: { sticky } })
  u.setEndpoints([rig.resolved(1)])
  const headers: string[] = []
  u.endpoints[0]?.parts.answers(exchange(), 503, headers)
  expect(headers).toEqual([])
})
