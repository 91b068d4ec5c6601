import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sluice } from './cli.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

/** Addresses that nobody has: a drill must not need them. */
async function config(upstream: string, route = ''): Promise<void> {
  await writeFile(
    join(folder, 'sluice.yaml'),
    `apiVersion: sluice/v1
listeners: { web: { listen: "192.0.2.1:80" } }
admin: { listen: "127.0.0.1:9901" }
upstreams:
  orders:
    endpoints: ["https://orders.invalid", { url: "https://192.0.2.7", tier: 1 }, "https://192.0.2.8"]
    outlierDetection: { baseEjection: 3s }
    loadBalancing: { algorithm: round-robin }
    ${upstream}
routes:
  orders:
    match: { host: "*.example.com", path: "/orders/{id}", query: { kind: "new" }, headers: { x-shop: present } }
    to: orders
    ${route}
`,
  )
}

test('runs a scenario against the config on simulated upstreams: expected beside seen, and JUnit XML', async () => {
  await config('')
  const { code, stdout, stderr } = await sluice(folder, ['drill', 'endpoint-fails', '--junit', 'drill.xml'])
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^orders endpoint-fails: One endpoint/m)
  expect(stdout).toMatch(/^ {2}ok {3}ejections +expected 1 +seen 1$/m)
  expect(stdout).toContain('all as expected')
  const xml = await readFile(join(folder, 'drill.xml'), 'utf8')
  expect(xml).toContain('<testcase classname="orders.endpoint-fails" name="ejections"/>')
  expect(xml).toContain('failures="0"')
})

test('ends with 4 when the config does not hold what is expected', async () => {
  await config('connections: { max: 1, maxWaiting: 0 }')
  const { code, stdout } = await sluice(folder, ['drill', 'sluice.yaml', 'endpoint-fails', '--junit', 'drill.xml'])
  expect(code, stdout).toBe(4)
  expect(stdout).toMatch(/^ {2}NOT {2}requests that failed +expected at most 0\.1 %/m)
  expect(await readFile(join(folder, 'drill.xml'), 'utf8')).toMatch(/<failure message="expected at most 0\.1 %, seen/)
})

test('says why a scenario does not fit; 3 when none does', async () => {
  await config('', 'retries: off')
  const { code, stdout } = await sluice(folder, ['drill', 'endpoint-fails', 'endpoint-killed'])
  expect(code).toBe(3)
  expect(stdout).toContain('orders endpoint-fails: not run: retries do not follow on 503')
  expect(stdout).toContain('no scenario fits this config')
})

test.each([
  [['drill', 'no-such-thing'], 'no scenario no-such-thing'],
  [['drill', '--upstream', 'nobody'], 'no route to the upstream nobody'],
  [['drill', '--fast'], '--fast'],
])('%j is misused', async (args, problem) => {
  await config('')
  const { code, stderr } = await sluice(folder, args)
  expect(code).toBe(64)
  expect(stderr).toContain(problem)
})

test('a bad config is told as by check', async () => {
  await config('', 'timeouts: { request: 3 }')
  const { code, stderr } = await sluice(folder, ['drill'])
  expect(code).toBe(2)
  expect(stderr).toContain('a unit is missing')
})
