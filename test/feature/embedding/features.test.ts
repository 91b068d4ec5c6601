import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  createGateway,
  type EmbeddedGateway,
  type Feature,
  GatewayError,
  type GatewayOptions,
  type InlineOptions,
} from 'sluice'
import { afterEach, describe, expect, test } from 'vitest'
import { embeddedConfig } from '../../kit/embedded.ts'
import { stamp } from '../../kit/embedded-feature.ts'
import { until } from '../../kit/until.ts'
import { testUpstream } from '../../kit/upstream.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const STAMPED = { all: { match: { path: '/*' }, to: 'orders', stamp: { text: 'mine' } } }
const MODULE = pathToFileURL(join(import.meta.dirname, '../../kit/embedded-feature.ts'))

async function configured(routes: object = STAMPED) {
  const upstream = await testUpstream((_request, response) => void response.end('ok'))
  closing.push(() => upstream.close())
  return embeddedConfig(upstream.port, { routes })
}

/** Of an answer of the upstream; on a busy machine it may take more than one request to get one. */
async function stampOf(gateway: EmbeddedGateway): Promise<string | null> {
  const [web] = await gateway.listen()
  let answer = new Response()
  await until(async () => {
    answer = await fetch(`http://127.0.0.1:${web?.port}/`)
    return (await answer.text()) === 'ok'
  })
  return answer.headers.get('x-stamp')
}

describe('features of a program', () => {
  test('act in this thread, as objects and from modules', async () => {
    for (const feature of [stamp, MODULE]) {
      const gateway = await createGateway({ config: await configured(), features: [feature] })
      closing.push(() => gateway.close())
      expect(await stampOf(gateway)).toBe('mine')
      const routes = { ...STAMPED, all: { ...STAMPED.all, stamp: { text: 'other' } } }
      expect(await gateway.apply(await configured(routes))).toMatchObject({ changed: true })
    }
  })

  test('act in threads, from modules', async () => {
    const gateway = await createGateway({ config: await configured(), features: [MODULE], workers: 1 })
    closing.push(() => gateway.close())
    expect(await stampOf(gateway)).toBe('mine')
    expect(await gateway.apply(await configured())).toMatchObject({ changed: true })
    expect('handler' in gateway).toBe(false)
  })

  test('are their own: without them their keys are errors', async () => {
    const gateway = await createGateway({ config: await configured(), features: [stamp] })
    closing.push(() => gateway.close())
    const error = await createGateway({ config: await configured() }).catch((reason) => reason)
    expect(error).toBeInstanceOf(GatewayError)
    expect(error.problems).toMatchObject([{ field: 'routes.all.stamp' }])
  })

  test.each<[string, unknown, string]>([
    ['of a name that is taken', { ...stamp, name: 'retries' }, 'the name retries is taken'],
    ['with a member of another kind', { ...stamp, places: 7 }, 'places'],
    ['that is none', {}, 'name: is missing'],
  ])('%s are refused', async (_name, feature, says) => {
    const options = { config: await configured(), features: [feature as Feature] } as InlineOptions
    const error = await createGateway(options).catch((reason) => reason)
    expect([error.name, error.code, error.message]).toEqual(['GatewayError', 'options', expect.stringContaining(says)])
  })

  test('come as plug-ins of the config, too, and another text of one takes its place', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-embed-'))
    closing.push(() => rm(folder, { recursive: true }))
    const source = await readFile(MODULE, 'utf8')
    await writeFile(join(folder, 'stamp.ts'), source)
    const config = { ...(await configured()), watch: '100ms', plugins: ['./stamp.ts'] }
    await writeFile(join(folder, 'sluice.yaml'), JSON.stringify(config))
    const gateway = await createGateway({ config: join(folder, 'sluice.yaml') })
    closing.push(() => gateway.close())
    expect(await stampOf(gateway)).toBe('mine')
    await writeFile(join(folder, 'stamp.ts'), source.replace('options.text', "options.text + '!'"))
    const [web] = gateway.status().listeners
    const failed: number[] = []
    await until(async () => {
      const answer = await fetch(`http://127.0.0.1:${web?.port}/`)
      if (answer.status !== 200) failed.push(answer.status)
      return answer.headers.get('x-stamp') === 'mine!'
    })
    expect(failed).toEqual([])
  })

  test('in a module that is bad are refused, and those of a config that is bad leave nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-embed-'))
    closing.push(() => rm(folder, { recursive: true }))
    const file = join(folder, 'bad.ts')
    await writeFile(file, 'export const stamp = 7\n')
    for (const workers of ['inline', 1] as const) {
      const options = { config: await configured(), features: [pathToFileURL(file)], workers } as GatewayOptions
      const error = await createGateway(options as InlineOptions).catch((reason) => reason)
      expect([error.code, error.message]).toEqual(['options', expect.stringContaining('no default export')])
    }
    expect(process.getActiveResourcesInfo().filter((name) => name === 'MessagePort')).toEqual([])
  })
})
