import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { field, httpClient } from '../../kit/client.ts'
import { type Answer, fetchRaw, ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const PAGES: Readonly<Record<string, string>> = {
  'root.html':
    '<h1>root {failure.status}</h1><p>{failure.reason} {request.correlationId} {route.name}|{request.path}</p>',
  'root.json': '{"root":"{failure.reason}","status":{failure.status}}',
  '404.html': '<h1>not here</h1>',
  'shop.html': '<h1>shop {failure.title}</h1>',
  'shop-503.txt': 'closed: {failure.detail}',
  'taken.html': '<h1>taken {failure.status}</h1>',
}
const HTML = { accept: 'text/html,*/*;q=0.8', 'x-correlation-id': 'corr-7' }

let sluice: Sluice
let upstream: TestUpstream

beforeAll(async () => {
  upstream = await testUpstream((req, res) => {
    const status = Number(/\d+/.exec(req.url ?? '')?.[0] ?? 200)
    const body = gzipSync(`the body of ${status}`)
    res.writeHead(status, {
      'content-type': req.url?.includes('grpc') === true ? 'application/grpc' : 'application/xml',
      'content-encoding': 'gzip',
      'content-length': body.length,
      etag: '"a"',
      'set-cookie': 'a=b',
      'x-kept': 'yes',
    })
    res.end(body)
  })
  const app = `http://127.0.0.1:${upstream.port}`
  sluice = await startSluice(
    `${ONE_WORKER}
overload: off
watch: 100ms
errorPages:
  404: { file: ./404.html }
  default: [{ file: root.html }, { file: root.json }]
upstreams:
  app: { endpoints: ["${app}"] }
  refusing: { endpoints: ["http://127.0.0.1:${await closedPort()}"] }
defaults: { route: { retries: off, circuitBreaker: off } }
routes:
  plain: { match: { path: /plain/* }, to: app }
  down: { match: { path: /down/* }, to: refusing }
  shop:
    match: { path: /shop/* }
    to: refusing
    errorPages: { 5xx: { file: shop.html }, 502: { file: shop-503.txt } }
  taken:
    match: { path: /taken/* }
    to: app
    errorPages: { 4xx: { file: taken.html, intercept: true } }
  fallen: { match: { path: /fallen/* }, to: refusing, fallback: { status: 503, body: kept }, errorPages: { default: { file: taken.html, intercept: true } } }
  closed: { match: { path: /closed }, to: app, access: { deny: 127.0.0.0/8 } }
`,
    {
      place: async (folder, yaml) => {
        for (const [name, text] of Object.entries(PAGES)) await writeFile(join(folder, name), text)
        const file = join(folder, 'sluice.yaml')
        await writeFile(file, yaml)
        return file
      },
    },
  )
})

afterAll(async () => {
  await sluice.stop()
  await upstream.close()
})

describe('a failure is told', () => {
  test('by the page of its status, with the fields of every failure', async () => {
    const answer = await sluice.get('/down/x', HTML)
    expect(answer.status).toBe(502)
    expect(answer.body).toBe('<h1>root 502</h1><p>connect_refused corr-7 down|/down/x</p>')
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-length': String(answer.body.length),
      'proxy-status': expect.stringContaining('connect_refused'),
      'cache-control': 'no-store',
      'x-correlation-id': 'corr-7',
    })
    expect(answer.headers['sluice-request-id']).toBeDefined()
  })

  test.each<[string, string, Readonly<Record<string, string>>, string]>([
    ['the status before the default', '/nothing', HTML, '<h1>not here</h1>'],
    ['without a route: the default', '/closed', HTML, '<h1>root 403</h1><p>forbidden corr-7 closed|/closed</p>'],
    ['to who asks for JSON', '/down/x', { accept: 'application/json' }, '{"root":"connect_refused","status":502}'],
    ['to who asks for nothing', '/down/x', {}, '{"root":"connect_refused","status":502}'],
    ['by the route before the root', '/shop/x', HTML, '<h1>shop The upstream refused the connection</h1>'],
    [
      'by the format, whatever the status',
      '/shop/x',
      { accept: 'text/plain' },
      'closed: The upstream refused the connection.',
    ],
    ['by the root where the route has no such format', '/shop/x', {}, '{"root":"connect_refused","status":502}'],
    [
      'with values escaped',
      '/down/%3Cb%3E/%22',
      HTML,
      '<h1>root 502</h1><p>connect_refused corr-7 down|/down/%3Cb%3E/%22</p>',
    ],
  ])('%s', async (_, path, headers, body) => {
    expect((await sluice.get(path, headers)).body).toBe(body)
  })

  test('by Sluice itself where there is no page of the format', async () => {
    expect((await sluice.get('/down/x', { accept: 'text/plain' })).body).toMatch(/^502 The upstream refused/)
  })

  test('to HEAD by its head alone', async () => {
    const answer = await fetchRaw(sluice.port(), 'HEAD', '/down/x', HTML)
    expect([answer.status, answer.body]).toEqual([502, ''])
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(0)
  })

  test('to gRPC as ever', async () => {
    const answer = await sluice.send('POST', '/down/x', '', { ...HTML, 'content-type': 'application/grpc+proto' })
    expect(answer.body).not.toContain('root')
  })

  test('also where a listener refuses a request', async () => {
    const client = await httpClient(sluice.port())
    client.send('GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\nAccept: text/html\r\n\r\n')
    const answer = await client.answer()
    client.close()
    expect([answer.status, field(answer, 'content-type')]).toEqual([400, 'text/html; charset=utf-8'])
    expect(answer.body).toContain('<h1>root 400</h1><p>bad_request ')
  })
})

describe('answers of upstreams', () => {
  test('are left alone', async () => {
    const answer = await sluice.get('/plain/404', HTML)
    expect([answer.status, answer.headers['content-type']]).toEqual([404, 'application/xml'])
    expect(answer.headers['content-encoding']).toBe('gzip')
  })

  test('get a page where `intercept` says so, with their own status and fields', async () => {
    const taken = (answer: Answer): void => {
      expect(answer.status).toBe(404)
      expect(answer.headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'set-cookie': 'a=b',
        'x-kept': 'yes',
        vary: 'accept',
      })
      for (const name of ['content-encoding', 'etag']) expect(answer.headers[name]).toBeUndefined()
    }
    const answer = await sluice.get('/taken/404', HTML)
    taken(answer)
    expect(answer.body).toBe('<h1>taken 404</h1>')
    const head = await fetchRaw(sluice.port(), 'HEAD', '/taken/404', HTML)
    taken(head)
    expect(head.body).toBe('')
  })

  test.each([
    ['with another status', '/taken/500', HTML],
    ['that succeed', '/taken/200', HTML],
    ['in another format', '/taken/404', { accept: 'application/json' }],
  ])('%s stay', async (_, path, headers) => {
    expect((await sluice.get(path, headers)).headers['content-type']).toBe('application/xml')
  })

  test('of gRPC stay', async () => {
    const answer = await sluice.send('POST', '/taken/404-grpc', '', { ...HTML, 'content-type': 'application/grpc' })
    expect(answer.headers['content-type']).toBe('application/grpc')
  })

  test('that a fallback gives stay', async () => {
    const answer = await sluice.get('/fallen/x', HTML)
    expect([answer.status, answer.body]).toEqual([503, 'kept'])
  })
})

describe('a page that changes', () => {
  test('is read again; a bad one changes nothing', async () => {
    await writeFile(join(sluice.folder, '404.html'), '<h1>{failure.reson}</h1>')
    await until(() => sluice.stderr.includes('404.html, line 1'), 'it is refused')
    expect((await sluice.get('/nothing', HTML)).body).toBe('<h1>not here</h1>')
    await writeFile(join(sluice.folder, '404.html'), '<h1>gone: {failure.reason}</h1>')
    await until(async () => (await sluice.get('/nothing', HTML)).body === '<h1>gone: no_route</h1>', 'the new page')
  })
})
