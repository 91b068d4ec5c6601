import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { diff } from '../../../src/cli/diff.ts'
import { explain } from '../../../src/cli/explain.ts'
import { runCommand } from '../../feature/cli/cli.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let upstream: TestUpstream
let sluice: Sluice

interface Objective {
  readonly route: string
  readonly objective: string
  readonly good: number
  readonly total: number
  readonly budgetRemaining: number
}

beforeAll(async () => {
  upstream = await testUpstream((req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://host')
    res.writeHead(Number(searchParams.get('status') ?? 200))
    if (pathname === '/slow') setTimeout(() => res.end(), 100)
    else res.end()
  })
  sluice = await startSluice(configOf('99%'))
})

afterAll(async () => {
  expect(await sluice?.stop()).toBe(0)
  await upstream?.close()
})

function configOf(availability: string): string {
  return `${TOP}
upstreams:
  app: { endpoints: ["${upstream.url}"] }
profiles:
  promised: { slo: { availability: ${availability}, latency: { p90: 80ms } } }
routes:
  app: { match: { path: /* }, use: promised, to: app, retries: off }
  quiet: { match: { path: /quiet }, to: app, slo: { availability: 99.9% } }
  plain: { match: { path: /plain }, to: app }
`
}

async function objectives(): Promise<Record<string, Objective>> {
  const { body } = await sluice.admin('/api/v1/slo')
  const { objectives: all } = JSON.parse(body) as { objectives: Objective[] }
  return Object.fromEntries(all.map((one) => [`${one.route} ${one.objective}`, one]))
}

test('requests are held against what their route promises, and workers agree', async () => {
  expect(Object.keys(await objectives())).toEqual(['app availability', 'app latency', 'quiet availability'])
  for (let i = 0; i < 96; i++) await sluice.get('/fast?status=404')
  for (let i = 0; i < 3; i++) await sluice.get('/fast?status=500')
  await sluice.get('/slow')
  await sluice.get('/plain?status=500')
  await until(async () => (await objectives())['app availability']?.total === 100)
  const { 'app availability': availability, 'app latency': latency, 'quiet availability': quiet } = await objectives()
  expect(availability).toMatchObject({ target: 0.99, window: '30d', good: 97, total: 100 })
  expect(availability?.budgetRemaining).toBeCloseTo(1 - 3 / 1, 6)
  expect(latency).toMatchObject({ target: 0.9, threshold: '80ms', total: 97 })
  expect(latency?.good).toBeLessThan(97)
  expect(quiet).toMatchObject({ good: 0, total: 0, budgetRemaining: 1 })
})

test('the metrics say the same', async () => {
  const { body } = await sluice.probe('/metrics')
  expect(body).toContain('sluice_slo_events_total{route="app",objective="availability",result="bad"} 3')
  expect(body).toContain('sluice_slo_target_ratio{route="app",objective="availability"} 0.99')
  const remaining = /^sluice_slo_error_budget_remaining_ratio\{route="app",objective="availability"\} (.+)$/m.exec(body)
  expect(Number(remaining?.[1])).toBeCloseTo(-2, 6)
  expect(body).toContain('sluice_slo_events_total{route="quiet",objective="availability",result="good"} 0')
})

test('another target counts at once for what was seen', async () => {
  const { status, body } = await sluice.command('config', { yaml: configOf('94%') })
  expect(status, body).toBe(200)
  expect((await objectives())['app availability']?.budgetRemaining).toBeCloseTo(0.5, 6)
})

test('a dead upstream is bad, whatever the reason', async () => {
  const dead = configOf('99%').replace(upstream.url, `http://127.0.0.1:${await closedPort()}`)
  expect((await sluice.command('config', { yaml: dead })).status).toBe(200)
  const before = (await objectives())['app availability'] as Objective
  for (let i = 0; i < 30; i++) await sluice.get('/fast')
  await until(async () => (await objectives())['app availability']?.total === before.total + 30)
  expect((await objectives())['app availability']?.good).toBe(before.good)
})

test('a change of nothing but an objective ends no request', async () => {
  const yaml = configOf('99%').replace('timeout: 5s', 'timeout: 10ms')
  const gateway = await startSluice(yaml)
  const open: (() => void)[] = []
  upstream.script = (_req, res) => {
    res.write('begun')
    open.push(() => res.end(', and whole'))
  }
  try {
    const kept = gateway.get('/kept')
    // It may end at any moment from now on.
    const cut = expect(gateway.get('/plain')).rejects.toThrow()
    await until(() => open.length === 2)
    // The other route changes, and what began on it is ended soon.
    const changed = yaml.replace('99%', '98%').replace('/plain }, to: app', '/plain }, to: app, timeouts: { idle: 9s }')
    expect((await gateway.command('config', { yaml: changed })).status).toBe(200)
    await cut
    for (const finish of open) finish()
    expect(await kept).toMatchObject({ status: 200, body: 'begun, and whole' })
  } finally {
    expect(await gateway.stop()).toBe(0)
  }
})

describe('before it is live', () => {
  test('explain says whose objective holds, diff what became of it', async () => {
    const [before, after] = [`${sluice.folder}/before.yaml`, `${sluice.folder}/after.yaml`]
    await writeFile(before, configOf('99%'))
    await writeFile(after, configOf('98%'))
    const explained = await runCommand(explain, [before, 'GET', 'http://host/'])
    expect(explained.stdout).toMatch(/^ +slo\.availability +99% +profile promised +\S+before\.yaml:\d+:\d+$/m)
    const { code, stdout } = await runCommand(diff, [before, after])
    expect([code, stdout]).toEqual([3, '~ routes.app.slo.availability: 99% -> 98%\n'])
  })
})
