import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FETCH_FAILURES } from '../../../../src/config/sources/fetch-text.ts'
import { HttpSource, type HttpSourceOptions } from '../../../../src/config/sources/http.ts'
import { signingKey } from '../../../../src/config/sources/signature.ts'
import type { SourceTexts } from '../../../../src/config/sources/source.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { ConfigServer, type Misbehaviour, signingPair } from '../../../kit/config-server.ts'
import { type MemoryLog, memoryLog } from '../../../kit/log.ts'
import { testAuthority } from '../../../kit/tls.ts'
import { settle, until } from '../../../kit/until.ts'

const TEXT = 'apiVersion: sluice/v1\nroutes: {}\n'

let server: ConfigServer
let clock: ManualClock
let log: MemoryLog
let unwatch: (() => void) | undefined

beforeEach(async () => {
  server = await ConfigServer.start(TEXT)
  clock = new ManualClock()
  log = memoryLog()
})

afterEach(async () => {
  unwatch?.()
  unwatch = undefined
  await server.down()
})

function sourceOf(options: Partial<HttpSourceOptions> = {}): HttpSource {
  return new HttpSource({
    url: new URL(server.url),
    keys: [],
    every: 30_000,
    credentials: async () => ({ ca: undefined, token: undefined }),
    fence: { files: undefined, env: [] },
    clock,
    random: seededRandom(7),
    log,
    ...options,
  })
}

async function text(source: HttpSource): Promise<string | undefined> {
  const loaded = await source.load()
  return 'problem' in loaded ? `problem: ${loaded.problem}` : loaded.documents[source.name]
}

const status = (code: number, headers = {}): Misbehaviour => {
  return (_, response) => {
    response.writeHead(code, headers).end('no')
    return true
  }
}
const body = (bytes: string | Buffer, headers = {}): Misbehaviour => {
  return (_, response) => {
    response.writeHead(200, headers).end(bytes)
    return true
  }
}
/** Bytes on the connection itself, which ends then. */
const raw = (bytes: string): Misbehaviour => {
  return ({ socket }) => {
    socket.end(bytes)
    return true
  }
}
const endless: Misbehaviour = (_, response) => {
  const chunk = Buffer.alloc(1 << 20, '# ')
  const more = (): void => {
    while (!response.destroyed && response.write(chunk)) {}
    if (!response.destroyed) response.once('drain', more)
  }
  more()
  return true
}

describe('whatever the server does, it is a problem with a reason, and what was read stays', () => {
  const CASES: readonly (readonly [what: string, Misbehaviour, reason: string, says: string])[] = [
    ['there is nothing', status(404), 'status', 'there is nothing (404)'],
    ['it is gone', status(410), 'status', 'there is nothing (410)'],
    ['no token', status(401), 'status', 'it refuses the token, or asks for one (401)'],
    ['an error', status(500), 'status', 'it answered 500'],
    ['no content', status(204), 'status', 'it answered 204'],
    ['a part', status(206), 'status', 'it answered 206'],
    ['a redirect to nowhere', status(302), 'status', 'it answered 302'],
    [
      'another origin',
      status(302, { location: 'http://127.0.0.2:1/x' }),
      'redirected',
      'http://127.0.0.2:1; only its own',
    ],
    ['other schemes', status(301, { location: 'file:///etc/passwd' }), 'redirected', 'only its own origin is followed'],
    ['a circle', status(307, { location: '/gateway.yaml' }), 'redirected', 'it redirects more than 3 times'],
    ['nothing in it', body(''), 'not_a_config', 'it is empty'],
    ['space alone', body(' \n\n '), 'not_a_config', 'it is empty'],
    ['a page', body('hello', { 'content-type': 'text/html; charset=utf-8' }), 'not_a_config', 'it is a page of HTML'],
    ['a page that says it is text', body('\n<!DOCTYPE html><p>sign in'), 'not_a_config', 'it is a page of HTML'],
    ['no text', body(Buffer.from([0x61, 0xff, 0xfe])), 'not_a_config', 'it is not UTF-8 text'],
    ['gzip', body(gzipSync(TEXT), { 'content-encoding': 'gzip' }), 'not_a_config', 'encoded (gzip)'],
    [
      'a bomb',
      body(gzipSync(Buffer.alloc(200 << 20)), { 'content-encoding': 'gzip' }),
      'not_a_config',
      'encoded (gzip)',
    ],
    [
      'a large one that says so',
      body('x', { 'content-length': '16777217' }),
      'too_large',
      'larger than 16777216 bytes',
    ],
    ['one without end', endless, 'too_large', 'larger than 16777216 bytes'],
    [
      'less than it says',
      raw('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nroutes:'),
      'truncated',
      'after 7 of 99 bytes',
    ],
    [
      'a chunked one without end',
      raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\nroutes:\r\n'),
      'truncated',
      'it ended after 7 of unknown bytes',
    ],
    ['no length', raw(`HTTP/1.1 200 OK\r\n\r\n${TEXT}`), 'truncated', 'has no length'],
    ['no HTTP', raw('SSH-2.0-x\r\n'), 'unreachable', ''],
    ['an end', raw(''), 'unreachable', 'closed'],
  ]

  test.each(CASES)('%s', async (_, misbehave, reason, says) => {
    const source = sourceOf()
    expect(await text(source)).toBe(TEXT)
    // Without a condition, so that each answer is one to all of it.
    const fresh = sourceOf()
    server.misbehave = misbehave
    for (const one of [source, fresh]) {
      expect(await text(one)).toContain(`problem: `)
      expect(one.facts.problem).toMatchObject({ reason, text: expect.stringContaining(says) })
      expect(one.facts.failures).toEqual({ [reason]: 1 })
    }
    expect(source.facts.sha256).toMatch(/^[0-9a-f]{64}$/)
    server.misbehave = undefined
    expect([await text(source), source.facts.problem]).toEqual([TEXT, undefined])
  })

  test('304 to a question without a condition', async () => {
    server.misbehave = status(304)
    expect(await text(sourceOf())).toContain('304')
  })

  test.each([
    ['no answer', (): boolean => true],
    [
      'a drip',
      (_: unknown, response: ServerResponse): boolean => {
        response.writeHead(200, { 'content-length': '999999' }).write('a')
        return true
      },
    ],
  ])('%s: its time ends', async (_, misbehave) => {
    server.misbehave = misbehave
    const source = sourceOf()
    const waiting = text(source)
    await until(() => server.seen.length === 1, 'it was asked')
    await settle()
    clock.advance(10_000)
    expect(await waiting).toBe('problem: no whole answer within 10 s')
    expect(source.facts.problem?.reason).toBe('timeout')
    expect(clock.timers).toBe(0)
  })

  test('nothing listens', async () => {
    const source = sourceOf()
    await server.down()
    expect(await text(source)).toContain('ECONNREFUSED')
    expect(source.facts).toMatchObject({ readAt: undefined, problem: { reason: 'unreachable' } })
    await server.listen()
    expect(await text(source)).toBe(TEXT)
  })

  test('credentials cannot be read', async () => {
    const source = sourceOf({ credentials: () => Promise.reject(new Error('token: it cannot be read (ENOENT)')) })
    expect(await text(source)).toBe('problem: token: it cannot be read (ENOENT)')
    expect([source.facts.problem?.reason, server.seen.length]).toEqual(['credentials', 0])
  })
})

test('each reason has its line on the page', () => {
  const page = readFileSync(new URL('../../../../docs/operations/config-sources.md', import.meta.url), 'utf8')
  const rows = Array.from(page.matchAll(/^\| `([a-z_]+)` \|/gm), ([, reason]) => reason)
  expect(rows).toEqual([...FETCH_FAILURES])
})

describe('TLS', () => {
  test.each([
    ['trusts the authorities that it is given', true, '127.0.0.1', undefined],
    ['trusts no others', false, '127.0.0.1', 'tls'],
    ['wants a certificate for this name', true, 'other.test', 'tls'],
  ])('%s', async (_, known, name, reason) => {
    await server.down()
    const authority = testAuthority()
    server = await ConfigServer.start(TEXT, authority.issue(name))
    const ca = known ? authority.ca : undefined
    const source = sourceOf({ credentials: async () => ({ ca, token: undefined }) })
    await source.load()
    expect(source.facts.problem?.reason).toBe(reason)
    expect(source.facts.readAt === undefined).toBe(reason !== undefined)
  })
})

describe('what is asked', () => {
  test.each([['etag'], ['last-modified']] as const)('is conditional by %s', async (validator) => {
    server.validators = [validator]
    const source = sourceOf()
    for (let i = 0; i < 2; i++) expect(await text(source)).toBe(TEXT)
    server.text = `${TEXT}# more\n`
    expect(await text(source)).toBe(server.text)
    expect(server.statuses).toEqual([200, 304, 200])
  })

  test('carries the token as it is then, to this origin only', async () => {
    const tokens = ['one', 'two']
    const source = sourceOf({ credentials: async () => ({ ca: undefined, token: tokens.shift() }) })
    server.misbehave = (request, response) => {
      if (request.url !== '/gateway.yaml') return false
      response.writeHead(302, { location: '/moved.yaml' }).end()
      return true
    }
    expect(await text(source)).toBe(TEXT)
    expect(await text(source)).toBe(TEXT)
    expect(server.seen.map(({ headers, url }) => [url, headers.authorization])).toEqual([
      ['/gateway.yaml', 'Bearer one'],
      ['/moved.yaml', 'Bearer one'],
      ['/gateway.yaml', 'Bearer two'],
      ['/moved.yaml', 'Bearer two'],
    ])
    const elsewhere = await ConfigServer.start(TEXT)
    server.misbehave = status(302, { location: elsewhere.url })
    await source.load()
    expect(elsewhere.seen).toEqual([])
    await elsewhere.down()
  })

  test('names the query by a digest, and sends it', async () => {
    const source = sourceOf({ url: new URL(`${server.url}?signature=secret`) })
    expect(source.name).toMatch(/gateway\.yaml\?[0-9a-f]{8}$/)
    expect(await text(source)).toBe(TEXT)
    expect(server.seen[0]?.url).toBe('/gateway.yaml?signature=secret')
  })
})

describe('signatures', () => {
  const pair = signingPair()
  const key = signingKey(pair.pem)
  const other = signingKey(signingPair().pem)
  if (typeof key === 'string' || typeof other === 'string') throw new Error('no keys')

  test('are checked before anything reads the text; one of the keys is enough', async () => {
    server.signer = pair.key
    const source = sourceOf({ keys: [other, key] })
    expect(await text(source)).toBe(TEXT)
    expect(source.facts.signer).toBe(key.id)
    // What is the same needs no signature again.
    expect(await text(source)).toBe(TEXT)
    expect(server.seen.filter(({ url }) => url.endsWith('.sig'))).toHaveLength(1)
  })

  const CASES: readonly (readonly [what: string, misbehave: Misbehaviour | undefined, reason: string, says: string])[] =
    [
      ['none', undefined, 'status', 'there is nothing (404)'],
      ['of another text', body(Buffer.alloc(64)), 'signature', 'not the signature of this text'],
      ['no signature at all', body('hello'), 'signature', 'is no signature'],
      ['a long one', endless, 'too_large', 'larger than 1024 bytes'],
      ['a cut one', raw('HTTP/1.1 200 OK\r\ncontent-length: 88\r\n\r\nabc'), 'truncated', 'after 3 of 88'],
    ]
  test.each(CASES)('%s: what was read stays', async (_, misbehave, reason, says) => {
    server.signer = pair.key
    const source = sourceOf({ keys: [key] })
    expect(await text(source)).toBe(TEXT)
    server.text = `${TEXT}# changed by somebody\n`
    server.signer = undefined
    server.misbehave = (request, response) =>
      request.url?.endsWith('.sig') === true && misbehave?.(request, response) === true
    expect(await text(source)).toContain(says)
    expect(source.facts.problem?.reason).toBe(reason)
    server.misbehave = undefined
    server.signer = pair.key
    expect(await text(source)).toBe(server.text)
  })

  test('are kept with the text, and checked again where that is used', async () => {
    // A byte order mark is a part of what was signed.
    server.text = `\ufeff${TEXT}`
    server.signer = pair.key
    const source = sourceOf({ keys: [key] })
    const { documents } = (await source.load()) as SourceTexts
    expect(source.verify(documents)).toBeUndefined()
    expect(sourceOf({ keys: [other] }).verify(documents)).toContain('is not the signature')
    expect(source.verify({ [source.name]: server.text })).toContain('is not the signature')
    expect(source.verify({ ...documents, [source.name]: TEXT })).toContain('is not the signature')
    expect(sourceOf().verify({ [source.name]: TEXT })).toBeUndefined()
  })

  test('keys of other kinds are none', () => {
    expect(signingKey('nonsense')).toContain('it is no public key')
    expect(signingKey(testAuthority().issue('a').cert)).toContain('it is a key of ec; expected one of ed25519')
  })
})

describe('watching', () => {
  let told: string[]
  const watched = (options: Partial<HttpSourceOptions> = {}): HttpSource => {
    told = []
    const source = sourceOf(options)
    unwatch = source.watch(async () => {
      told.push(String(await text(source)))
    })
    return source
  }
  /** Milliseconds until the next look, which happens. */
  const next = async (): Promise<number> => {
    const [looks, begun] = [server.seen.length, clock.now()]
    while (server.seen.length === looks) {
      clock.advance(100)
      await settle(2)
      if (clock.now() - begun > 1_000_000) throw new Error('no further look')
    }
    const waited = clock.now() - begun
    await until(() => clock.timers === 1 && server.seen.every(({ status }) => status > 0), 'the look is over')
    await settle()
    return waited
  }

  test('looks at intervals that differ by a tenth, and tells of another text once', async () => {
    const source = watched()
    await source.load()
    const waits = [await next(), await next(), await next()]
    expect(new Set(waits).size).toBeGreaterThan(1)
    for (const wait of waits) expect([wait >= 26_900, wait <= 33_100]).toEqual([true, true])
    expect(told).toEqual([])
    server.text = `${TEXT}# two\n`
    await next()
    await next()
    expect(told).toEqual([server.text])
    expect(server.statuses).toEqual([200, 304, 304, 304, 200, 304])
  })

  test('waits longer with each failure, and tells of it once', async () => {
    const source = watched()
    await source.load()
    server.misbehave = status(500)
    await next()
    const waits: number[] = []
    for (let i = 0; i < 2; i++) waits.push(await next())
    for (const [i, wait] of waits.entries()) expect([i, Math.round(wait / (1_000 * 2 ** i) - 0.05)]).toEqual([i, 1])
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'the config source cannot be read, what is live stays'],
    ])
    server.misbehave = undefined
    await next()
    expect(told).toEqual([])
    expect(log.lines.at(-1)?.message).toBe('the config source can be read again')
  })

  test('tells of the same text again where it was wanted and could not be read', async () => {
    const source = watched()
    await source.load()
    server.misbehave = status(503)
    expect(await text(source)).toContain('503')
    server.misbehave = undefined
    await next()
    expect(told).toEqual([TEXT])
  })

  test('tells again of a text that was not taken', async () => {
    told = []
    const source = sourceOf()
    await source.load()
    let busy = true
    unwatch = source.watch(async () => {
      told.push(busy ? 'busy' : String(await text(source)))
    })
    server.text = `${TEXT}# two\n`
    await next()
    busy = false
    await next()
    await next()
    expect(told).toEqual(['busy', server.text])
  })

  test('waits as long as the server asks for, within bounds', async () => {
    const source = watched()
    await source.load()
    server.misbehave = status(503, { 'retry-after': '120' })
    await next()
    expect(await next()).toBeGreaterThanOrEqual(120_000)
    server.misbehave = status(503, { 'retry-after': '999999999' })
    await next()
    expect(await next()).toBeLessThan(721_000)
  })

  test('holds questions back that fail too often, whatever asks', async () => {
    const source = watched()
    server.misbehave = status(500)
    for (let i = 0; i < 10; i++) await source.load()
    expect(server.seen.length).toBeLessThan(10)
    expect(source.facts.problem?.reason).toBe('held_back')
  })

  test('ends with what runs, and leaves no timer', async () => {
    const source = watched()
    server.misbehave = () => true
    const loading = text(source)
    await until(() => server.seen.length === 1, 'it was asked')
    unwatch?.()
    expect(await loading).toBe('problem: the gateway ends')
    expect([clock.timers, told]).toEqual([0, []])
    // Another gateway may take it over.
    server.misbehave = undefined
    expect(await text(source)).toBe(TEXT)
  })
})
