import { describe, expect, it } from 'vitest'
import { type Loaded, loadConfig } from '../../../../src/config/load.ts'
import { loadDeps } from '../../../../src/config/load-deps.ts'
import { migrateFile } from '../../../../src/config/upgrade/migrate.ts'
import { CURRENT_VERSION, OLDER_VERSIONS } from '../../../../src/config/upgrade/migrations/index.ts'
import { diagnosticLine } from '../../../../src/schema/diagnostics.ts'

const ALL = OLDER_VERSIONS.flatMap(({ name, migrations }) => migrations.map((migration) => ({ name, ...migration })))

function load(text: string): Promise<Loaded> {
  return loadConfig('a.yaml', { ...loadDeps({}), readFile: async () => Buffer.from(text) })
}

async function linesOf(text: string): Promise<string[]> {
  return (await load(text)).diagnostics.map(diagnosticLine)
}

const OLD = `apiVersion: sluice/v1alpha1
listeners:
  web: { listen: 127.0.0.1:8080 }
`

describe('migrations', () => {
  it('are there for every older version, each with a sentence', () => {
    expect(ALL.length).toBeGreaterThanOrEqual(5)
    expect(new Set(ALL.map(({ does }) => does)).size).toBe(ALL.length)
  })

  it.each(ALL)('$does: the text', ({ after, before }) => {
    expect(migrateFile('a.yaml', Buffer.from(before))).toMatchObject({ state: 'rewritten', text: after })
  })

  it.each(ALL)('$does: the older file loads with one warning, and means the same', async ({ after, before, name }) => {
    const older = await load(before)
    expect(older.diagnostics.map(diagnosticLine)).toEqual([
      `a.yaml:1:13: warning: apiVersion: ${name} is an older version; sluice migrate a.yaml --write makes it ${CURRENT_VERSION}`,
    ])
    const newer = await load(after)
    expect(newer.diagnostics).toEqual([])
    expect(newer.config?.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(older.config?.hash).toBe(newer.config?.hash)
  })
})

describe('apiVersion', () => {
  const body = `${OLD.replace(/^.*\n/, '')}routes: { a: { match: { path: /a }, respond: {} } }\n`

  it('is the newest where it is left out', async () => {
    expect(await linesOf(body)).toEqual([])
    expect(migrateFile('a.yaml', Buffer.from(body))).toEqual({ state: 'current' })
  })

  it.each([
    ['sluice/v2', '"sluice/v2" is newer than this Sluice'],
    ['sluice/v2beta1', '"sluice/v2beta1" is newer than this Sluice'],
    ['sluice/v1beta9', '"sluice/v1beta9" is not a version of this language'],
    ['v1', '"v1" is not a version of this language'],
  ])('%s is an error that lists what is known', async (version, says) => {
    expect(await linesOf(`apiVersion: ${version}\n${body}nonsense: 1\n`)).toEqual([
      `a.yaml:1:13: apiVersion: ${says}; known are sluice/v1 and, older, sluice/v1alpha1`,
    ])
  })
})

describe('an older file with mistakes', () => {
  it('is told of them where they stand in it', async () => {
    const text = `${OLD}services:
  orders:
    endpoint: [http://10.0.0.1:8080]
routes:
  - name: orders
    path: orders
    timeoutMs: 1 s
    to: order
`
    const lines = await linesOf(text)
    expect(lines).toContain('a.yaml:6:5: upstreams.orders.endpoint: unknown key; did you mean endpoints?')
    expect(lines.some((line) => line.startsWith('a.yaml:9:11: routes.orders.match.path: "orders" is not a path'))).toBe(
      true,
    )
    expect(lines.some((line) => line.startsWith('a.yaml:10:16: routes.orders.timeouts.request: "1 s" is not'))).toBe(
      true,
    )
  })

  it.each([
    ['routes:\n  - path: /a\n    respond: {}\n', 'a.yaml:5:5: routes[0]: "name" is missing; it is a name'],
    [
      'routes:\n  - { name: a, path: /a, respond: {} }\n  - { name: a, path: /b, respond: {} }\n',
      'a.yaml:6:13: routes[1].name: "a" is here twice; the first is in line 5',
    ],
    ['services: {}\nupstreams: {}\nroutes: []\n', 'a.yaml:4:1: services: is the older name of upstreams; keep one'],
    [
      'routes:\n  - { name: a, path: /a, match: { path: /b }, respond: {} }\n',
      'a.yaml:5:16: routes.a.path: match.path is also set; keep one',
    ],
    [
      'routes:\n  - { name: a, path: /a, respond: {}, timeouts: off, timeoutMs: 5 }\n',
      'a.yaml:5:54: routes.a.timeoutMs: belongs in timeouts, which is not a map here',
    ],
  ])('%j', async (rest, line) => {
    expect(await linesOf(OLD + rest)).toEqual([line])
  })
})

describe('a file that cannot be rewritten', () => {
  it('says so and what to do, where an alias stands for a whole route', () => {
    const text = `${OLD}x-route: &route { name: a, path: /a, respond: {} }\nroutes: [*route]\n`
    const migrated = migrateFile('a.yaml', Buffer.from(text))
    expect(migrated).toMatchObject({ state: 'failed' })
    const lines = 'diagnostics' in migrated ? migrated.diagnostics.map(diagnosticLine) : []
    expect(lines[0]).toMatch(/^a\.yaml: cannot be rewritten: routes\[0\] has its name behind an alias/)
    expect(lines).toContain('a.yaml:4:28: warning: routes.a.path: is now match.path')
  })

  it('is found out where << would hide a part', async () => {
    const text = `${OLD}x-base: &base { path: /a }\nroutes: [{ <<: *base, name: a, methods: [GET], respond: {} }]\n`
    expect((await load(text)).config?.lean.routes[0]?.match).toMatchObject([{ methods: ['GET'], paths: [{}] }])
    const migrated = migrateFile('a.yaml', Buffer.from(text))
    expect(migrated).toMatchObject({
      state: 'failed',
      diagnostics: [{ message: expect.stringContaining('<<') }, {}, {}, {}],
    })
  })
})
