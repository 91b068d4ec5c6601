import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/lib/random.ts'
import { catalog, type DemoRequest, echo, orders } from '../../../../src/tools/demo/services.ts'

const random = seededRandom(1)

function asked(method: string, path: string, more: Partial<DemoRequest> = {}): DemoRequest {
  return { method, path, target: path, headers: [], bodyBytes: 0, ...more }
}

describe('orders', () => {
  test('lists orders, shows one, takes one in', () => {
    expect(orders(asked('GET', '/orders'), random).body).toHaveLength(20)
    expect(orders(asked('GET', '/orders/'), random).body).toHaveLength(20)
    expect(orders(asked('GET', '/orders/7'), random)).toMatchObject({ status: 200, body: { id: 7 } })
    const taken = orders(asked('POST', '/orders', { bodyBytes: 12 }), random)
    expect(taken).toMatchObject({ status: 201, body: { bodyBytes: 12 } })
  })

  test.each([
    ['GET', '/orders/21', 404],
    ['GET', '/orders/x', 404],
    ['GET', '/orders/0', 404],
    ['DELETE', '/orders/7', 405],
    ['PUT', '/orders', 405],
  ])('%s %s is %i', (method, path, status) => {
    expect(orders(asked(method, path), random).status).toBe(status)
  })
})

describe('catalog', () => {
  test('is tens of KB and takes 20 to 80 ms', () => {
    const delays = Array.from({ length: 100 }, () => catalog(asked('GET', '/catalog/'), random).delayMs)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(20)
    expect(Math.max(...delays)).toBeLessThanOrEqual(80)
    expect(new Set(delays).size).toBeGreaterThan(50)
    const bytes = JSON.stringify(catalog(asked('GET', '/catalog'), random).body).length
    expect(bytes).toBeGreaterThan(20_000)
    expect(bytes).toBeLessThan(100_000)
  })

  test.each([
    ['GET', '/catalog/item-3', 200],
    ['GET', '/catalog/item-120', 404],
    ['GET', '/catalog/thing-3', 404],
    ['POST', '/catalog/', 405],
  ])('%s %s is %i', (method, path, status) => {
    expect(catalog(asked(method, path), random).status).toBe(status)
  })
})

test('echo shows what arrived, in order and case', () => {
  const request = asked('PATCH', '/echo/x', {
    target: '/echo/x?a=1',
    headers: ['X-B', '1', 'x-a', '2', 'X-B', '3'],
    bodyBytes: 5,
  })
  expect(echo(request, random).body).toEqual({
    method: 'PATCH',
    target: '/echo/x?a=1',
    headers: [
      ['X-B', '1'],
      ['x-a', '2'],
      ['X-B', '3'],
    ],
    bodyBytes: 5,
  })
})
