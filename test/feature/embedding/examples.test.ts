import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { application } from '../../../config/examples/embedding/fastify.ts'
import { until } from '../../kit/until.ts'
import { type SeenRequest, seenField, type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../../..')
const EXAMPLES = join(ROOT, 'config/examples/embedding')

test('shop.test.ts passes', async () => {
  const args = ['--conditions=sluice-source', '--test', join(EXAMPLES, 'shop.test.ts')]
  const { stdout } = await run(join(ROOT, 'node_modules/.bin/node'), args, { cwd: EXAMPLES })
  expect(stdout).toMatch(/pass 1\n.*fail 0/s)
})

describe('fastify.ts', () => {
  let orders: TestUpstream
  let stock: TestUpstream
  let app: FastifyInstance
  let url: string

  beforeAll(async () => {
    orders = await testUpstream((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => response.end(`${request.method} ${request.url} ${Buffer.concat(chunks).length}`))
    })
    stock = await testUpstream((_request, response) => void response.writeHead(503).end())
    app = await application(`http://127.0.0.1:${orders.port}`, `http://127.0.0.1:${stock.port}`)
    url = await app.listen({ port: 0 })
  })

  afterAll(async () => {
    await app.close()
    await orders.close()
    await stock.close()
  })

  test('answers its own routes itself', async () => {
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ drain: 'serving' })
  })

  test('passes others on, with bodies that Fastify would refuse', async () => {
    const body = Buffer.alloc(3_000_000)
    const answer = await fetch(`${url}/api/orders/7?a=1`, { method: 'POST', body })
    expect([answer.status, await answer.text()]).toEqual([200, 'POST /api/orders/7?a=1 3000000'])
    expect(seenField(orders.seen[0] as SeenRequest, 'via')).toContain('sluice')
  })

  test('has what Sluice does for them', async () => {
    expect(await (await fetch(`${url}/api/stock/7`)).text()).toBe('many')
    expect((await fetch(`${url}/api/else`)).status).toBe(404)
  })

  test('tells the service that a client has left', async () => {
    const { script } = orders
    orders.script = () => {}
    const client = connect(Number(new URL(url).port), '127.0.0.1')
    client.write('GET /api/orders/1 HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => orders.seen.length === 2)
    client.resetAndDestroy()
    await until(() => orders.seen[1]?.aborted === true)
    orders.script = script
  })

  test('answers what is injected', async () => {
    const answer = await app.inject({ method: 'POST', url: '/api/orders/1', payload: 'four' })
    expect([answer.statusCode, answer.body]).toEqual([200, 'POST /api/orders/1 4'])
  })
})
