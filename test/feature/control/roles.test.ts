import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Answer, fetchRaw, ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { sluice as run } from '../cli/cli.ts'

const ROUTES = 'routes: { all: { match: { path: /* }, respond: { status: 204 } } }\n'
const TOKENS = `auth:
    tokens:
      - { name: eye, role: viewer, secret: { env: EYE } }
      - { name: ci, role: operator, secret: { env: CI_TOKEN } }
`
const PROXY = `trustedProxyHeader: { from: 127.0.0.1, roles: { sre: operator, staff: viewer } }
`
let sluice: Sluice | undefined

afterEach(async () => {
  expect(await sluice?.stop()).toBe(0)
})

async function start(...parts: readonly string[]): Promise<Sluice> {
  const admin = `admin:\n  listen: "127.0.0.1:0"\n${parts.map((part) => `  ${part}`).join('')}`
  const env = { EYE: 'see', CI_TOKEN: 'do-things' }
  sluice = await startSluice(`${ONE_WORKER.replace('admin: { listen: "127.0.0.1:0" }\n', admin)}${ROUTES}`, { env })
  return sluice
}

const as = (user: string, groups: string): Record<string, string> => ({
  'x-forwarded-user': user,
  'x-forwarded-groups': groups,
})
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

function post(port: number, path: string, headers: Record<string, string>): Promise<Answer> {
  const all = { ...headers, 'content-type': 'application/json' }
  return fetchRaw(port, 'POST', `/api/v1/${path}`, all, '{"level":"debug"}')
}

describe('roles by token', () => {
  it('a viewer reads, an operator acts, and each knows who he is', async () => {
    const { adminPort: port } = await start(TOKENS)
    const who = async (token: string) =>
      JSON.parse((await fetchRaw(port, 'GET', '/api/v1/whoami', bearer(token))).body) as unknown
    expect(await who('see')).toEqual({ name: 'eye', role: 'viewer', by: 'token' })
    expect(await who('do-things')).toEqual({ name: 'ci', role: 'operator', by: 'token' })
    for (const path of ['log-level', 'reload', 'breakers', 'endpoints', 'config', 'rollback'])
      expect((await post(port, path, bearer('see'))).status, path).toBe(403)
    expect((await post(port, 'log-level', bearer('do-things'))).status).toBe(200)
    expect((await fetchRaw(port, 'GET', '/api/v1/audit', bearer('see'))).status).toBe(403)
    // No proxy is trusted.
    expect((await fetchRaw(port, 'GET', '/api/v1/whoami', as('anna', 'admin'))).status).toBe(401)
  })
})

describe('roles by the header of a trusted proxy', () => {
  it('people have the role of their groups, and their names are in log and audit', async () => {
    const { adminPort: port, folder } = await start(PROXY, TOKENS)
    const who = await fetchRaw(port, 'GET', '/api/v1/whoami', as('anna', 'staff,sre'))
    expect(JSON.parse(who.body)).toEqual({ name: 'anna', role: 'operator', by: 'proxy' })
    expect((await post(port, 'log-level', as('bert', 'staff'))).status).toBe(403)
    expect((await post(port, 'log-level', as('mallory', 'guests'))).status).toBe(401)
    expect((await post(port, 'log-level', as('anna', 'sre'))).status).toBe(200)
    const audit = await readFile(join(folder, 'state/sluice/test/audit/000001.jsonl'), 'utf8')
    expect(audit).toContain('"who":{"by":"proxy","name":"anna","role":"operator","peer":"127.0.0.1"}')
    expect(audit).toContain('"who":{"by":"proxy","name":"bert","role":"viewer","peer":"127.0.0.1"}')
    expect(audit).not.toContain('mallory')
    await until(() =>
      (sluice as Sluice).operational.some(
        ({ message, name, status }) => message === 'command' && name === 'anna' && status === 200,
      ),
    )
  })

  it('only that proxy is believed', async () => {
    const { adminPort: port } = await start(PROXY.replace('127.0.0.1', '10.0.0.1'), TOKENS)
    expect((await post(port, 'log-level', as('anna', 'sre'))).status).toBe(401)
    expect((await fetchRaw(port, 'GET', '/api/v1/status', as('anna', 'sre'))).status).toBe(401)
  })

  it('without tokens in the config the one of this machine stays, and reading takes a role', async () => {
    const { adminPort: port } = await start(PROXY)
    expect((await fetchRaw(port, 'GET', '/api/v1/status', {})).status).toBe(401)
    expect((await fetchRaw(port, 'GET', '/api/v1/status', as('bert', 'staff'))).status).toBe(200)
    expect((await sluice?.command('log-level', { level: 'info' }))?.status).toBe(200)
  })

  it('nobody may believe everybody', async () => {
    const { file, folder } = await start(PROXY)
    await writeFile(file, (await readFile(file, 'utf8')).replace('from: 127.0.0.1', 'from: 0.0.0.0/0'))
    expect(await run(folder, ['check', file])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('every client could then claim to be an admin'),
    })
  })
})
