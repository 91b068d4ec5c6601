import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { field, httpClient } from '../kit/client.ts'
import { type Sluice, startSluice, TOP } from '../kit/sluice.ts'
import { type TestUpstream, testUpstream } from '../kit/upstream.ts'

const LISTENERS = {
  dots: '{ dots: normalise }',
  merge: '{ slashes: merge }',
  keep: '{ slashes: keep, parameters: keep }',
  refuse: '{ slashes: refuse, parameters: refuse }',
}

let upstream: TestUpstream
let sluice: Sluice

beforeAll(async () => {
  upstream = await testUpstream()
  const own = Object.entries(LISTENERS).map(
    ([name, policy]) => `  ${name}: { listen: "127.0.0.1:0", pathPolicy: ${policy} }\n`,
  )
  sluice = await startSluice(`${TOP.replace(/(listeners:\n)/, `$1${own.join('')}`)}
upstreams:
  app: { endpoints: ["${upstream.url}"] }
  hashed: { endpoints: ["${upstream.url}"], loadBalancing: { algorithm: ring-hash, hashOn: [{ cookie: id }, { path: true }] } }
routes:
  admin: { match: { path: /admin/* }, to: app }
  rest: { match: { path: /* }, to: app }
  tenant: { match: { path: "/t/{tenant}/*" }, to: app }
  strip: { match: { path: /s/* }, to: app, rewrite: { stripPrefix: /s/v1 } }
  whole: { match: { path: /w/* }, to: app, rewrite: { stripPrefix: /w } }
  template: { match: { path: "/u/{id}/{x}" }, to: app, rewrite: { path: "/v/{x}/{id}" } }
  dotted: { match: { path: "/d/{x}" }, to: app, rewrite: { path: "/v/.{x}" } }
  old: { match: { path: /old/* }, redirect: { replacePrefix: { from: /old, to: / } } }
  tls: { match: { path: /tls/* }, redirect: { scheme: https } }
  hashed: { match: { path: /h/* }, to: hashed }
  package: { match: { path: "/pkg/{name}" }, to: app, encodedSlashes: keep }
  renamed: { match: { path: "/ren/{name}" }, to: app, encodedSlashes: keep, rewrite: { path: "/pkg/{name}/x" } }
  strict: { match: { path: /strict/* }, to: app, encodedSlashes: refuse }
`)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
})

/** The status, and what the upstream got, where it goes, or what is wrong with it. */
async function sent(target: string, listener = 'web', fields = ''): Promise<string> {
  const before = upstream.seen.length
  const client = await httpClient(sluice.port(listener))
  client.send(Buffer.from(`GET ${target} HTTP/1.1\r\nHost: h\r\nAccept: application/json\r\n${fields}\r\n`, 'latin1'))
  const answer = await client.answer()
  client.close()
  const got = upstream.seen.slice(before).map((request) => request.target)
  if (answer.status === 400) {
    expect(got).toEqual([])
    const { detail, reason } = JSON.parse(answer.body) as { detail: string; reason: string }
    return `${reason}: ${detail}`
  }
  const location = field(answer, 'location')
  if (location !== undefined) return `${answer.status} ${location}`
  expect(got).toHaveLength(1)
  return `${answer.status} ${got[0]}`
}

const DOTS = 'ambiguous_path: The path holds a dot segment.'
const differs = (how: string): string => `ambiguous_path: Read ${how}, the path has another route or none.`

describe('the table of docs/failures.md', () => {
  test.each([
    ['/a/../b', DOTS],
    ['/a/.', DOTS],
    ['/a/%2e%2E/b', DOTS],
    ['/a/..;x/b', DOTS],
    ['/a/..%3Bx/b', DOTS],
    ['/a/..%2Fb', DOTS],
    ['/a/..\\b', DOTS],
    ['/a/..%5Cb', DOTS],
    ['/a/..%00', DOTS],
    ['/a/.%00./b', DOTS],
    ['/a/%C0%AE%C0%AE/b', DOTS],
    ['//admin/s', differs('with merged slashes')],
    ['/a//b', '200 /a//b'],
    ['//x/admin/s', differs('with a host after its first slashes')],
    ['/admin;a/s', differs('without path parameters')],
    ['/a/;b/c', '200 /a/;b/c'],
    ['/;b/admin/s', differs('with merged slashes and without path parameters')],
    ['/a%2Fb', '200 /a%2Fb'],
    ['/admin%2Fb', differs('with %2F as a slash')],
    ['/admin\\b', differs('with a backslash as a slash')],
    ['/admin%5cb', differs('with a backslash as a slash')],
    ['/a\\b', '200 /a\\b'],
    ['/admin%00b', differs('with its NUL as its end or left out')],
    ['/a%00b', '200 /a%00b'],
    ['/admin%C0%AFb', differs('with overlong UTF-8 as ASCII')],
    ['/%C1%A1dmin/b', differs('with overlong UTF-8 as ASCII')],
    ['/a%C0%AFb', '200 /a%C0%AFb'],
    ['//a;x%2Fb\\%5C', 'ambiguous_path: The path can be read in too many ways.'],
    ['/%61dmin/%7e', '200 /admin/~'],
    ['/x%7e', '200 /x%7e'],
    ['/Admin/s', '200 /Admin/s'],
    ['/admin%252Fs', '200 /admin%252Fs'],
    ['http://h//admin/s', differs('with merged slashes')],
    ['HTTP://h/x//y', '200 /x//y'],
    ['http://h?//x', '200 /?//x'],
    ['http://h/\\x/admin', differs('with a host after its first slashes and with a backslash as a slash')],
    ['/a?//admin;x/../%2e', '200 /a?//admin;x/../%2e'],
  ])('%s: %s', async (target, told) => {
    expect(await sent(target)).toBe(told)
  })

  test.each([
    ['dots', '/a/../b', '200 /b'],
    ['dots', '/a/.', '200 /a/'],
    ['dots', '/a/%2e%2E/admin/s', '200 /admin/s'],
    ['dots', '/a/..;x/b', DOTS],
    ['merge', '//admin///s', '200 /admin/s'],
    ['merge', '//x/admin/s', '200 /x/admin/s'],
    ['merge', '//s/v1//x', '200 /x'],
    ['merge', '/;a/admin/s', differs('with merged slashes and without path parameters')],
    ['merge', '/a/..%2Fb', DOTS],
    ['keep', '//admin/s', '200 //admin/s'],
    ['keep', '//x/admin/s', '200 //x/admin/s'],
    ['keep', '/admin;a/s', '200 /admin;a/s'],
    ['keep', '/t/a;b/c', '200 /t/a;b/c'],
    ['keep', '/w//x', '200 //x'],
    ['keep', '/old//evil.test', '302 /.//evil.test'],
    ['keep', '/d/;a', 'ambiguous_path: Rewritten, the path would contain a dot segment.'],
    ['keep', '/d/a;b', '200 /v/.a;b'],
    ['keep', '/admin/..;/x', DOTS],
    ['keep', '/admin%2fx', differs('with %2F as a slash')],
    ['refuse', '/a//b', 'ambiguous_path: The path holds two slashes in a row, which are not accepted here.'],
    ['refuse', '/a;b', 'ambiguous_path: The path holds a semicolon, which is not accepted here.'],
    ['refuse', '/a/b/', '200 /a/b/'],
  ])('listener %s: %s: %s', async (listener, target, told) => {
    expect(await sent(target, listener)).toBe(told)
  })
})

describe('what policies read of a path', () => {
  const REWRITTEN = 'the path would be rewritten differently.'
  const AUTHORITY =
    'ambiguous_path: Rewritten, the path would begin with two slashes, which can be read as those before a host.'

  test.each([
    ['/t/p%2Fvictim/mine/y', 'ambiguous_path: Read with %2F as a slash, the path has other parameters.'],
    ['/t/a;b/c', 'ambiguous_path: Read without path parameters, the path has other parameters.'],
    ['/t/a/c;b//d', '200 /t/a/c;b//d'],
    ['/u/a%20b/c%7e', '200 /v/c~/a%20b'],
    ['/u/a;b/c', 'ambiguous_path: Read without path parameters, the path has other parameters.'],
    ['/s/v1/x//y;z', '200 /x//y;z'],
    ['/s/v2//x', '200 /s/v2//x'],
    ['/s/v1;a/x', `ambiguous_path: Read without path parameters, ${REWRITTEN}`],
    ['/s//v1/x', `ambiguous_path: Read with merged slashes, ${REWRITTEN}`],
    ['/s/v1%2Fx', `ambiguous_path: Read with %2F as a slash, ${REWRITTEN}`],
    ['/s/v1//x', AUTHORITY],
    ['/w//x', AUTHORITY],
    ['/w/;a/x', AUTHORITY],
    ['/w/%2Fx', AUTHORITY],
    ['/w/\\x', AUTHORITY],
    ['/w/x//y', '200 /x//y'],
    ['/old//evil.test/x', AUTHORITY],
    ['/old/x//y', '302 /x//y'],
    ['/tls//x;y', '302 https://h/tls//x;y'],
    ['/h/x', '200 /h/x'],
    ['/h//x', 'ambiguous_path: The path can be read in several ways, and requests are distributed by path here.'],
    ['/pkg/@scope%2Fname', '200 /pkg/@scope%2Fname'],
    ['/pkg/@scope%2fname', '200 /pkg/@scope%2fname'],
    ['/ren/@scope%2fname', '200 /pkg/@scope%2Fname/x'],
    ['/pkg/@scope%2F..', DOTS],
    ['/pkg/a%5Cb', differs('with a backslash as a slash')],
    ['/strict/a%2Fb', 'ambiguous_path: The path holds an escaped slash (%2F), which is not accepted here.'],
    ['/strict/a%252Fb', '200 /strict/a%252Fb'],
  ])('%s: %s', async (target, told) => {
    expect(await sent(target)).toBe(told)
  })

  test('where something else decides over the endpoint, the path may be read in several ways', async () => {
    expect(await sent('/h//x', 'web', 'Cookie: id=7\r\n')).toBe('200 /h//x')
  })

  test('the log has the route of what a policy refused', async () => {
    await sent('/w//logged')
    const line = await sluice.line(({ path }) => path === '/w//logged')
    expect(line).toMatchObject({
      route: 'whole',
      reason: 'ambiguous_path',
      phase: 'request',
      origin: 'client',
      status: 400,
    })
  })
})

test('a reload changes the policy of a listener, which stays open', async () => {
  expect(await sent('//x', 'keep')).toBe('200 //x')
  const yaml = (await readFile(sluice.file, 'utf8')).replace(LISTENERS.keep, LISTENERS.refuse)
  expect((await sluice.command('config', { yaml })).status).toBe(200)
  expect(await sent('//x', 'keep')).toMatch(/^ambiguous_path: /)
})
