import { expect, test } from 'vitest'
import { startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'

const ROUTES = 'routes: { home: { match: { path: / }, respond: { body: home } } }\n'

test('a second signal ends a long drain at once, with 1', async () => {
  const sluice = await startSluice(`${TOP.replace('delay: 0s', 'delay: 10m')}${ROUTES}`)
  sluice.child.kill('SIGTERM')
  await until(() => sluice.operational.some(({ message }) => message === 'draining'))
  const first = performance.now()
  // Within a second it counts as the echo of the first one.
  await until(() => performance.now() - first > 1_100)
  sluice.child.kill('SIGTERM')
  expect(await sluice.exited()).toBe(1)
  await sluice.stop()
})
