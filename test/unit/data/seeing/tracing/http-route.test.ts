import { expect, test } from 'vitest'
import type { MatchConfig } from '../../../../../src/core/config.ts'
import { pathPattern } from '../../../../../src/data/routing/options.ts'
import { httpRouteOf } from '../../../../../src/data/seeing/tracing/http-route.ts'
import { nodeOf } from '../../../../../src/schema/node.ts'
import { At } from '../../../../../src/schema/schema.ts'

const match = (...paths: string[]) =>
  [{ paths: paths.map((path) => pathPattern().read(nodeOf(path), new At([]))) }] as unknown as MatchConfig[]

test.each([
  [['/orders/{id}'], '/orders/7', '/orders/{id}'],
  [['/a', '/orders/{id}', '/orders/*'], '/orders/7', '/orders/{id}'],
  [['/a', '/orders/{id}', '/orders/*'], '/orders/7/items', '/orders/*'],
  [['/a', '/orders/*'], '/orders', '/orders/*'],
  [['/a', '~ ^/v[0-9]+$'], '/v2', '^/v[0-9]+$'],
  [[], '/x', undefined],
])('of %j the path %s has matched %s', (paths, path, pattern) => {
  expect(httpRouteOf(match(...paths))(path)).toBe(pattern)
})
