import { afterAll, beforeAll, expect, test } from 'vitest'
import { fetchRaw, type Sluice, startSluice, TOP } from '../kit/sluice.ts'
import { sluice as command } from './cli/cli.ts'

let sluice: Sluice

beforeAll(async () => {
  sluice = await startSluice(
    `${TOP.replace(/^ {2}web:.*$/m, '  web: { listen: "127.0.0.1:0" }\n  inside: { listen: "127.0.0.1:0" }')}
routes:
  any: { match: { path: /* }, respond: { status: 200, body: any } }
  inside: { match: { listeners: inside, path: /* }, respond: { status: 200, body: inside } }
  metrics: { match: [{ listeners: [inside], path: /internal/* }, { path: /shared, methods: PUT }], respond: { status: 200, body: internal } }
`,
  )
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
})

test.each([
  ['web', '/', 'any'],
  ['inside', '/', 'inside'],
  ['web', '/internal/x', 'any'],
  ['inside', '/internal/x', 'internal'],
])('a route that names listeners is on theirs only, and there comes first: %s %s', async (listener, path, body) => {
  expect((await fetchRaw(sluice.port(listener), 'GET', path, {})).body).toBe(body)
  expect(await sluice.line((line) => line.listener === listener && line.path === path)).toMatchObject({
    route: body === 'internal' ? 'metrics' : body,
  })
})

test('sluice explain tells where a listener was what failed', async () => {
  const { code, stdout } = await command(sluice.folder, ['explain', 'sluice.yaml', 'GET', '/internal/x', '--json'])
  expect(code).toBe(0)
  const { nearMisses } = JSON.parse(stdout) as { nearMisses: object[] }
  expect(nearMisses).toContainEqual(
    expect.objectContaining({ route: 'metrics', failed: 'listener', wanted: 'inside', seen: 'web' }),
  )
})
