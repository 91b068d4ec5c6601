import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { test as command } from '../../../src/cli/test.ts'
import type { TestReport } from '../../../src/tools/explain/run-tests.ts'
import { runCommand } from '../cli/cli.ts'
import { written } from './kit.ts'

const CONFIG = `apiVersion: sluice/v1
listeners: { web: { listen: "127.0.0.1:8080" } }
upstreams:
  orders: { endpoints: ["http://10.0.0.1:80"] }
  next: { endpoints: ["http://10.0.0.2:80"] }
routes:
  orders:
    match: { host: api.example.com, path: /orders/*, headers: { x-v: "1" } }
    to: [{ upstream: orders, weight: 9 }, next]
    rewrite: { stripPrefix: /orders }
    headers: { request: { set: { x-a: b }, remove: [x-v] } }
  any: { match: { path: /* }, to: next, rewrite: { host: in.test } }
  old: { match: { path: /old }, redirect: { path: /new, status: 301 } }
`.replace(', next]', ', { upstream: next }]')
const GET = 'url: "http://api.example.com/orders/7?a=1", headers: { x-v: "1" }'

let folder: string
let file: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  file = join(folder, 'sluice.yaml')
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs the tests given, one a line. */
async function run(tests: readonly string[], flags: readonly string[] = []) {
  const lines = tests.map((line, i) => `  t${i + 1}: { ${line} }`)
  await writeFile(file, `${CONFIG}tests:\n${lines.join('\n')}\n`)
  return runCommand(command, [file, ...flags])
}

async function mismatches(line: string): Promise<readonly string[]> {
  const { stdout } = await run([line], ['--json'])
  const [result] = (JSON.parse(stdout) as TestReport).tests
  return result!.mismatches.map(({ expected, got, what }) => `${what}: ${expected} / ${got}`)
}

describe('sluice test', () => {
  test.each([
    [`request: { ${GET} }, expect: { route: orders, upstream: orders, path: /7 }`],
    [`request: { ${GET} }, expect: { upstream: next, path: "/7?a=1" }`],
    [`request: { ${GET} }, expect: { headers: { x-a: b, x-v: { absent: true }, host: { suffix: .com } } }`],
    ['request: { host: b.test, path: /x, method: POST }, expect: { route: any, headers: { Host: in.test } }'],
    ['request: { path: /old }, expect: { route: old, status: 301, headers: { location: /new } }'],
    ['request: { path: /a/../b }, expect: { status: 400 }'],
  ])('passes %s', async (line) => {
    expect(await mismatches(line)).toEqual([])
    expect((await run([line])).code).toBe(0)
  })

  test.each([
    ['request: { path: /orders/7, host: api.example.com }, expect: { route: orders }', 'route: orders / any'],
    [`request: { ${GET} }, expect: { route: any }`, 'route: any / orders'],
    ['request: { path: /x }, expect: { upstream: orders }', 'upstream: orders / next'],
    ['request: { path: /old }, expect: { upstream: next }', 'upstream: next / none: 301 as configured'],
    [`request: { ${GET} }, expect: { status: 200 }`, 'status: 200 / none: an upstream answers'],
    [`request: { ${GET} }, expect: { path: /7?a=2 }`, 'path: /7?a=2 / /7?a=1'],
    ['request: { path: /old }, expect: { path: /new }', 'path: /new / none: 301 as configured'],
    [`request: { ${GET} }, expect: { headers: { x-a: c } }`, 'headers: x-a exact "c" / "b"'],
    [
      `request: { ${GET} }, expect: { headers: { x-b: present } }`.replace('present', '{ present: true }'),
      'headers: x-b present / no x-b',
    ],
    [
      'request: { path: /x, from: nowhere }, expect: { route: any }',
      'request: one that can be sent / "nowhere" is not an IP address',
    ],
  ])('fails %s', async (line, told) => {
    expect(await mismatches(line)).toEqual([told])
    expect((await run([line])).code).toBe(3)
  })

  test('says where a failed test stands, and why the expected route did not get the request', async () => {
    const { code, stdout } = await run([
      'request: { path: /x }, expect: { route: any }',
      'request: { path: /orders/7, host: api.example.com }, expect: { route: orders, path: /7 }',
    ])
    expect(code).toBe(3)
    expect(stdout.replaceAll(file, 'FILE').split('\n')).toEqual([
      'ok    t1',
      'FAIL  t2  FILE:16:3',
      '      route  expected orders  got any',
      '      path   expected /7      got /orders/7',
      '        orders  header  wants x-v exact "1"; seen no x-v  FILE:8:70',
      '1 of 2 tests passed',
      '1 of 3 routes are reached (33.3%); these are not:',
      '  orders  FILE:7:3',
      '  old     FILE:13:3',
      '',
    ])
  })

  test('--fail-under holds the coverage of routes', async () => {
    const two = ['request: { path: /x }, expect: { route: any }', 'request: { path: /old }, expect: { route: old }']
    expect((await run(two, ['--fail-under', '66'])).code).toBe(0)
    const few = await run(two, ['--fail-under', '67'])
    expect(few.code).toBe(3)
    expect(few.stdout).toContain('2 of 3 routes are reached (66.6%), less than 67%; these are not:')
    expect((await run(two, ['--fail-under', 'all'])).code).toBe(64)
  })

  test('a file without tests proves nothing', async () => {
    await writeFile(file, CONFIG)
    expect(await runCommand(command, [file])).toMatchObject({ code: 3, stdout: 'the file has no tests\n' })
  })

  test('the example with tests passes them, and reaches every route', async () => {
    const example = fileURLToPath(new URL('../../../config/examples/hosts-and-paths.yaml', import.meta.url))
    expect((await runCommand(command, [example, '--fail-under', '100'])).code).toBe(0)
  })
})

describe('the section', () => {
  test.each([
    ['request: { path: /x }, expect: { route: ordres }', 'there is no route "ordres"; did you mean orders?', 'ordres'],
    ['request: { path: /x }, expect: { upstream: nxt }', 'there is no upstream "nxt"; did you mean next?', 'nxt'],
    ['request: { path: /x }, expect: {}', 'nothing is expected', '{}'],
    ['request: { path: x }, expect: { route: any }', '"x" is not a path such as /orders?id=7', 'x }, '],
    ['request: { url: "http://a.test", path: /x }, expect: { route: any }', 'url replaces host and path', '{ url'],
  ])('%s is an error', async (line, message, place) => {
    const { code, stderr } = await run([line])
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(stderr).toContain(`${file}:15:${`  t1: { ${line}`.indexOf(place) + 1}: `)
  })

  test('does not change what the gateway runs on', async () => {
    const without = await written(CONFIG)
    const withTests = await written(`${CONFIG}tests:\n  a: { request: { path: /x }, expect: { route: any } }\n`)
    expect(withTests?.config).toEqual(without?.config)
  })
})
