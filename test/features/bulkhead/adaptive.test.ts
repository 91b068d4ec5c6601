import { afterEach, beforeEach, expect, test } from 'vitest'
import { Load } from '../../kit/load.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const CAPACITY = 4

let upstream: TestUpstream
let sluice: Sluice

/** Serves four at a time, 10 ms each; the others queue in it. */
beforeEach(async () => {
  const queue: (() => void)[] = []
  let busy = 0
  const next = (): void => {
    if (busy === CAPACITY) return
    const serve = queue.shift()
    if (serve === undefined) return
    busy++
    setTimeout(() => {
      busy--
      serve()
      next()
    }, 10)
  }
  upstream = await testUpstream((_req, res) => {
    queue.push(() => res.end('ok'))
    next()
  })
  sluice = await startSluice(`${TOP}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes:
  app: { match: { path: /* }, to: app, bulkhead: { adaptive: { min: 4, max: 500, initial: 80 } } }
`)
})

afterEach(async () => {
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
})

async function limit(): Promise<number> {
  const { body } = await sluice.probe('/metrics')
  return Number(/^sluice_bulkhead_limit\{route="app"\} (\d+)$/m.exec(body)?.[1])
}

test('the limit of two workers falls when the upstream is given more than it can take', async () => {
  expect(await limit()).toBe(80)
  // What is usual: as long as nobody queues.
  const calm = new Load({ port: sluice.port(), path: '/', parallel: 2 })
  await calm.more(500)
  await calm.stop()
  expect(calm.statuses.get(200)).toBe(calm.answered)
  expect(await limit()).toBe(80)
  const flood = new Load({ port: sluice.port(), path: '/', parallel: 100 })
  await until(async () => (await limit()) < 40, 'the limit falls', 60_000)
  await flood.stop()
  expect([...flood.statuses.keys()].every((status) => status === 200 || status === 503)).toBe(true)
}, 120_000)
