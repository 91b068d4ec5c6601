import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { costPeers, routeLines } from '../../bench/costs.ts'
import { field, type HttpClient, httpClient } from '../../kit/client.ts'
import { endChild } from '../../kit/end-child.ts'
import { fetchRaw, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { seenField, testUpstream } from '../../kit/upstream.ts'

const file = (name: string): URL => new URL(`../../bench/${name}`, import.meta.url)

describe('bare', () => {
  it('forwards both ways without hop-by-hop fields', async () => {
    const upstream = await testUpstream((req, res) => {
      req.on('end', () => res.writeHead(201, { connection: 'x-hop', 'x-hop': '1', 'x-end': '2' }).end('answer'))
    })
    const port = await closedPort()
    const child = spawn(process.execPath, [fileURLToPath(file('bare.ts')), String(port), String(upstream.port)])
    try {
      const headers = { connection: 'x-own', 'x-own': '1', te: 'trailers', 'keep-alive': 'x', 'x-kept': '2' }
      const ask = () => fetchRaw(port, 'POST', '/a?b=c', headers, 'body')
      await until(async () => (await ask().catch(() => undefined)) !== undefined, 'an answer through bare')
      const answer = await ask()
      expect(answer).toMatchObject({ status: 201, body: 'answer' })
      expect(answer.headers['x-end']).toBe('2')
      expect(answer.headers['x-hop']).toBeUndefined()
      const seen = upstream.seen.at(-1)
      expect(seen).toMatchObject({ method: 'POST', target: '/a?b=c', body: Buffer.from('body') })
      const got = (name: string) => seen && seenField(seen, name)
      expect([got('host'), got('x-kept')]).toEqual([`127.0.0.1:${port}`, '2'])
      expect(['x-own', 'te', 'keep-alive'].map(got)).toEqual([undefined, undefined, undefined])
    } finally {
      await endChild(child)
      await upstream.close()
    }
  })
})

describe('lean', () => {
  it('passes on what it has read, whole or in pieces, and no body', async () => {
    const large = 'x'.repeat(100_000)
    const upstream = await testUpstream((req, res) => {
      const body = req.url === '/large' ? large : 'answer'
      res.writeHead(201, { 'x-end': '2', 'content-length': body.length }).end(body)
    })
    const port = await closedPort()
    const child = spawn(process.execPath, [fileURLToPath(file('apps/lean.ts')), String(port), String(upstream.port)])
    try {
      let client: HttpClient | undefined
      await until(async () => {
        client = await httpClient(port).catch(() => undefined)
        return client !== undefined
      }, 'lean listens')
      const ask = (...pieces: string[]) => {
        for (const piece of pieces) client?.send(piece)
        return (client as HttpClient).answer()
      }
      const answer = await ask('GET /a?b HTTP/1.1\r\nHo', 'st: a\r\nX-Kept: 1\r\n\r\n')
      expect(answer).toMatchObject({ status: 201, body: 'answer' })
      expect(field(answer, 'x-end')).toBe('2')
      const seen = upstream.seen.at(-1)
      expect(seen).toMatchObject({ method: 'GET', target: '/a?b' })
      expect(seen && seenField(seen, 'x-kept')).toBe('1')
      expect((await ask('GET /large HTTP/1.1\r\nHost: a\r\n\r\n')).body === large).toBe(true)
      client?.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx')
      await client?.ended()
    } finally {
      await endChild(child)
      await upstream.close()
    }
  })
})

describe('what the costs are made of', () => {
  const config = (port: number, lines: readonly string[]): string => `${TOP}
upstreams:
  backend: { endpoints: ["http://127.0.0.1:${port}"] }
routes:
  all:
    match: { path: /* }
    to: backend
${lines.map((line) => `    ${line}\n`).join('')}`

  it('has everything on, one thing off at a time, and the floor', () => {
    const names = costPeers.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toEqual(expect.arrayContaining(['all on', 'without retries', 'without access log', 'bare']))
  })

  it('switches policies on and off by config', async () => {
    const upstream = await testUpstream()
    const on = await startSluice(config(upstream.port, routeLines()))
    const off = await startSluice(config(upstream.port, routeLines('response headers')))
    try {
      expect((await on.get('/')).headers['x-served-by']).toBe('bench')
      const answer = await off.get('/')
      expect(answer.status).toBe(200)
      expect(answer.headers['x-served-by']).toBeUndefined()
    } finally {
      await Promise.all([on.stop(), off.stop(), upstream.close()])
    }
  })

  it.each([
    ['access log', { logged: false, counted: true, forwarded: true }],
    ['metrics', { logged: true, counted: false, forwarded: true }],
    ['log and metrics', { logged: false, counted: false, forwarded: true }],
    ['correlation and trace', { logged: true, counted: true, forwarded: true }],
    ['route look-up', { logged: true, counted: true, forwarded: true }],
    ['forwarded fields', { logged: true, counted: true, forwarded: false }],
  ])('cuts %s out of a gateway that goes on serving', async (stage, expected) => {
    const upstream = await testUpstream()
    const env = { NODE_OPTIONS: `--import ${file('without.ts').href}`, SLUICE_BENCH_WITHOUT: stage }
    const sluice = await startSluice(config(upstream.port, routeLines()), { env })
    try {
      expect((await sluice.get('/')).body).toBe('ok')
      const count = async () => /^sluice_requests_total\{.*\} [1-9]/m.test((await sluice.probe('/metrics')).body)
      if (expected.counted) await until(count, 'the request in the metrics')
      const [seen] = upstream.seen
      const forwarded = seen !== undefined && seenField(seen, 'x-forwarded-for') !== undefined
      const counted = await count()
      // Stopped: what it had to log is out.
      await sluice.stop()
      expect({ logged: sluice.log.length > 0, counted, forwarded }).toEqual(expected)
    } finally {
      await sluice.stop()
      await upstream.close()
    }
  })
})
