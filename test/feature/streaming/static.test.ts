import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { field, httpClient, type WireAnswer } from '../../kit/client.ts'
import { type Nginx, startNginx, withoutNginx } from '../../kit/nginx.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'

/** Fields that a gateway may add, or that are of one connection only. */
const OURS = new Set([
  'date',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'x-correlation-id',
  'x-request-id',
  'sluice-request-id',
])

describe.skipIf(withoutNginx())('static files of nginx, through Sluice and without', () => {
  let nginx: Nginx
  let sluice: Sluice
  let etag: string
  let modified: string

  beforeAll(async () => {
    nginx = await startNginx(
      'gzip on; gzip_proxied any; gzip_vary on; gzip_min_length 10; gzip_types text/plain; gzip_http_version 1.0;',
    )
    await writeFile(join(nginx.files, 'page.html'), `<h1>${'hello '.repeat(500)}</h1>`)
    await writeFile(
      join(nginx.files, 'data.bin'),
      Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 31) % 256)),
    )
    await writeFile(join(nginx.files, 'empty.txt'), '')
    await mkdir(join(nginx.files, 'folder'))
    sluice = await startSluice(`${TOP}
upstreams: { files: { endpoints: ["http://127.0.0.1:${nginx.port}"] } }
routes: { files: { match: { path: /* }, to: files } }
`)
    const head = await ask(nginx.port, 'HEAD', '/data.bin')
    etag = field(head, 'etag') as string
    modified = field(head, 'last-modified') as string
  })

  afterAll(async () => {
    expect(await sluice.stop()).toBe(0)
    await nginx.stop()
  })

  async function ask(port: number, method: string, path: string, headers = ''): Promise<WireAnswer> {
    const client = await httpClient(port)
    client.send(`${method} ${path} HTTP/1.1\r\nHost: files.test\r\n${headers}\r\n`)
    const answer = await client.answer(method)
    client.close()
    return answer
  }

  function shown({ status, headers, body, complete }: WireAnswer) {
    const kept: string[] = []
    for (let i = 0; i < headers.length; i += 2) {
      if (!OURS.has(headers[i]?.toLowerCase() as string)) kept.push(`${headers[i]}: ${headers[i + 1]}`)
    }
    return { status, kept, complete, body: createHash('sha256').update(body, 'latin1').digest('hex') }
  }

  test.each([
    ['a file', 200, 'GET', '/data.bin', (): string => ''],
    ['its head', 200, 'HEAD', '/data.bin', (): string => ''],
    ['an empty file', 200, 'GET', '/empty.txt', (): string => ''],
    ['a range', 206, 'GET', '/data.bin', (): string => 'Range: bytes=1000-1999\r\n'],
    ['several ranges', 206, 'GET', '/data.bin', (): string => 'Range: bytes=-10\r\n'],
    ['a range that is not there', 416, 'GET', '/data.bin', (): string => 'Range: bytes=200000-\r\n'],
    [
      'a range of what has not changed',
      206,
      'GET',
      '/data.bin',
      (): string => `Range: bytes=0-9\r\nIf-Range: ${etag}\r\n`,
    ],
    ['what has not changed', 304, 'GET', '/data.bin', (): string => `If-None-Match: ${etag}\r\n`],
    ['what has not changed, by date', 304, 'GET', '/data.bin', () => `If-Modified-Since: ${modified}\r\n`],
    ['what has changed', 200, 'GET', '/data.bin', (): string => 'If-None-Match: "other"\r\n'],
    ['what must not have changed', 412, 'GET', '/data.bin', (): string => 'If-Match: "other"\r\n'],
    ['what is compressed', 200, 'GET', '/page.html', (): string => 'Accept-Encoding: gzip\r\n'],
    ['what could be', 200, 'GET', '/page.html', (): string => ''],
    ['what is not there', 404, 'GET', '/nothing', (): string => ''],
    ['a folder', 301, 'GET', '/folder', (): string => ''],
    ['a method that it does not take', 405, 'DELETE', '/page.html', (): string => ''],
  ] as const)('%s: %i', async (_name, status, method, path, headers) => {
    const direct = shown(await ask(nginx.port, method, path, headers()))
    expect(direct.status).toBe(status)
    expect(shown(await ask(sluice.port(), method, path, headers()))).toEqual(direct)
  })
})
