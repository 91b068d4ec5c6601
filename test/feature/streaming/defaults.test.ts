import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpClient } from '../../kit/client.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const PIECES = 31
/** Above the least rate of the defaults: 1 KiB a second. */
const PIECE = 'x'.repeat(2048)

let upstream: TestUpstream
let sluice: Sluice

beforeAll(async () => {
  upstream = await testUpstream((req, res, seen) => {
    if (req.url === '/slow') setTimeout(() => res.end('late'), 10_000)
    else req.on('end', () => res.end(String(seen.body.length)))
  })
  sluice = await startSluice(`${TOP}
upstreams: { app: { endpoints: ["${upstream.url}", "${upstream.url.replace('127.0.0.1', 'localhost')}"] } }
routes: { app: { match: { path: /* }, to: app } }
`)
})

afterAll(async () => {
  await sluice.stop()
  await upstream.close()
})

test('on built-in defaults an upload of 30 s and an answer of 10 s pass, each sent to the upstream once', async () => {
  const slow = (async () => {
    const client = await httpClient(sluice.port())
    client.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(await client.answer('GET')).toMatchObject({ status: 200, body: 'late' })
    client.close()
  })()
  const upload = (async () => {
    const client = await httpClient(sluice.port())
    client.send(`PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: ${PIECES * PIECE.length}\r\n\r\n`)
    for (let i = 0; i < PIECES; i++) {
      client.send(PIECE)
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
    expect(await client.answer('PUT')).toMatchObject({ status: 200, body: String(PIECES * PIECE.length) })
    client.close()
  })()
  await Promise.all([slow, upload])
  expect(upstream.seen.map(({ target }) => target).toSorted()).toEqual(['/slow', '/upload'])
  const lines = [await sluice.line(({ path }) => path === '/slow'), await sluice.line(({ path }) => path === '/upload')]
  expect(lines.map(({ attempts }) => attempts)).toEqual([1, 1])
  expect(lines[1]?.duration_ms).toBeGreaterThan(30_000)
})
