/**
 * A gateway in a test: between a shop and the service that it depends on, in time that the test moves. Run it with
 * `node --test shop.test.ts`.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { createGateway, type InlineGateway, VirtualClock } from 'sluice'

/** The service that the shop depends on; `broken`: it answers 503. */
const orders = { broken: false, asked: 0, server: undefined as Server | undefined }

/** What is tested: a shop that says something useful while it cannot reach its orders. */
async function ordersPage(gateway: string): Promise<string> {
  const answer = await fetch(`${gateway}/orders`)
  if (answer.ok) return `Your orders: ${await answer.text()}`
  const { reason } = (await answer.json()) as { reason: string }
  return reason === 'breaker_open' ? 'Your orders are back soon.' : 'Something went wrong.'
}

const clock = new VirtualClock()
let gateway: InlineGateway
let url: string

before(async () => {
  orders.server = createServer((_req, res) => {
    orders.asked++
    res.writeHead(orders.broken ? 503 : 200, { 'content-type': 'application/json' })
    res.end(orders.broken ? '{"reason":"broken"}' : '2 books')
  }).listen(0, '127.0.0.1')
  await once(orders.server, 'listening')
  const { port } = orders.server.address() as AddressInfo
  gateway = await createGateway({
    clock,
    config: {
      apiVersion: 'sluice/v1',
      listeners: { web: { listen: '127.0.0.1:0' } },
      upstreams: { orders: { endpoints: [`http://127.0.0.1:${port}`] } },
      routes: {
        orders: {
          match: { path: '/orders' },
          to: 'orders',
          retries: 'off',
          circuitBreaker: { minRequests: 3, errorRate: 0.5, openFor: '30s' },
        },
      },
    },
  })
  const [web] = await gateway.listen()
  url = `http://127.0.0.1:${web?.port}`
})

after(async () => {
  await gateway.close()
  orders.server?.close()
})

test('the shop says so while the breaker is open, and spares the service', async () => {
  const states: string[] = []
  gateway.on('state', ({ labels, state }) => states.push(`${labels.route}: ${state}`))
  assert.equal(await ordersPage(url), 'Your orders: 2 books')

  orders.broken = true
  for (let i = 0; i < 3; i++) await ordersPage(url)
  assert.deepEqual(states, ['orders: open'])
  const { asked } = orders
  assert.equal(await ordersPage(url), 'Your orders are back soon.')
  assert.equal(orders.asked, asked)

  orders.broken = false
  clock.advance(60_000)
  assert.equal(await ordersPage(url), 'Your orders: 2 books')
})
