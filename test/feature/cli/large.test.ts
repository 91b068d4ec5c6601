import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import { sluice } from './cli.ts'

const ROUTES = 10_000
const UPSTREAMS = 1_000

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-large-'))
  await writeFile(join(folder, 'large.yaml'), large())
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Every tenth route has parameters, conditions, weights or a profile: as files of many teams have. */
function large(): string {
  const upstreams = Array.from(
    { length: UPSTREAMS },
    (_, i) => `  u${i}:
    endpoints:
      - http://10.${i >> 8}.${i & 255}.1:8080
      - { url: "http://10.${i >> 8}.${i & 255}.2:8080", weight: 2 }
`,
  )
  const routes = Array.from({ length: ROUTES }, (_, i) => {
    const upstream = i % UPSTREAMS
    const to =
      i % 10 === 3
        ? `[{ upstream: u${upstream}, weight: 9 }, { upstream: u${(upstream + 1) % UPSTREAMS} }]`
        : `u${upstream}`
    return `  r${i}:
    match:
      host: team${i % 50}.example.com
      path: ${i % 10 === 1 ? `"/service${i}/{id}/items"` : `/service${i}/*`}
${i % 10 === 2 ? '      methods: [GET, POST]\n      headers: { x-version: "2" }\n' : ''}    to: ${to}
${i % 10 === 4 ? '    use: [slow]\n' : ''}${i % 10 === 5 ? '    timeouts: { request: 3s }\n    retries: { maxExtra: 2 }\n' : ''}`
  })
  return `apiVersion: sluice/v1
listeners:
  web: { listen: 127.0.0.1:8080 }
drain: { timeout: 60s }
defaults:
  route:
    timeouts: { request: 10s }
    headers: { request: { set: { x-gateway: sluice } } }
profiles:
  slow:
    timeouts: { request: 60s }
upstreams:
${upstreams.join('')}routes:
${routes.join('')}`
}

describe('10,000 routes and 1,000 upstreams', () => {
  it('load without a word', async () => {
    const { config, diagnostics } = await loadConfig(join(folder, 'large.yaml'), loadDeps({}))
    expect(diagnostics).toEqual([])
    expect(config?.lean.routes).toHaveLength(ROUTES)
    expect(config?.lean.upstreams).toHaveLength(UPSTREAMS)
  })

  it('pass sluice check', async () => {
    const stdout = 'large.yaml: ok, 10000 routes, 1000 upstreams\n'
    expect(await sluice(folder, ['check', '--strict', 'large.yaml'])).toEqual({ code: 0, stdout, stderr: '' })
  })

  it('tell one mistake among them', async () => {
    await writeFile(join(folder, 'broken.yaml'), large().replace('to: u777\n', 'to: u7777\n'))
    const { code, stderr } = await sluice(folder, ['check', 'broken.yaml'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^broken\.yaml:\d+:9: routes\.r777\.to: there is no upstream "u7777"; did you mean u777\?\n/)
  })
})
