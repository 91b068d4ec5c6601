import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ERRORS, type ErrorCode } from '../../../src/control/admin/contract.ts'
import { AdminGuard } from '../../../src/control/admin/guard.ts'
import type { ProbeFacts } from '../../../src/control/admin/probes.ts'
import { Tokens } from '../../../src/control/admin/tokens.ts'
import { BadCommand, CommandRefused, NotFound, readQuery } from '../../../src/core/command.ts'
import type { EventReader } from '../../../src/core/operation.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { object, optional } from '../../../src/schema/composites.ts'
import type { Node } from '../../../src/schema/node.ts'
import { integer, name } from '../../../src/schema/scalars.ts'
import type { Schema } from '../../../src/schema/schema.ts'
import { type Opened, openAdmin, openProbes, SERVING } from '../../kit/control-servers.ts'
import { commandOf, eventsOf, questionOf, viewOf } from '../../kit/operations.ts'
import { tcpConnect } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'

const TOKEN = 'the-operator-token'
let facts: ProbeFacts
let port: number
let calls: unknown[]
let audited: string[]
let bugs: unknown[]
let streams: EventReader[]
let stopped: number
let app: Opened

const anything: Schema<Node> = { expected: 'anything', json: {}, read: (node) => node }
const query = object({ route: optional(name(), 'A route.'), limit: optional(integer(1, 10), 'How many.') })

beforeEach(async () => {
  facts = SERVING
  calls = []
  audited = []
  bugs = []
  streams = []
  stopped = 0
  app = await openAdmin({
    guard: new AdminGuard({
      tokens: new Tokens([
        { name: 'ci', role: 'operator', secret: TOKEN },
        { name: 'eye', role: 'viewer', secret: 'see' },
      ]),
      guardReads: false,
      hosts: [],
    }),
    facts: () => facts,
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'sluice_build_info 1\n' }),
    operations: [
      viewOf('status', () => ({ gateway: 'edge' })),
      viewOf('things', (asked) => readQuery(query, asked.query), { takes: { query } }),
      viewOf('things/:id', ({ params }) => {
        if (params.id !== 'known') throw new NotFound('no such thing')
        return params
      }),
      eventsOf(
        'news',
        (asked) => {
          readQuery(query, asked.query)
          return (stream) => {
            streams.push(stream)
            return () => stopped++
          }
        },
        { needs: 'operator', takes: { query } },
      ),
      commandOf(
        'demo/faults',
        async (body) => {
          calls.push(body)
          if (JSON.stringify(body).includes('nonsense')) throw new BadCommand('no such fault')
          const { busy, with: other } = (body ?? {}) as { busy?: number; with?: string }
          if (busy === 1)
            throw new CommandRefused('unavailable', 'others are at it', other === undefined ? {} : { others: [other] })
          if (JSON.stringify(body).includes('bug')) throw new Error('secret detail')
          return { done: true }
        },
        { takes: { body: anything } },
      ),
      commandOf('plain', async (body) => calls.push(body)),
      commandOf('attempted', async (_, { left, ...call }) => call, {
        takes: { body: anything, dryRun: true, expects: true },
      }),
      questionOf('explain', async (body) => ({ asked: body }), { takes: { body: anything } }),
      viewOf('audit', (asked) => readQuery(query, asked.query), { needs: 'operator', takes: { query } }),
    ],
    clock: systemClock,
    auditor: {
      run: ({ command, who }, run) => {
        audited.push(`${who.name} ${command.path}`)
        return run()
      },
      refused: async ({ command, who }) => void audited.push(`${who.name} not ${command.path}`),
    },
    bug: (error) => bugs.push(error),
  })
  port = app.port
})

afterEach(() => app.close())

/** A raw request, so that Host and Origin are what the attack needs. Returns status and body. */
async function send(line: string, headers: Record<string, string> = {}, body = ''): Promise<[number, string]> {
  const peer = await tcpConnect(port)
  const fields = { host: `127.0.0.1:${port}`, connection: 'close', ...headers }
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  peer.send(`${line} HTTP/1.1\r\n${head.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  const text = await peer.receiveAll()
  return [Number(text.slice(9, 12)), text]
}

const json = { 'content-type': 'application/json' }
const bearer = { authorization: `Bearer ${TOKEN}` }
const command = 'POST /api/v1/demo/faults'

describe('attacks', () => {
  afterEach(() => expect(calls).toEqual([]))

  test.each([
    ['DNS rebinding, reading', 'GET /api/v1/status', { host: 'evil.test' }, 403],
    ['DNS rebinding, metrics', 'GET /metrics', { host: `evil.test:9901` }, 403],
    ['DNS rebinding, there is no such path', 'GET /nothing', { host: 'evil.test' }, 403],
    ['a form of another site', command, { 'content-type': 'application/x-www-form-urlencoded' }, 401],
    ['the same with a token', command, { 'content-type': 'application/x-www-form-urlencoded', ...bearer }, 415],
    ['text/plain with a token', command, { 'content-type': 'text/plain', ...bearer }, 415],
    ['foreign Origin with a token', command, { origin: 'http://evil.test', ...json, ...bearer }, 403],
    ['null Origin', command, { origin: 'null', ...json, ...bearer }, 403],
    ['cross-site fetch', 'GET /api/v1/status', { 'sec-fetch-site': 'cross-site' }, 403],
    ['preflight', 'OPTIONS /api/v1/demo/faults', { 'access-control-request-method': 'POST' }, 405],
    ['no token', command, json, 401],
    ['wrong token', command, { ...json, authorization: 'Bearer wrong' }, 401],
    ['short token', command, { ...json, authorization: `Bearer ${TOKEN.slice(0, -1)}` }, 401],
    ['empty token', command, { ...json, authorization: 'Bearer ' }, 401],
    ['token in the query', `${command}?token=${TOKEN}&access_token=${TOKEN}`, json, 401],
  ])('%s', async (_, line, headers, status) => {
    const [got, text] = await send(line, headers, '{}')
    expect(got).toBe(status)
    expect(text).not.toMatch(/access-control-allow/i)
    expect(text).not.toContain(TOKEN)
  })

  test('two Host fields', async () => {
    const peer = await tcpConnect(port)
    peer.send('GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\nConnection: close\r\n\r\n')
    const text = await peer.receiveAll()
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(text).toContain(
      '{"type":"urn:sluice:admin:bad_host","title":"There is not exactly one valid Host field","status":400,',
    )
  })

  test.each([
    ['a target of another host', 'GET http://evil.test/api/v1/status', 'localhost', 403],
    ['a target of ours with userinfo', 'GET http://localhost@evil.test/api/v1/status', 'localhost', 400],
    ['userinfo in Host', 'GET /api/v1/status', 'localhost@evil.test', 400],
    ['two hosts in one field', 'GET /api/v1/status', 'localhost, evil.test', 400],
    ['a name that begins as ours', 'GET /api/v1/status', 'localhost.evil.test', 403],
    ['our address in octal', 'GET /api/v1/status', '0177.0.0.1', 403],
    ['an empty Host', 'GET /api/v1/status', '', 400],
  ])('%s', async (_, line, host, status) => {
    expect((await send(line, { host }))[0]).toBe(status)
  })

  test.each([
    ['GET http://localhost/api/v1/status', 'evil.test', 200],
    ['DELETE http://localhost/api/v1/status?a=/b', 'localhost', 405],
    ['GET /api/v1/status', '[0:0::1]:9901', 200],
    ['GET /api/v1/status', 'LOCALHOST.', 200],
  ])('%s with Host %s is ours', async (line, host, status) => {
    expect((await send(line, { host }))[0]).toBe(status)
  })

  test('a body past the bound', async () => {
    const [status] = await send(command, { ...json, ...bearer }, JSON.stringify({ x: 'y'.repeat(70_000) }))
    expect(status).toBe(413)
  })
})

describe('what is allowed', () => {
  test('a command with a token runs and is audited', async () => {
    const [status, text] = await send(command, { ...json, ...bearer }, '{"down":true}')
    expect([status, calls, audited]).toEqual([200, [{ down: true }], ['ci demo/faults']])
    expect(text).toContain('{"done":true}')
  })

  test('a command of one who may not is refused and audited; that of nobody is refused', async () => {
    expect((await send(command, { ...json, authorization: 'Bearer see' }, '{}'))[0]).toBe(403)
    expect((await send(command, json, '{}'))[0]).toBe(401)
    expect([calls, audited]).toEqual([[], ['eye not demo/faults']])
  })

  test('who one is, and what only operators may read', async () => {
    expect((await send('GET /api/v1/whoami'))[1]).toContain('{"name":null,"role":"viewer","by":"nothing"}')
    expect((await send('GET /api/v1/whoami', bearer))[1]).toContain('{"name":"ci","role":"operator","by":"token"}')
    expect((await send('GET /api/v1/audit?limit=7', bearer))[1]).toContain('{"limit":7}')
    expect((await send('GET /api/v1/audit'))[0]).toBe(401)
    expect((await send('GET /api/v1/audit', { authorization: 'Bearer see' }))[0]).toBe(403)
  })

  test("an operator's mistake is 400 with the reason, a bug 500 without", async () => {
    expect((await send(command, { ...json, ...bearer }, '{"nonsense":1}'))[1]).toContain('no such fault')
    const [status, text] = await send(command, { ...json, ...bearer }, '{"bug":1}')
    expect(status).toBe(500)
    expect(text).not.toContain('secret detail')
    expect(bugs).toHaveLength(1)
  })

  test('status, metrics and probes; safe headers on every answer', async () => {
    for (const [line, status] of [
      ['GET /api/v1/status', 200],
      ['GET /metrics', 200],
      ['GET /livez', 200],
      ['HEAD /readyz', 200],
      ['GET /nothing', 404],
    ] as const) {
      const [got, text] = await send(line)
      expect([line, got]).toEqual([line, status])
      expect(text).toMatch(/x-content-type-options: nosniff/i)
      expect(text).toMatch(/x-frame-options: DENY/i)
      expect(text).toMatch(/content-security-policy: default-src 'none'; frame-ancestors 'none'/i)
    }
  })

  test('probes say 503 with reasons', async () => {
    facts = { ...facts, draining: true }
    const [status, text] = await send('GET /readyz')
    expect(status).toBe(503)
    expect(text).toContain('{"status":"unavailable","reasons":["draining"],"notes":[]}')
  })
})

describe('errors are problem documents', () => {
  const CASES: readonly [string, string, Record<string, string>, string, number, string][] = [
    ['there is no such path', 'GET /nothing', {}, '', 404, 'not_found'],
    ['a method that the path does not have', 'GET /api/v1/demo/faults', {}, '', 405, 'method_not_allowed'],
    ['no such thing', 'GET /api/v1/things/other', {}, '', 404, 'not_found'],
    ['a query that makes no sense', 'GET /api/v1/things?limit=11', {}, '', 400, 'bad_request'],
    ['a command that makes no sense', command, { ...json, ...bearer }, '{"nonsense":1}', 400, 'bad_request'],
    ['a command that cannot be done', command, { ...json, ...bearer }, '{"busy":1}', 503, 'refused'],
    ['a bug', command, { ...json, ...bearer }, '{"bug":1}', 500, 'internal'],
    ['broken JSON', command, { ...json, ...bearer }, '{"broken', 400, 'bad_request'],
    ['no body', command, { ...json, ...bearer }, '', 400, 'bad_request'],
    ['a large body', command, { ...json, ...bearer }, `"${'x'.repeat(70_000)}"`, 413, 'bad_request'],
    ['another content type', command, { 'content-type': 'text/plain', ...bearer }, '{}', 415, 'content_type'],
    ['no token', command, json, '{}', 401, 'unauthenticated'],
    ['a small role', command, { ...json, authorization: 'Bearer see' }, '{}', 403, 'forbidden'],
    ['another host', 'GET /livez', { host: 'evil.test' }, '', 403, 'host_not_allowed'],
    ['another site', 'GET /livez', { origin: 'http://evil.test' }, '', 403, 'foreign_origin'],
    ['a path that cannot be decoded', 'GET /api/v1/things/%zz', {}, '', 400, 'bad_request'],
    ['a long segment', `GET /api/v1/things/${'x'.repeat(200)}`, {}, '', 414, 'bad_request'],
    ['long fields', 'GET /livez', { x: 'y'.repeat(20_000) }, '', 431, 'bad_request'],
    ['a field that is none', 'GET /livez', { 'a b': 'c' }, '', 400, 'bad_request'],
  ]

  test.each(CASES)('%s', async (_, line, headers, body, status, code) => {
    const [got, text] = await send(line, headers, body)
    const [head = '', document = ''] = text.split('\r\n\r\n')
    expect(got).toBe(status)
    expect(head).toMatch(/^content-type: application\/problem\+json$/im)
    expect(head).toMatch(/^x-content-type-options: nosniff$/im)
    expect(JSON.parse(document)).toEqual({
      type: `urn:sluice:admin:${code}`,
      title: ERRORS[code as ErrorCode],
      status,
      detail: expect.stringMatching(/./),
    })
    expect(document).not.toContain('secret')
  })

  test('with the details of what was refused', async () => {
    const [, text] = await send(command, { ...json, ...bearer }, '{"busy":1,"with":"much"}')
    expect(text).toContain('"status":503,"detail":"others are at it","others":["much"]}')
  })

  test('there is a case for each', () => {
    const seen = new Set(CASES.map(([, , , , , code]) => code))
    // Two Host fields are no case of the table: see the attacks.
    expect(Object.keys(ERRORS).filter((code) => !seen.has(code))).toEqual(['bad_host'])
  })
})

describe('the probe server', () => {
  test('has probes and metrics for any Host, and nothing else', async () => {
    const probes = await openProbes({
      facts: () => facts,
      metrics: async () => ({ contentType: 'text/plain', body: 'sluice_build_info 1\n' }),
    })
    const base = `http://127.0.0.1:${probes.port}`
    const statuses = await Promise.all(
      ['/livez', '/readyz', '/startupz', '/metrics', '/api/v1/status', '/'].map(
        async (path) => (await fetch(base + path)).status,
      ),
    )
    expect(statuses).toEqual([200, 200, 200, 200, 404, 404])
    await probes.close()
  })

  test('scrapes at the same time share one exposition', async () => {
    let asked = 0
    const probes = await openProbes({
      facts: () => facts,
      metrics: async () => {
        asked++
        await new Promise((resolve) => setTimeout(resolve, 200))
        return { contentType: 'text/plain', body: 'x 1\n' }
      },
    })
    const scrape = async (): Promise<string> => (await fetch(`http://127.0.0.1:${probes.port}/metrics`)).text()
    expect(await Promise.all(Array.from({ length: 8 }, scrape))).toEqual(Array(8).fill('x 1\n'))
    expect(asked).toBe(1)
    await probes.close()
  })
})

describe('what is asked for', () => {
  test('a query is checked as config is', async () => {
    const [status, text] = await send('GET /api/v1/things?route=orders&limit=7')
    expect([status, text.slice(text.indexOf('{'))]).toEqual([200, '{"route":"orders","limit":7}'])
    const [wrong, why] = await send('GET /api/v1/things?limit=11&rout=x')
    expect(wrong).toBe(400)
    expect(why).toContain('did you mean route?')
    expect(why).toContain('\\"11\\" is not a whole number from 1 to 10')
    expect((await send('GET /api/v1/things?limit=1&limit=2'))[0]).toBe(400)
  })

  test('a segment of the path; what does not exist is 404 and says so', async () => {
    expect((await send('GET /api/v1/things/known'))[1]).toContain('{"id":"known"}')
    const [status, text] = await send('GET /api/v1/things/other')
    expect([status, text.includes('no such thing')]).toEqual([404, true])
  })
})

describe('methods', () => {
  test.each([
    ['GET /api/v1/demo/faults', 'POST'],
    ['HEAD /api/v1/demo/faults', 'POST'],
    ['OPTIONS /api/v1/demo/faults', 'POST'],
    ['DELETE /api/v1/demo/faults', 'POST'],
    ['PUT /api/v1/things/known', 'GET, HEAD'],
    ['POST /api/v1/things/known', 'GET, HEAD'],
    ['POST /api/v1/things/known?a=b', 'GET, HEAD'],
    ['TRACE /api/v1/status', 'GET, HEAD'],
    ['PROPFIND /api/v1/status', 'GET, HEAD'],
    ['HEAD /api/v1/news', 'GET'],
    ['POST /livez', 'GET, HEAD'],
    ['DELETE /metrics', 'GET, HEAD'],
    ['POST /', 'GET, HEAD'],
  ])('%s is 405 with Allow: %s', async (line, allow) => {
    const [status, text] = await send(line)
    expect([status, /^allow: (.*)\r$/im.exec(text)?.[1]]).toEqual([405, allow])
  })

  test('of a body nothing is said that is not about the method', async () => {
    for (const headers of [{ 'content-type': 'text/plain' }, json])
      expect((await send('POST /api/v1/status', headers, '{'))[0]).toBe(405)
  })

  test.each(['POST /api/v1/things/', 'POST /api/v1/things/a/b', 'DELETE /api/v1', 'PUT /nothing'])(
    '%s is 404: no method has it',
    async (line) => {
      const [status, text] = await send(line)
      expect([status, /^allow:/im.test(text)]).toEqual([404, false])
    },
  )

  test('DNS rebinding learns nothing from them', async () => {
    expect((await send('DELETE /api/v1/status', { host: 'evil.test' }))[0]).toBe(403)
  })
})

describe('what nobody would read', () => {
  const attempted = 'POST /api/v1/attempted'
  const say = async (line: string, headers: Record<string, string> = {}, body = '{}'): Promise<[number, string]> => {
    const [status, text] = await send(line, { ...(line.startsWith('POST') && json), ...bearer, ...headers }, body)
    const { detail = '' } = JSON.parse(text.slice(text.indexOf('\r\n\r\n'))) as { detail?: string }
    return [status, detail]
  }

  test.each([
    ['?dryrun=true', 'dryrun: unknown key; did you mean dryRun?'],
    ['?dry_run=true', 'dry_run: unknown key; did you mean dryRun?'],
    ['?nonsense', 'nonsense: unknown key; known are dryRun'],
    ['?dryRun=true&force=1', 'force: unknown key; known are dryRun'],
    ['?dryRun=TRUE', 'dryRun: "TRUE" is not one of true, false: did you mean true?'],
    ['?dryRun=1', 'dryRun: "1" is not one of true, false'],
    ['?dryRun', 'dryRun: "" is not one of true, false'],
    ['?dryRun=true&dryRun=true', 'dryRun: a list is not one of true, false'],
    ['?dryRun=true&dryRun=false', 'dryRun: a list is not one of true, false'],
    ['?__proto__=1', '__proto__: unknown key; known are dryRun'],
    ['?=1', '"": unknown key; known are dryRun'],
  ])('%s is refused', async (asked, detail) => {
    expect(await say(attempted + asked)).toEqual([400, detail])
  })

  test('what is known is taken, with who calls', async () => {
    const who = { name: 'ci', role: 'operator', by: 'token' }
    const answer = async (line: string, headers = {}) =>
      JSON.parse((await send(line, { ...json, ...bearer, ...headers }, '{}'))[1].split('\r\n\r\n')[1] ?? '')
    expect(await answer(attempted)).toEqual({ dryRun: false, who })
    expect(await answer(`${attempted}?dryRun=true`)).toEqual({ dryRun: true, who })
    expect(await answer(`${attempted}?%64ryRun=%74rue`, { 'if-match': '"abc"' })).toEqual({
      dryRun: true,
      expected: 'abc',
      who,
    })
    expect(await answer(`${attempted}?dryRun=false`)).toEqual({ dryRun: false, who })
  })

  test.each([
    ['?dryRun=true', {}, '{}', 'this command has no dry run'],
    ['?dryRun=false', {}, '{}', 'this command has no dry run'],
    ['?x=1', {}, '{}', 'x: unknown key; none is known here'],
    ['', { 'if-match': '"abc"' }, '{}', 'this command does not support If-Match'],
    ['', {}, '{"dryRun":true}', 'dryRun: unknown key; none is known here'],
    ['', {}, '[]', 'a list is not an empty map'],
    ['', {}, '"x"', '"x" is not an empty map'],
  ])('a command that takes nothing: %s %j %s', async (asked, headers, body, detail) => {
    expect(await say(`POST /api/v1/plain${asked}`, headers, body)).toEqual([400, detail])
    expect(calls).toEqual([])
  })

  test.each(['status', 'things/known', 'whoami', 'openapi.json'])('a view that takes nothing: %s', async (view) => {
    expect(await say(`GET /api/v1/${view}?x=1`, {}, '')).toEqual([400, 'x: unknown key; none is known here'])
  })

  test('probes and metrics have a query for themselves: orchestrators and scrapers add some', async () => {
    for (const path of ['livez', 'readyz', 'startupz', 'metrics']) expect((await send(`GET /${path}?x=1`))[0]).toBe(200)
  })
})

describe('bodies', () => {
  const deep = (levels: number, [open, close]: readonly [string, string]): string =>
    open.repeat(levels) + close.repeat(levels)
  const say = async (body: string): Promise<[number, string]> => send(command, { ...json, ...bearer }, body)

  test.each([
    ['lists', deep(65, ['[', ']'])],
    ['maps', `${deep(65, ['{"a":', '}']).replace(':}', ':1}')}`],
    ['both', deep(33, ['[{"a":', '}]']).replace(':}', ':1}')],
    ['never closed', '['.repeat(60_000)],
    ['behind a string that looks closed', `["a\\"]]]]",${deep(64, ['[', ']'])}]`],
  ])('nested too deep: %s', async (_, body) => {
    const [status, text] = await say(body)
    expect(status).toBe(400)
    expect(text).toContain('nested deeper than 64 levels')
    expect([calls, bugs]).toEqual([[], []])
  })

  test('as deep as may be, and brackets in strings are no levels', async () => {
    expect((await say(deep(64, ['[', ']'])))[0]).toBe(200)
    expect((await say(JSON.stringify({ a: '['.repeat(1000), 'b\\"[[': '\\\\' })))[0]).toBe(200)
  })

  test('of too many values', async () => {
    expect((await say(`[${'0,'.repeat(9_998)}0]`))[0]).toBe(200)
    expect((await say(`[${'0,'.repeat(9_999)}0]`))[1]).toContain('more than 10000 values')
  })
})

describe('server-sent events', () => {
  const listen = async () => {
    const peer = await tcpConnect(port)
    peer.send(`GET /api/v1/news HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`)
    await until(() => streams.length === 1)
    return peer
  }
  const first = () => streams[0] as EventReader

  test('come as they are sent, with the headers of every answer, until the reader goes', async () => {
    const peer = await listen()
    first().send('thing', { line: 'a\nb' })
    const text = await peer.receive('a\\nb"}\n\n')
    expect(text).toContain('content-type: text/event-stream')
    expect(text).toContain('x-content-type-options: nosniff')
    expect(text).toContain('event: thing\ndata: {"line":"a\\nb"}\n\n')
    peer.socket.destroy()
    await until(() => stopped === 1)
  })

  test('what is asked for wrongly is an answer, not a stream', async () => {
    expect((await send('GET /api/v1/news?limit=x', bearer))[0]).toBe(400)
    expect(streams).toEqual([])
  })

  test('a slow reader loses events and is told how many', async () => {
    const peer = await listen()
    peer.socket.pause()
    let lost = 0
    const send = (event: string): boolean => {
      const sent = first().send(event, { filler: 'x'.repeat(100_000) })
      if (!sent) lost++
      return sent
    }
    await until(() => !send('thing'))
    for (let i = 0; i < 4; i++) expect(send('thing')).toBe(false)
    peer.socket.resume()
    await until(() => send('last'))
    expect(await peer.receive('event: last')).toContain(`event: lost\ndata: {"count":${lost}}\n\nevent: last`)
    peer.socket.destroy()
  })

  test('end when the server closes', async () => {
    const peer = await listen()
    await app.close()
    expect(await peer.receiveAll()).toContain('event: end\ndata: {}\n\n')
    await until(() => stopped === 1)
  })

  test('no more than 32 at a time', async () => {
    const peers = await Promise.all(
      Array.from({ length: 32 }, async () => {
        const peer = await tcpConnect(port)
        peer.send(`GET /api/v1/news HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`)
        return peer
      }),
    )
    await until(() => streams.length === 32)
    expect((await send('GET /api/v1/news', bearer))[0]).toBe(503)
    for (const peer of peers) peer.socket.destroy()
    await until(() => stopped === 32)
  })
})
