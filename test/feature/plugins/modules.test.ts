import { afterEach, expect, test } from 'vitest'
import { inOrder } from '../../../src/core/feature.ts'
import { FEATURES } from '../../../src/features/index.ts'
import { type HookedGateway, hookedGateway } from '../../kit/gateway.ts'
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
