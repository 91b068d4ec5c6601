import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HookedGateway, hookedGateway } from '../../kit/gateway.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type Ended, sluice as run } from '../cli/cli.ts'

const ROUTES = 'routes: { hello: { match: { path: /* }, respond: { body: hello } } }\n'

describe('sluice profile', () => {
  let gateway: Sluice

  beforeAll(async () => {
    gateway = await startSluice(`${ONE_WORKER}${ROUTES}`)
  })

  afterAll(async () => {
    expect(await gateway.stop()).toBe(0)
  })

  const sluice = (...args: string[]): Promise<Ended> =>
    run(gateway.folder, [...args, '--admin', `http://127.0.0.1:${gateway.adminPort}`], {
      XDG_STATE_HOME: join(gateway.folder, 'state'),
    })

  test('writes where a worker spent its time, for its owner alone, and is recorded', async () => {
    let asking = true
    const asked = (async () => {
      while (asking) await gateway.get('/')
    })()
    const { code, stderr, stdout } = await sluice('profile', '--worker', '0', '--seconds', '2', '--out', 'x.cpuprofile')
    asking = false
    await asked
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^x\.cpuprofile: \d+\.\d MiB; /)
    const file = join(gateway.folder, 'x.cpuprofile')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const { nodes, samples } = JSON.parse(await readFile(file, 'utf8')) as {
      nodes: { callFrame: { url: string } }[]
      samples: unknown[]
    }
    expect(samples.length).toBeGreaterThan(100)
    expect(nodes.some(({ callFrame }) => callFrame.url.endsWith('/src/data/engine/request.ts'))).toBe(true)
    const shown = await sluice('audit', 'show', '--json', '--action', 'profile')
    expect(shown.stdout).toContain('"seconds": 2')
  })

  test('--heap writes what its memory holds, and the worker goes on', async () => {
    const { code, stderr } = await sluice('profile', '--heap', '--out', 'x.heapsnapshot')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { snapshot } = JSON.parse(await readFile(join(gateway.folder, 'x.heapsnapshot'), 'utf8'))
    expect(snapshot.node_count).toBeGreaterThan(10_000)
    expect((await gateway.get('/')).body).toBe('hello')
    const { workers } = (await gateway.status()) as unknown as { workers: object[] }
    expect(workers).toMatchObject([{ worker: 0, restarts: 0 }])
  })

  test('what makes no sense is said, and leaves no file', async () => {
    const none = await sluice('profile', '--worker', '7', '--out', 'none')
    expect(none).toMatchObject({ code: 3, stderr: 'sluice profile: there is no worker 7\n' })
    const long = await sluice('profile', '--seconds', '61', '--out', 'none')
    expect(long).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/seconds: .*61.* is not a whole number from 1 to 60/),
    })
    const word = await sluice('profile', '--worker', 'first', '--out', 'none')
    expect(word).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/worker: .*first.* is not a whole number from 0 to 16/),
    })
    for (const args of [[], ['--heap', '--seconds', '3', '--out', 'none'], ['none']])
      expect(await sluice('profile', ...args)).toMatchObject({ code: 64, stderr: expect.stringContaining('expected') })
    const nowhere = await sluice('profile', '--seconds', '1', '--out', 'no/such/folder')
    expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining('ENOENT') })
    expect((await readdir(gateway.folder)).filter((name) => name.startsWith('no'))).toEqual([])
  })
})

describe('a profile', () => {
  let gateway: HookedGateway

  beforeAll(async () => {
    gateway = await hookedGateway(`${ONE_WORKER}${ROUTES}`)
  })

  afterAll(() => gateway.stop())

  test('is taken one at a time, and refused when its worker ends; then the next can be taken', async () => {
    const taken = 'another profile is being taken'
    const first = (async () => {
      // The one that asks whether it has begun may come first.
      for (;;) {
        const answer = await gateway.command('profile', { seconds: 60 })
        if (answer.detail !== taken) return answer
      }
    })()
    const beginning = async (): Promise<boolean> => (await gateway.command('profile', { seconds: 1 })).status === 503
    await until(beginning, 'the first has begun')
    expect(await gateway.command('profile', { kind: 'heap' })).toMatchObject({
      status: 503,
      detail: taken,
    })
    gateway.gateway.hook(0, 'exit')
    expect(await first).toMatchObject({ status: 503, detail: 'the worker ended meanwhile' })
    await until(async () => (await gateway.workers())[0]?.state === 'serving', 'a successor')
    expect(await gateway.command('profile', { seconds: 1 })).toMatchObject({ status: 200 })
  })

  test('ends when its client leaves: the next need not wait for it', async () => {
    const client = new AbortController()
    const beginning = gateway.command('profile', { seconds: 60 }, client.signal).catch((error: Error) => error.name)
    const taking = async (): Promise<boolean> => (await gateway.command('profile', { seconds: 1 })).status === 503
    await until(taking, 'it has begun')
    client.abort()
    expect(await beginning).toBe('AbortError')
    await until(async () => !(await taking()), 'the next is taken', 20_000)
    expect(gateway.log.lines.filter(({ message }) => message.startsWith('bug'))).toEqual([])
  })

  test('of a worker that is blocked is taken all the same', async () => {
    gateway.gateway.hook(0, 'block', 1_000)
    expect(await gateway.command('profile', { seconds: 1 })).toMatchObject({ status: 200 })
  })
})

test('only an admin takes profiles', async () => {
  const tokens =
    '[{ name: ci, role: operator, secret: { env: CI } }, { name: root, role: admin, secret: { env: ROOT } }]'
  const gateway = await startSluice(
    `${ONE_WORKER.replace('admin: { listen: "127.0.0.1:0" }', `admin: { listen: "127.0.0.1:0", auth: { tokens: ${tokens} } }`)}${ROUTES}`,
    { env: { CI: 'do-things', ROOT: 'do-all' } },
  )
  try {
    const asked = async (token: string): Promise<number> =>
      (
        await fetch(`http://127.0.0.1:${gateway.adminPort}/api/v1/profile`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: '{"seconds":1}',
        })
      ).status
    expect([await asked('do-things'), await asked('do-all')]).toEqual([403, 200])
  } finally {
    await gateway.stop()
  }
})
