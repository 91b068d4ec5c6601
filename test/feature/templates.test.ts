import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../kit/sluice.ts'
import { closedPort } from '../kit/tcp.ts'
import { seenField, type TestUpstream, testUpstream } from '../kit/upstream.ts'

let upstream: TestUpstream
let sluice: Sluice

beforeAll(async () => {
  upstream = await testUpstream()
  sluice = await startSluice(`${TOP}
upstreams:
  up: { endpoints: ["${upstream.url}"] }
  dead: { endpoints: ["http://127.0.0.1:${await closedPort()}"] }
routes:
  up:
    match: { path: "/users/{user}/*" }
    to: up
    rewrite: { path: "/u/{user}" }
    headers:
      request: { set: { x-id: "{request.id}", x-user: "<{params.user}>", report: '{"a":{"max":1}}' } }
      response: { add: { x-trace: "{request.correlationId} {client.address}" } }
  dead:
    match: { path: /dead }
    to: dead
    fallback:
      status: 503
      headers: { content-type: application/json }
      body: '{"why":"{failure.reason}","id":"{request.id}","more":{"route":"{route.name}"}}'
  page:
    match: { path: "/page/{name}" }
    respond:
      headers: { content-type: text/html }
      body: "<style>a{color:red}</style>{params.name} {{request.id}}"
`)
})

afterAll(async () => {
  await sluice.stop()
  await upstream.close()
})

test('the upstream and the client get fields with values of the request', async () => {
  const answer = await sluice.get("/users/j%C3%BC'x/more")
  const seen = upstream.seen.at(-1)
  if (seen === undefined) throw new Error('the upstream saw nothing')
  expect(seen.target).toBe("/u/j%C3%BC'x")
  expect(seenField(seen, 'x-id')).toBe(answer.headers['sluice-request-id'])
  expect(seenField(seen, 'x-user')).toBe("<j%C3%BC'x>")
  expect(seenField(seen, 'report')).toBe('{"a":{"max":1}}')
  expect(answer.headers['x-trace']).toBe(`${answer.headers['x-correlation-id']} 127.0.0.1`)
})

test('a fallback tells why it answers, in JSON', async () => {
  const { body, headers, status } = await sluice.get('/dead')
  expect(status).toBe(503)
  expect(JSON.parse(body)).toEqual({
    why: 'connect_refused',
    id: headers['sluice-request-id'],
    more: { route: 'dead' },
  })
  expect(headers['content-length']).toBe(String(body.length))
})

test('what a client sends is no markup in a page', async () => {
  const { body } = await sluice.get("/page/a&b'<i>")
  expect(body).toBe('<style>a{color:red}</style>a&amp;b&#39;&lt;i&gt; {request.id}')
})
