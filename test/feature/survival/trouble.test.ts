import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hookedGateway } from '../../kit/gateway.ts'
import { logged } from '../../kit/reload.ts'
import { fetchRaw, ONE_WORKER, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { Survivor } from './survivor.ts'

const IN_MEMORY =
  'the state store cannot be opened: history, kept requests, drains and forced breakers end with this process'

let gateway: Survivor
let a: TestUpstream

beforeEach(async () => {
  gateway = Survivor.make()
  a = await testUpstream((_req, res) => void res.end('a'))
})

afterEach(async () => {
  await gateway.close()
  await a.close()
})

const yaml = (more = ''): string => `${ONE_WORKER}watch: off
${more}
upstreams: { app: { endpoints: ["${a.url}"] } }
routes:
  app: { match: { path: /app }, to: app, circuitBreaker: {} }
  fail: { match: { path: /fail }, respond: { status: 503, body: no } }
`

const drain = () => gateway.command('endpoints', { upstream: 'app', endpoint: a.url, to: 'drain' })
const force = () => gateway.command('breakers', { route: 'app', to: 'open', for: '1h' })
const messages = (message: string): number => gateway.messages().filter((told) => told === message).length

/** All that is kept works, as long as the process lives; and it says that it ends with it. */
async function worksInMemory(): Promise<void> {
  expect(messages(IN_MEMORY)).toBe(1)
  expect(await drain()).toMatchObject({ durable: false, endpoints: [{ state: 'draining' }] })
  expect(await force()).toMatchObject({ durable: false, breakers: [{ state: 'forced_open' }] })
  expect((await gateway.sluice.get('/app')).status).toBe(503)
  const more = `${yaml()}  more: { match: { path: /more }, to: app }\n`
  expect(await gateway.command('config', { yaml: more })).toMatchObject({ changed: true, inHistory: false })
  expect((await gateway.get<{ configs: object[] }>('history')).configs).toHaveLength(2)
  expect(await gateway.command('rollback', { number: 1 })).toMatchObject({ changed: true, inHistory: false })
  const { headers } = await gateway.sluice.get('/fail')
  const id = headers['sluice-request-id']
  await until(async () => (await gateway.sluice.admin(`/api/v1/requests/${id}`)).status === 200)
  const { code, stderr } = await gateway.cli('endpoint', 'undrain', 'app', a.url)
  expect([code, stderr]).toEqual([
    0,
    'it holds, but could not be stored: a restart of the gateway does not know of it\n',
  ])
  expect(messages(IN_MEMORY)).toBe(1)
}

test('a state directory that cannot be written: everything works in memory, and one warning says what does not survive', async () => {
  const inTheWay = join(gateway.folder, 'file')
  await writeFile(inTheWay, 'x')
  const auth = 'auth: { tokens: [{ name: ci, role: operator, secret: { env: CI_TOKEN } }] }'
  const config = yaml(`stateDir: ${inTheWay}`).replace('admin: { ', `admin: { ${auth}, `)
  const sluice = await gateway.start(config, { env: { CI_TOKEN: 'secret' } })
  expect(await logged(sluice, IN_MEMORY)).toMatchObject({ file: join(inTheWay, 'test', 'state.db') })
  await logged(sluice, 'the config could not be kept as the last good one')
  const headers = { authorization: 'Bearer secret', 'content-type': 'application/json' }
  const body = JSON.stringify({ upstream: 'app', endpoint: a.url, to: 'drain' })
  const answer = await fetchRaw(sluice.adminPort, 'POST', '/api/v1/endpoints', headers, body)
  expect(JSON.parse(answer.body)).toMatchObject({
    durable: false,
    endpoints: [{ state: 'draining', drain: { by: 'ci' } }],
  })
  expect((await sluice.get('/app')).status).toBe(503)
  expect(messages(IN_MEMORY)).toBe(1)
})

describe('a store', () => {
  test('of a newer version is left as it is, and used again by that version', async () => {
    await gateway.start(yaml())
    expect(await drain()).toMatchObject({ durable: true })
    await gateway.end()
    const file = join(gateway.state(), 'state.db')
    setVersion(file, 99)
    const before = await hashOf(file)
    await gateway.start()
    expect(await logged(gateway.sluice, IN_MEMORY)).toMatchObject({ why: expect.stringContaining('newer') })
    expect((await gateway.sluice.get('/app')).body).toBe('a')
    await worksInMemory()
    await gateway.end()
    expect(await hashOf(file)).toBe(before)
    setVersion(file, 1)
    await gateway.start()
    expect((await gateway.sluice.get('/app')).status).toBe(503)
  })

  test.each([
    ['garbage', () => Buffer.from('not a database at all, '.repeat(1000))],
    ['a file that was cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
    ['pages of zeros', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096)])],
  ])('that is %s is set aside, and what is kept from then on survives', async (_, spoil) => {
    await gateway.start(yaml())
    for (let i = 0; i < 5; i++) await drain()
    await gateway.end()
    const file = join(gateway.state(), 'state.db')
    await rm(`${file}-wal`, { force: true })
    await writeFile(file, spoil(await readFile(file)))
    await gateway.start()
    await logged(gateway.sluice, 'the store was broken: it begins again empty, the old file is set aside')
    expect(await readdir(gateway.state())).toContain('state.db.broken')
    expect((await gateway.sluice.get('/app')).body).toBe('a')
    expect(await force()).toMatchObject({ durable: true })
    await gateway.again()
    expect((await gateway.sluice.get('/app')).status).toBe(503)
    // The log is in files of its own, and its index is made again.
    const { entries } = await gateway.get<{ entries: { action: string }[] }>('audit?action=endpoints')
    expect(entries).toHaveLength(5)
  })

  test('whose records are of another version, or broken, passes over them', async () => {
    await gateway.start(yaml())
    expect(await drain()).toMatchObject({ durable: true })
    const { headers } = await gateway.sluice.get('/fail')
    await gateway.end()
    const db = new DatabaseSync(join(gateway.state(), 'state.db'))
    db.exec("UPDATE entries SET value = CAST('{\"version\":7}' AS BLOB) WHERE key LIKE 'gateway/%'")
    db.close()
    await gateway.start()
    expect(messages('a record of the store is passed over')).toBe(1)
    expect((await gateway.sluice.get('/app')).body).toBe('a')
    expect((await gateway.sluice.admin(`/api/v1/requests/${headers['sluice-request-id']}`)).status).toBe(404)
    expect((await gateway.get<{ configs: object[] }>('history')).configs).toHaveLength(1)
    expect((await gateway.get<{ entries: object[] }>('audit?action=endpoints')).entries).toHaveLength(1)
  })
})

test('a full disk: what is ordered holds, the answer says that it is not stored, and it is once there is room', async ({
  skip,
}) => {
  const state = join(gateway.folder, 'state')
  await mkdir(state)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', state]).status === 0
  if (!mounted) skip('no file system can be mounted here')
  try {
    await gateway.start(yaml())
    const filler = join(state, 'filler')
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k'])
    await until(async () => (await drain()).durable === false, 'the disk is full')
    expect((await gateway.sluice.get('/app')).status).toBe(503)
    const failed: unknown[] = []
    // The log of the store may have room for the first ones: they need fewer pages than an order.
    await until(async () => {
      failed.push((await gateway.sluice.get('/fail')).headers['sluice-request-id'])
      await setTimeout(1_000)
      return messages('kept requests cannot be stored: a restart forgets them') > 0
    })
    expect(messages('an order of an operator cannot be stored: the next process does not know of it')).toBeGreaterThan(
      0,
    )
    await rm(filler)
    await until(() => messages('orders of operators are stored again') > 0)
    await until(() => messages('kept requests are stored again') > 0)
    await gateway.again()
    expect((await gateway.sluice.get('/app')).status).toBe(503)
    const { requests } = await gateway.get<{ requests: { requestId: string }[] }>('requests?route=fail')
    expect(requests.map(({ requestId }) => requestId).sort()).toEqual(failed.sort())
  } finally {
    await gateway.kill()
    spawnSync('umount', [state])
  }
}, 120_000)

describe('two gateways with one state directory', () => {
  test('of two names have nothing in common', async () => {
    await gateway.start(yaml())
    const other = await startSluice(yaml().replace('name: test', 'name: other'), {
      env: { XDG_STATE_HOME: join(gateway.folder, 'state') },
    })
    try {
      expect(await drain()).toMatchObject({ durable: true })
      expect((await other.get('/app')).body).toBe('a')
      expect(other.operational.map(({ message }) => message)).not.toContain(IN_MEMORY)
    } finally {
      await other.stop()
    }
  })

  test('of one name: the second works in memory, and the first is not disturbed', async () => {
    const first = await gateway.start(yaml())
    expect(await drain()).toMatchObject({ durable: true })
    await gateway.start()
    expect(await logged(gateway.sluice, IN_MEMORY)).toMatchObject({ why: 'another process has it open' })
    // It knows nothing of the drain.
    expect((await gateway.sluice.get('/app')).body).toBe('a')
    await worksInMemory()
    await gateway.kill()
    expect((await first.get('/app')).status).toBe(503)
    const undrain = await first.command('endpoints', { upstream: 'app', endpoint: a.url, to: 'undrain' })
    expect(JSON.parse(undrain.body)).toMatchObject({ durable: true })
    first.child.kill('SIGKILL')
    await first.exited()
    await gateway.start()
    expect((await gateway.sluice.get('/app')).body).toBe('a')
  })
})

test('drains and forced breakers hold in a worker that takes the place of another', async () => {
  const hooked = await hookedGateway(yaml().replace('match: { path: /fail }', 'match: { path: /other }'))
  try {
    await hooked.command('breakers', { route: 'app', to: 'open', for: '1h' })
    hooked.gateway.hook(0, 'exit')
    await until(async () =>
      (await hooked.workers()).every(({ restarts, state }) => restarts > 0 && state === 'serving'),
    )
    const status = async (): Promise<number> => (await fetch(`http://127.0.0.1:${hooked.port}/app`)).status
    expect(await status()).toBe(503)
    await hooked.command('breakers', { route: 'app', to: 'auto' })
    expect(await status()).toBe(200)
    await hooked.command('endpoints', { upstream: 'app', endpoint: a.url, to: 'drain' })
    hooked.gateway.hook(0, 'exit')
    await until(async () =>
      (await hooked.workers()).every(({ restarts, state }) => restarts > 1 && state === 'serving'),
    )
    expect(await status()).toBe(503)
  } finally {
    await hooked.stop()
  }
})

function setVersion(file: string, version: number): void {
  const db = new DatabaseSync(file)
  db.exec(`PRAGMA user_version = ${version}`)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
}

async function hashOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}
