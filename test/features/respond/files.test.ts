import { spawnSync } from 'node:child_process'
import { appendFile, mkdir, rename, symlink, truncate, unlink, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { field, type HttpClient, httpClient, type WireAnswer } from '../../kit/client.ts'
import { descriptors } from '../../kit/descriptors.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'

const LARGE = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => 32 + (i % 95)))

const YAML = `${ONE_WORKER}
overload: off
defaults: { route: { timeouts: { idle: 60s } } }
upstreams: { refusing: { endpoints: ["http://127.0.0.1:1"] } }
routes:
  site: { match: { path: /* }, respond: { directory: ./site, headers: { cache-control: max-age=60 } } }
  assets: { match: { path: /assets/* }, respond: { directory: site, stripPrefix: /assets, index: [] } }
  linked: { match: { path: /linked/* }, respond: { directory: current, stripPrefix: /linked } }
  bare: { match: { path: /bare/* }, respond: { directory: current, stripPrefix: /bare, index: [] } }
  gone: { match: { path: /gone/* }, respond: { directory: ./nowhere } }
  one: { match: { path: /one }, respond: { file: site/page.html } }
  closed: { match: { path: /closed }, respond: { file: site/page.html, status: 503, headers: { content-type: "text/html" } } }
  missing: { match: { path: /missing }, respond: { file: site/none.html } }
  folder: { match: { path: /folder }, respond: { file: site } }
  fallen: { match: { path: /fallen }, to: refusing, circuitBreaker: off, fallback: { route: closed } }
`

let sluice: Sluice
let site: string
const clients: HttpClient[] = []

beforeAll(async () => {
  sluice = await startSluice(YAML, {
    place: async (folder, yaml) => {
      site = join(folder, 'site')
      await mkdir(join(site, 'sub/empty'), { recursive: true })
      await mkdir(join(site, '.well-known'))
      await mkdir(join(site, '.git'))
      await writeFile(join(folder, 'secret.txt'), 'secret')
      await mkdir(join(folder, 'site-other'))
      await writeFile(join(folder, 'site-other/a.txt'), 'secret')
      await writeFile(join(site, 'index.html'), '<h1>home</h1>')
      await writeFile(join(site, 'page.html'), 'x'.repeat(100))
      await writeFile(join(site, 'empty.txt'), '')
      await writeFile(join(site, 'ü b.txt'), 'umlaut')
      await writeFile(join(site, 'sub/index.html'), 'sub')
      await writeFile(join(site, 'large.bin'), LARGE)
      await writeFile(join(site, '.env'), 'secret')
      await writeFile(join(site, '.git/config'), 'secret')
      await writeFile(join(site, '.well-known/security.txt'), 'contact')
      await symlink('page.html', join(site, 'inside.html'))
      await symlink('sub', join(site, 'inside'))
      await symlink('../secret.txt', join(site, 'outside.txt'))
      await symlink('../site-other', join(site, 'beside'))
      await symlink('/', join(site, 'root'))
      await symlink('/dev/zero', join(site, 'zero'))
      await symlink('loop', join(site, 'loop'))
      await symlink('site', join(folder, 'current'))
      spawnSync('mkfifo', [join(site, 'pipe')])
      const file = join(folder, 'sluice.yaml')
      await writeFile(file, yaml)
      return file
    },
  })
})

afterAll(async () => {
  for (const client of clients) client.close()
  await sluice.stop()
})

async function connected(): Promise<HttpClient> {
  const client = await httpClient(sluice.port())
  clients.push(client)
  return client
}

async function ask(path: string, method = 'GET', more: readonly string[] = []): Promise<WireAnswer> {
  const client = await connected()
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: a.test', 'Connection: close', ...more]
  client.send(`${lines.join('\r\n')}\r\n\r\n`)
  const answer = await client.answer(method)
  client.close()
  return answer
}

describe('a file', () => {
  test('comes with its type, validators and length', async () => {
    const answer = await ask('/page.html')
    expect(answer).toMatchObject({ status: 200, body: 'x'.repeat(100), framing: 'length' })
    expect(field(answer, 'content-type')).toBe('text/html; charset=utf-8')
    expect(field(answer, 'content-length')).toBe('100')
    expect(field(answer, 'etag')).toMatch(/^"[0-9a-z]+-[0-9a-z]+"$/)
    expect(Date.parse(field(answer, 'last-modified') ?? '')).toBeLessThanOrEqual(Date.now())
    expect(field(answer, 'accept-ranges')).toBe('bytes')
    expect(field(answer, 'cache-control')).toBe('max-age=60')
    expect(field(answer, 'sluice-request-id')).toBeDefined()
  })

  test.each([
    ['/', '<h1>home</h1>'],
    ['/sub/', 'sub'],
    ['/inside/', 'sub'],
    ['/inside.html', 'x'.repeat(100)],
    ['/%C3%BC%20b.txt', 'umlaut'],
    ['/.well-known/security.txt', 'contact'],
    ['/page.html?v=1', 'x'.repeat(100)],
    ['/assets/page.html', 'x'.repeat(100)],
    ['/one', 'x'.repeat(100)],
    ['/empty.txt', ''],
  ])('%s is found', async (path, body) => {
    expect(await ask(path)).toMatchObject({ status: 200, body, complete: true })
  })

  test('of any size arrives whole', async () => {
    const answer = await ask('/large.bin')
    expect(answer.complete).toBe(true)
    expect(Buffer.from(answer.body, 'latin1').equals(LARGE)).toBe(true)
    const line = await sluice.line(({ path }) => path === '/large.bin')
    expect(line).toMatchObject({ status: 200, bytes_out: LARGE.length, route: 'site' })
  })

  test('HEAD gets its head alone', async () => {
    const answer = await ask('/page.html', 'HEAD')
    expect(answer).toMatchObject({ status: 200, body: '' })
    expect(field(answer, 'content-length')).toBe('100')
    expect(field(answer, 'etag')).toBeDefined()
  })

  test('with another status is a page that every method gets, with no validators', async () => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await ask('/closed', method, ['Content-Length: 0', 'If-None-Match: *', 'Range: bytes=0-1'])
      expect(answer).toMatchObject({ status: 503, body: 'x'.repeat(100) })
      expect(field(answer, 'content-type')).toBe('text/html')
      expect(field(answer, 'etag')).toBeUndefined()
    }
  })

  test('answers in the place of an upstream that does not', async () => {
    const answer = await ask('/fallen')
    expect(answer).toMatchObject({ status: 503, body: 'x'.repeat(100) })
    expect(field(answer, 'sluice-degraded')).toBe('connect_refused')
  })

  test('is seen as it is when the request comes, without a reload', async () => {
    await writeFile(join(site, 'new.txt'), 'one')
    const first = await ask('/new.txt')
    expect(first.body).toBe('one')
    await writeFile(join(site, 'next'), 'other')
    await rename(join(site, 'next'), join(site, 'new.txt'))
    const second = await ask('/new.txt')
    expect(second.body).toBe('other')
    expect(field(second, 'etag')).not.toBe(field(first, 'etag'))
    await unlink(join(site, 'new.txt'))
    expect((await ask('/new.txt')).status).toBe(404)
  })

  test('a folder without its slash is sent there; what cannot be read is told apart', async () => {
    const moved = await ask('/sub?x=1')
    expect([moved.status, field(moved, 'location')]).toEqual([301, '/sub/?x=1'])
    expect([(await ask('/assets')).status, field(await ask('/assets'), 'location')]).toEqual([301, '/assets/'])
    expect((await ask('/sub/empty/')).status).toBe(403)
    expect((await ask('/assets/')).status).toBe(403)
    const post = await ask('/page.html', 'POST', ['Content-Length: 0'])
    expect([post.status, field(post, 'allow')]).toEqual([405, 'GET, HEAD'])
    expect((await ask('/missing')).status).toBe(404)
    expect((await ask('/folder')).status).toBe(404)
  })

  test('a folder that is a link is the folder that it leads to, its own path included', async () => {
    for (const path of ['/linked', '/bare']) {
      const moved = await ask(path)
      expect([moved.status, field(moved, 'location')]).toEqual([301, `${path}/`])
      expect((await ask(`${path}/sub/empty/`)).status).toBe(403)
      expect(await ask(`${path}/page.html`)).toMatchObject({ status: 200, body: 'x'.repeat(100) })
      expect((await ask(`${path}/outside.txt`)).status).toBe(404)
    }
    expect(await ask('/linked/')).toMatchObject({ status: 200, body: '<h1>home</h1>' })
    expect((await ask('/bare/')).status).toBe(403)
  })

  test('a folder that is not there at all is a fault of ours, with its name in the log', async () => {
    const answer = await ask('/gone/x')
    expect([answer.status, answer.body.includes('nowhere')]).toEqual([500, false])
    expect(await sluice.line(({ path }) => path === '/gone/x')).toMatchObject({
      reason: 'internal',
      origin: 'sluice',
      rule: 'file: ENOENT',
    })
  })
})

describe('conditions and ranges', () => {
  test('are judged by the file that is there', async () => {
    const whole = await ask('/page.html')
    const [etag, modified] = [field(whole, 'etag') ?? '', field(whole, 'last-modified') ?? '']
    const status = async (...more: string[]): Promise<number> => (await ask('/page.html', 'GET', more)).status
    expect(await status(`If-None-Match: W/${etag}`)).toBe(304)
    expect(await status(`If-Modified-Since: ${modified}`)).toBe(304)
    expect(await status('If-None-Match: "other"', `If-Modified-Since: ${modified}`)).toBe(200)
    expect(await status('If-Match: "other"')).toBe(412)
    expect(await status('If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT')).toBe(412)
    expect(await status(`If-Match: ${etag}`)).toBe(200)
    const unchanged = await ask('/page.html', 'HEAD', [`If-None-Match: ${etag}`])
    expect([unchanged.status, field(unchanged, 'etag'), field(unchanged, 'cache-control')]).toEqual([
      304,
      etag,
      'max-age=60',
    ])
    const part = await ask('/large.bin', 'GET', ['Range: bytes=1000000-1000009'])
    expect([part.status, part.body, field(part, 'content-range')]).toEqual([
      206,
      LARGE.subarray(1_000_000, 1_000_010).toString(),
      `bytes 1000000-1000009/${LARGE.length}`,
    ])
    expect((await ask('/page.html', 'GET', ['Range: bytes=90-', `If-Range: ${etag}`])).status).toBe(206)
    expect((await ask('/page.html', 'GET', ['Range: bytes=90-', 'If-Range: "x"'])).body).toHaveLength(100)
    expect((await ask('/page.html', 'GET', ['Range: bytes=0-1,5-6'])).status).toBe(200)
    const beyond = await ask('/page.html', 'GET', ['Range: bytes=100-'])
    expect([beyond.status, field(beyond, 'content-range')]).toEqual([416, 'bytes */100'])
  })
})

describe('what must not be served', () => {
  test.each([
    '/.env',
    '/.git/config',
    '/%2eenv',
    '/.well-known/../.env',
    '/outside.txt',
    '/beside/a.txt',
    '/root/etc/passwd',
    '/root/',
    '/zero',
    '/pipe',
    '/loop',
    '/page.html/',
    '/page.html/x',
    '/sub%2findex.html',
    '/sub%5cindex.html',
    '/sub//index.html',
    '/page.html%00.png',
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/sub/%2e%2e/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/..%5csecret.txt',
    '/%c0%ae%c0%ae/secret.txt',
    '/..;/secret.txt',
    '/....//secret.txt',
    '/%252e%252e/secret.txt',
    '/assets/../secret.txt',
    '/assets/..%2fsecret.txt',
    '/assets/%2e%2e/%2e%2e/secret.txt',
    '//secret.txt',
    '/../site-other/a.txt',
    `/${'a/'.repeat(1_500)}b`,
    `/${'a'.repeat(300)}`,
  ])('%s', async (path) => {
    const answer = await ask(path)
    expect([400, 403, 404, 414]).toContain(answer.status)
    expect(answer.body).not.toContain('secret"')
    expect(answer.body).not.toMatch(/^(secret|x+|sub|root:)/)
  })
})

describe('descriptors', () => {
  const slow = async (path = '/large.bin'): Promise<HttpClient> => {
    const client = await connected()
    client.peer.socket.pause()
    client.send(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`)
    return client
  }

  test('come back, whenever clients leave', async () => {
    await ask('/page.html')
    const before = await descriptors(sluice.pid)
    for (let round = 0; round < 3; round++) {
      const held = await Promise.all(Array.from({ length: 20 }, () => slow()))
      await until(async () => (await descriptors(sluice.pid)) >= before + 30, 'files and connections are open')
      for (const client of held) client.close()
    }
    for (let i = 0; i < 60; i++) {
      const client = await connected()
      client.send(`GET /large.bin HTTP/1.1\r\nHost: a.test\r\n${i % 3 === 0 ? '' : '\r\n'}`)
      if (i % 3 === 1) client.close()
      else setTimeout(() => client.close(), i % 7)
    }
    for (const path of ['/zero', '/pipe', '/sub', '/outside.txt', '/gone/x', '/']) await ask(path)
    for (const more of ['If-None-Match: *', 'If-Match: "x"', 'Range: bytes=9999999-'])
      await ask('/large.bin', 'GET', [more])
    await ask('/large.bin', 'HEAD')
    for (const client of clients) client.close()
    await until(async () => (await descriptors(sluice.pid)) <= before, `${before} descriptors`)
  })

  /** An answer that is read when the test says so: the bytes of its body, and whether it came whole. */
  async function begun(path: string): Promise<{ rest(): Promise<{ bytes: number; complete: boolean }> }> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    request({ port: sluice.port(), path, agent: false }, resolve).on('error', reject).end()
    const answer = await promise
    // At once: an answer that breaks before anybody hears its errors ends in silence.
    const ended = new Promise((resolve) => answer.on('error', resolve).on('end', resolve))
    return {
      async rest() {
        let bytes = 0
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length
        })
        await ended
        return { bytes, complete: answer.complete }
      },
    }
  }

  test('a file that becomes shorter breaks the answer visibly; one that grows is sent as it was announced', async () => {
    const path = join(site, 'changing.bin')
    // More than the buffers of a connection hold.
    const size = 64 * 1024 * 1024
    await writeFile(path, '')
    await truncate(path, size)
    const shorter = await begun('/changing.bin')
    await truncate(path, 1_000)
    expect((await shorter.rest()).complete).toBe(false)
    expect(await sluice.line(({ path }) => path === '/changing.bin')).toMatchObject({
      reason: 'response_incomplete',
      phase: 'body',
      origin: 'sluice',
      rule: 'file: became shorter',
    })

    await truncate(path, size)
    const longer = await begun('/changing.bin')
    await appendFile(path, 'more')
    expect(await longer.rest()).toEqual({ bytes: size, complete: true })
  })
})
