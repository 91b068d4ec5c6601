import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { madeFolder } from '../../kit/folder.ts'
import { type HookedGateway, hookedGateway, pluggedIn } from '../../kit/gateway.ts'
import { until } from '../../kit/until.ts'
import { started } from './tally/control.ts'
import tally from './tally/feature.ts'

const url = new URL('./tally/feature.ts', import.meta.url).href
const gateways: HookedGateway[] = []
const folders: ReturnType<typeof madeFolder>[] = []

afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.stop()
  for (const folder of folders.splice(0)) folder.remove()
})

function newFolder(): string {
  const folder = madeFolder()
  folders.push(folder)
  return folder.path
}

async function serve(stateDir: string): Promise<HookedGateway> {
  const gateway = await hookedGateway(
    `
workers: 2
listeners: { web: { listen: 127.0.0.1:0 } }
admin: { listen: 127.0.0.1:0 }
probes: { listen: 127.0.0.1:0 }
upstreams: {}
routes:
  state: { match: { path: /state }, respond: { status: 200 }, tally: { store: state } }
  memory: { match: { path: /memory }, respond: { status: 200 }, tally: { store: memory } }
`,
    { ...pluggedIn(tally, 'tally', url), stateDir },
  )
  gateways.push(gateway)
  return gateway
}

async function stop(gateway: HookedGateway): Promise<void> {
  gateways.splice(gateways.indexOf(gateway), 1)
  await gateway.stop()
}

/** Each connection goes to some worker: of so many, both have some. */
const MANY = 30

async function fields(gateway: HookedGateway, path: string, name: string): Promise<(string | null)[]> {
  const get = async (): Promise<string | null> =>
    (await fetch(`http://127.0.0.1:${gateway.port}${path}`, { headers: { connection: 'close' } })).headers.get(name)
  return Promise.all(Array.from({ length: MANY }, get))
}

const upTo = (from: number): string[] => Array.from({ length: MANY }, (_, i) => `${from + i}`)
const inNumbers = (counts: readonly (string | null)[]): (string | null)[] =>
  counts.toSorted((a, b) => Number(a) - Number(b))
const stores = async (gateway: HookedGateway): Promise<unknown> => (await gateway.view('status')).stores

describe('a feature that keeps something in a store', () => {
  test.each(['state', 'memory'])('(%s) has it in all workers, and in its control half', async (name) => {
    const gateway = await serve(newFolder())
    expect(inNumbers(await fields(gateway, `/${name}`, 'x-count'))).toEqual(upTo(1))
    const store = started.context?.store(name as 'state' | 'memory')
    expect(await store?.run('add', ['requests'], { by: 0 })).toEqual([MANY])
    expect(await store?.scan('', { limit: 10 })).toMatchObject({ entries: [{ key: 'requests' }] })
    await gateway.shows(
      `sluice_store_calls_total{store="${name}",call="run",result="ok"} ${MANY + 1}`,
      /sluice_store_call_duration_seconds_count\{store="state"\} \d+/,
      'sluice_store_up{store="state",engine="sqlite"} 1',
      'sluice_store_up{store="memory",engine="memory"} 1',
      /sluice_store_bytes\{store="state"\} [1-9]/,
      'sluice_store_evicted_total{store="memory"} 0',
    )
  })

  test('has it after a restart if it is in the state store, and not if it is in memory', async () => {
    const folder = newFolder()
    const first = await serve(folder)
    await fields(first, '/state', 'x-count')
    await fields(first, '/memory', 'x-count')
    await stop(first)
    const second = await serve(folder)
    expect(inNumbers(await fields(second, '/state', 'x-count'))).toEqual(upTo(MANY + 1))
    expect(inNumbers(await fields(second, '/memory', 'x-count'))).toEqual(upTo(1))
  })

  test('hears hints in all workers, from wherever they come', async () => {
    const gateway = await serve(newFolder())
    expect(await started.context?.store('memory').publish('news', 'one')).toBe(true)
    expect(await started.context?.store('memory').publish('news', 'two')).toBe(true)
    await until(async () => (await fields(gateway, '/memory', 'x-heard')).every((heard) => heard === 'one two'))
    expect(new Set(await fields(gateway, '/state', 'x-heard'))).toEqual(new Set(['']))
  })

  test('goes on with a new worker', async () => {
    const gateway = await serve(newFolder())
    await fields(gateway, '/memory', 'x-count')
    gateway.gateway.hook(0, 'exit')
    await until(async () => (await gateway.workers()).some(({ restarts }) => restarts > 0), 'it is replaced')
    await until(async () => (await gateway.workers()).every(({ state }) => state === 'serving'), 'all serve')
    expect(inNumbers(await fields(gateway, '/memory', 'x-count'))).toEqual(upTo(MANY + 1))
  })
})

describe('a state directory', () => {
  const NOT_KEPT =
    'the state store cannot be opened: history, kept requests, drains and forced breakers end with this process'
  const warnings = ({ log }: HookedGateway): unknown[] =>
    log.lines.filter(({ message }) => message === NOT_KEPT).map(({ level, fields }) => [level, fields.why])

  test('that cannot be written costs a warning: the gateway works, and says so', async () => {
    const file = join(newFolder(), 'file')
    writeFileSync(file, '')
    const gateway = await serve(file)
    expect(warnings(gateway)).toEqual([['warn', expect.stringContaining('ENOTDIR')]])
    expect(inNumbers(await fields(gateway, '/state', 'x-count'))).toEqual(upTo(1))
    expect(await stores(gateway)).toMatchObject([{ name: 'state', engine: 'memory', durable: false, up: true }, {}])
  })

  test('is of one process: a second gateway of the same name keeps nothing, and the first one goes on', async () => {
    const folder = newFolder()
    const [first, second] = [await serve(folder), await serve(folder)]
    expect(warnings(first)).toEqual([])
    expect(warnings(second)).toEqual([['warn', 'another process has it open']])
    expect(inNumbers(await fields(first, '/state', 'x-count'))).toEqual(upTo(1))
    expect(inNumbers(await fields(second, '/state', 'x-count'))).toEqual(upTo(1))
    expect(await stores(first)).toMatchObject([{ name: 'state', engine: 'sqlite', durable: true, up: true }, {}])
  })
})
