import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { explain } from '../../../src/cli/explain.ts'
import type { Explanation } from '../../../src/tools/explain/explain.ts'
import { startSluice } from '../../kit/sluice.ts'
import { runCommand, sluice } from '../cli/cli.ts'

const CONFIG = `apiVersion: sluice/v1
gateway: { name: edge }
listeners: { web: { listen: "127.0.0.1:0" } }
admin: { listen: "127.0.0.1:0" }
trust: { proxies: [10.0.0.0/8] }
defaults:
  route:
    timeouts: { request: 9s, attempt: 2s }
profiles:
  partner:
    timeouts: { attempt: 1s }
    headers:
      request: { set: { x-partner: "1", authorization: "Bearer built-in-secret", x-note: "\${NOTE:-n0te}" } }
upstreams:
  orders:
    endpoints:
      - { url: "http://10.1.0.1:8080", weight: 2 }
      - { url: "http://10.1.0.2:8080", tier: 1 }
  next: { endpoints: { dns: "next.svc:8080" } }
  spare: { endpoints: ["http://10.3.0.1"] }
routes:
  orders:
    match: { host: api.example.com, path: "/orders/{id}/*", headers: { X-Key: "s3cr3t-key" } }
    use: partner
    to: [{ upstream: orders, weight: 3 }, { upstream: next, weight: 1 }]
    failover: spare
    rewrite: { path: "/v2/{id}" }
    bulkhead: off
  any: { match: { host: api.example.com }, to: spare }
  gate: { match: { host: b.test, path: /gate, headers: { x-gate: "\${GATE:-open}" } }, to: spare }
  posted:
    match: [{ host: api.example.com, path: /other }, { path: /orders/*, methods: [POST] }]
    to: spare
  old: { match: { path: /old }, redirect: { path: /orders, status: 308 } }
`

let folder: string
let file: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  file = join(folder, 'c.yaml')
  await writeFile(file, CONFIG)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const ORDER = ['GET', 'http://api.example.com/orders/7/x?token=t0ken&v=1', '-H', 'x-key: s3cr3t-key', '-H', 'x-key: b']

const ask = (args: readonly string[], env?: Record<string, string>) => runCommand(explain, [file, ...args], env)

function at(place: string): object {
  const line = CONFIG.split('\n').findIndex((text) => text.includes(place))
  return { file, line: line + 1, column: (CONFIG.split('\n')[line] as string).indexOf(place) + 1 }
}

describe('sluice explain', () => {
  test('says who wins and why, what goes to whom, and who says so', async () => {
    const { code, stdout, stderr } = await ask([...ORDER, '--json'])
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
    const told = JSON.parse(stdout) as Explanation
    expect(told.request).toMatchObject({ method: 'GET', host: 'api.example.com', path: '/orders/7/x', trusted: false })
    expect(told.route).toEqual({ name: 'orders', at: { file, line: 22, column: 3 }, params: { id: '7' } })
    expect(told.forward).toMatchObject({ method: 'GET', target: '/v2/7?token=***&v=1', host: 'api.example.com' })
    expect(told.forward?.added).toEqual(
      expect.arrayContaining([
        ['x-partner', '1'],
        ['authorization', '***'],
        ['x-note', '***'],
        ['via', '1.1 edge'],
      ]),
    )
    expect(told.upstreams).toMatchObject([
      {
        name: 'orders',
        role: 'target',
        share: 0.75,
        endpoints: [
          { url: 'http://10.1.0.1:8080', weight: 2, tier: 0 },
          { url: 'http://10.1.0.2:8080', weight: 1, tier: 1 },
        ],
      },
      { name: 'next', share: 0.25, endpoints: [], discovered: 'dns a http://next.svc:8080' },
      { name: 'spare', role: 'failover', share: 0 },
    ])
    const values = (policy: string) => told.policies.find(({ name }) => name === policy)?.values
    expect(values('timeouts')).toEqual(
      expect.arrayContaining([
        { key: 'request', value: '9s', source: 'defaults', at: at('9s') },
        { key: 'attempt', value: '1s', source: 'profile partner', at: at('1s') },
        { key: 'idle', value: '60s', source: 'built-in' },
      ]),
    )
    expect(values('bulkhead')).toEqual([{ key: '', value: 'off', source: 'route', at: at('off') }])
    const stages = told.policies.map(({ stage }) => stage)
    expect(stages).toEqual(stages.toSorted((a, b) => a - b))
    expect(told.nearMisses.map(({ failed, route }) => `${route} ${failed}`)).toEqual([
      'any outranked',
      'posted method',
      'old path',
      'gate host',
    ])
    expect(told.nearMisses[1]).toMatchObject({ wanted: 'POST', seen: 'GET', at: at('[POST]') })
  })

  test('shows no secret: of the request, of the file, of the environment', async () => {
    const asked = [...ORDER, '-H', 'cookie: sid=c00kie', '-H', 'authorization: Basic dXNlcg==']
    for (const json of [[], ['--json']]) {
      const { code, stdout } = await ask([...asked, ...json], { NOTE: 'from-env' })
      expect(code).toBe(0)
      for (const secret of ['t0ken', 's3cr3t-key', 'built-in-secret', 'c00kie', 'dXNlcg', 'from-env'])
        expect(stdout).not.toContain(secret)
      expect(stdout).toContain('***')
    }
  })

  test('3 where no route wins, with the answer and the nearest of them, each with what it wants', async () => {
    const { code, stdout } = await ask(['PUT', 'http://b.test/orders/7/x'])
    expect(code).toBe(3)
    expect(stdout).toMatch(/^answer +405 method_not_allowed$/m)
    expect(stdout).toMatch(/^ +allow: POST$/m)
    expect(stdout).toMatch(/^ +posted +method +wants POST; seen PUT +\S+c\.yaml:\d+:\d+$/m)
    expect(stdout).toMatch(/^ +orders +host +wants api\.example\.com; seen b\.test +\S+c\.yaml:\d+:\d+$/m)
  })

  test('of a header it names the field and the place', async () => {
    const { stdout } = await ask(['GET', 'http://api.example.com/orders/7/x'])
    expect(stdout).toMatch(/^ +orders +header +wants x-key exact \*\*\*; seen no x-key +\S+c\.yaml:\d+:\d+$/m)
  })

  test('what Sluice answers by itself: a redirect with its location, a path that could be read in two ways', async () => {
    const moved = await ask(['GET', 'http://b.test/old?a=1'])
    expect(moved.code).toBe(0)
    expect(moved.stdout).toMatch(/^answer +308 as configured\n +location: \/orders\?a=1$/m)
    const dots = await ask(['GET', 'http://b.test/a/../old'])
    expect({ ...dots, stdout: '' }).toEqual({ code: 3, stdout: '', stderr: '' })
    expect(dots.stdout).toMatch(/^answer +400 ambiguous_path$/m)
    expect(dots.stdout).toMatch(/^request +GET b\.test\/a\/\.\.\/old$/m)
    const nul = await ask(['GET', 'http://api.example.com/other%00x'])
    expect(nul.stdout).toMatch(/^answer +400 ambiguous_path$/m)
    expect(nul.stdout).toMatch(/^ +any +path +wants a path with one reading; seen \/other%00x/m)
  })

  test('how servers would read a path otherwise, on a listener that has its own policy, too', async () => {
    const paths = join(folder, 'paths.yaml')
    await writeFile(
      paths,
      `apiVersion: sluice/v1
listeners:
  web: { listen: "127.0.0.1:8080" }
  inside: { listen: "127.0.0.1:8081", pathPolicy: { slashes: merge } }
upstreams:
  app: { endpoints: ["http://10.1.0.1"] }
  hashed: { endpoints: ["http://10.1.0.1"], loadBalancing: { algorithm: ring-hash, hashOn: [{ cookie: id }, { path: true }] } }
routes:
  admin: { match: { path: /admin/* }, to: app }
  hashed: { match: { path: /h/* }, to: hashed }
  rest: { match: { path: /* }, to: app, encodedSlashes: keep, rewrite: { stripPrefix: /w } }
tests:
  slashes: { request: { path: //admin/s }, expect: { status: 400 } }
  merged: { request: { url: "http://h:8081//admin/s" }, expect: { route: admin, path: /admin/s } }
  kept: { request: { path: /admin%2Fs }, expect: { route: rest, path: /admin%2Fs } }
`,
    )
    const told = async (...args: string[]): Promise<string | undefined> => {
      const { stdout } = await sluice(folder, ['explain', 'paths.yaml', 'GET', ...args])
      return /^(answer|forwards) +(.*)(\n {5,}.*)?$/m.exec(stdout)?.[0].replaceAll(/\s+/g, ' ')
    }
    const { stdout } = await sluice(folder, ['explain', 'paths.yaml', 'GET', 'http://h:8080/w/x'])
    const names = [...(stdout.split('policies, in order\n')[1]?.matchAll(/^ {2}(\w+)/gm) ?? [])].map(([, name]) => name)
    expect([...new Set(names)].slice(0, 10)).toEqual([
      'encodedSlashes',
      'accessLog',
      'importance',
      'overload',
      'loopCheck',
      'timeouts',
      'hashedPath',
      'deadlines',
      'upgrades',
      'rewrite',
    ])
    expect(await told('http://h:8080//admin/s')).toBe(
      'answer 400 ambiguous_path Read with merged slashes, the path has another route or none.',
    )
    expect(await told('http://h:8080/w//x')).toMatch(/^answer 400 ambiguous_path Rewritten, the path would begin with/)
    expect(await told('http://h:8080/h//x')).toMatch(/^answer 400 ambiguous_path .* distributed by path here\.$/)
    expect(await told('http://h:8080/h//x', '-H', 'cookie: id=7')).toMatch(/^forwards GET \/h\/\/x/)
    expect(await sluice(folder, ['test', 'paths.yaml'])).toMatchObject({ code: 0 })
  })

  test('is a command', async () => {
    const { code, stdout } = await sluice(folder, ['explain', 'c.yaml', 'GET', 'http://b.test/old'])
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: (await ask(['GET', 'http://b.test/old'])).stdout.replaceAll(file, 'c.yaml'),
    })
  })

  test('shows no condition whose value comes from the environment', async () => {
    const { stdout } = await ask(['GET', 'http://b.test/gate'], { GATE: 'sesame' })
    expect(stdout).toMatch(/^ +gate +header +wants x-gate exact \*\*\*; seen no x-gate/m)
    expect(stdout).not.toContain('sesame')
  })

  test('--defaults: every built-in default, as one would write it', async () => {
    const { code, stdout } = await runCommand(explain, ['--defaults'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^routes\.NAME\.timeouts\.request +15s$/m)
    expect(stdout).toMatch(/^routes\.NAME\.retries\.when +\[connect, reset, 502, 503, 504\]$/m)
    expect(stdout).toMatch(/^upstreams\.NAME\.connections\.max +1024$/m)
    expect(stdout).not.toContain('{}')
    expect((await runCommand(explain, ['--defaults', file])).code).toBe(64)
  })

  test('2 for a bad file, 64 for what is no question', async () => {
    await writeFile(join(folder, 'bad.yaml'), 'apiVersion: sluice/v1\nroutes: 1\n')
    const bad = await runCommand(explain, [join(folder, 'bad.yaml'), 'GET', '/'])
    expect(bad.code).toBe(2)
    expect(bad.stderr).toContain('bad.yaml:2:9')
    const usages = [[], [file, 'GET'], [file, 'G ET', '/'], [file, 'GET', 'orders'], [file, 'GET', '/', '-H', 'x']]
    for (const args of usages) expect((await runCommand(explain, args)).code, args.join(' ')).toBe(64)
  })
})

test('POST /api/v1/explain explains on the live config, for viewers', async () => {
  const gateway = await startSluice(CONFIG)
  try {
    const ask = (body: object, type = 'application/json') =>
      fetch(`http://127.0.0.1:${gateway.adminPort}/api/v1/explain`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: JSON.stringify(body),
      })
    const question = { method: 'GET', url: 'http://api.example.com/orders/7/x', headers: { 'X-Key': ['s3cr3t-key'] } }
    const answer = await ask(question)
    expect(answer.status).toBe(200)
    const told = (await answer.json()) as Explanation
    expect(told).toMatchObject({ version: 1, route: { name: 'orders', params: { id: '7' } } })
    expect(told.route?.at).toMatchObject({ line: 22 })
    expect((await ask({ ...question, method: 'G T' })).status).toBe(400)
    expect((await ask({ ...question, url: 1, header: {} })).status).toBe(400)
    expect((await ask({ ...question, headers: { a: 'x'.repeat(70_000) } })).status).toBe(413)
    expect((await ask(question, 'text/plain')).status).toBe(415)
  } finally {
    await gateway.stop()
  }
})
