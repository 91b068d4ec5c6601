import { readFile } from 'node:fs/promises'
import { afterEach, expect, test } from 'vitest'
import { inOrder } from '../../../src/core/feature.ts'
import { FEATURES } from '../../../src/features/index.ts'
import { type HookedGateway, hookedGateway } from '../../kit/gateway.ts'
import { until } from '../../kit/until.ts'
import stamp from './stamp.ts'

const gateways: HookedGateway[] = []
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.stop()
})

const YAML = `apiVersion: sluice/v1
listeners: { web: { listen: 127.0.0.1:0 } }
admin: { listen: 127.0.0.1:0 }
routes:
  marked: { match: { path: /* }, respond: { status: 204 }, stamp: here }
`

test('workers load the features of modules that they are started with; another gateway of the process need not have them', async () => {
  const features = inOrder([...FEATURES, stamp])
  const plugins = [{ name: 'stamp', url: new URL('./stamp.ts', import.meta.url).href, texts: {} }]
  const gateway = await hookedGateway(YAML, { features, plugins })
  gateways.push(gateway)
  expect((await fetch(`http://127.0.0.1:${gateway.port}/`)).headers.get('x-stamp')).toBe('here')
  await expect(hookedGateway(YAML)).rejects.toThrow('unknown')
})

test('a worker that is started again has the code that was judged, wherever that lies by then', async () => {
  const url = 'file:///nowhere/stamp.ts?sluice=0123456789abcdef'
  const text = (await readFile(new URL('./stamp.ts', import.meta.url), 'utf8'))
    .replace('../../../src/core/feature.ts', 'sluice')
    .replace('../../../src/schema/scalars.ts', 'sluice')
  const features = inOrder([...FEATURES, stamp])
  const gateway = await hookedGateway(YAML, { features, plugins: [{ name: 'stamp', url, texts: { [url]: text } }] })
  gateways.push(gateway)
  const stamped = async (): Promise<string | null> =>
    (await fetch(`http://127.0.0.1:${gateway.port}/`)).headers.get('x-stamp')
  expect(await stamped()).toBe('here')
  gateway.gateway.hook(0, 'exit')
  await until(async () => (await gateway.workers())[0]?.restarts === 1, 'a worker is started again')
  await until(async () => (await gateway.workers()).every(({ state }) => state === 'serving'), 'all serve')
  for (let i = 0; i < 8; i++) expect(await stamped()).toBe('here')
})
