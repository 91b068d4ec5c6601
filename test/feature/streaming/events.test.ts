import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { httpClient } from '../../kit/client.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let upstream: TestUpstream
let sluice: Sluice
let stream: ServerResponse | undefined

beforeEach(async () => {
  stream = undefined
  upstream = await testUpstream((req, res) => {
    res.writeHead(200, { 'content-type': req.url === '/events' ? 'text/event-stream' : 'text/plain' })
    res.flushHeaders()
    stream = res
  })
  sluice = await startSluice(`${TOP}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes: { app: { match: { path: /* }, to: app, timeouts: { idle: 300ms, stream: 2s } } }
`)
})

afterEach(async () => {
  stream?.destroy()
  await sluice.stop()
  await upstream.close()
})

test('server-sent events arrive one by one, however long the pauses between them', async () => {
  const client = await httpClient(sluice.port())
  client.send('GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n')
  await client.peer.receive('text/event-stream')
  for (let i = 0; i < 4; i++) {
    // The next one is sent only when the one before has arrived.
    stream?.write(`data: ${i}\n\n`)
    await client.peer.receive(`data: ${i}\n\n`)
  }
  // Longer than `idle`, shorter than `stream`: the pause is what is tested.
  await new Promise((resolve) => setTimeout(resolve, 500))
  stream?.end('data: last\n\n')
  expect(await client.answer()).toMatchObject({ status: 200, framing: 'chunked', complete: true })
  client.close()
})

test.each([
  ['/events', 'after `stream`'],
  ['/other', 'after `idle`'],
])('an answer that falls silent is broken off: %s %s', async (path) => {
  const client = await httpClient(sluice.port())
  client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  await until(() => stream !== undefined, 'the request arrives')
  stream?.write('something')
  expect(await client.answer()).toMatchObject({ status: 200, body: 'something', complete: false })
  const line = await sluice.line((candidate) => candidate.path === path)
  expect(line).toMatchObject({ reason: 'idle_timeout', phase: 'body', origin: 'upstream' })
  const ms = line.duration_ms as number
  if (path === '/events') expect(ms).toBeGreaterThanOrEqual(2000)
  client.close()
})
