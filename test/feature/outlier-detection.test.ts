import { afterEach, describe, expect, test } from 'vitest'
import { logged } from '../kit/reload.ts'
import { type Sluice, startSluice, TOP } from '../kit/sluice.ts'
import { until } from '../kit/until.ts'
import { type Script, type TestUpstream, testUpstream } from '../kit/upstream.ts'

const upstreams: TestUpstream[] = []
let sluice: Sluice

afterEach(async () => {
  expect(await sluice.stop()).toBe(0)
  for (const upstream of upstreams.splice(0)) await upstream.close()
})

const fine: Script = (_req, res) => void res.writeHead(200).end('fine')
const unavailable: Script = (_req, res) => void res.writeHead(503).end()

/** A gateway of three workers over endpoints that do what the scripts say. */
async function start(detection: string, scripts: readonly Script[], attempt = '10s'): Promise<TestUpstream[]> {
  for (const script of scripts) upstreams.push(await testUpstream(script))
  sluice = await startSluice(`${TOP.replace('workers: 2', 'workers: 3')}
upstreams:
  app:
    endpoints: [${upstreams.map(({ url }) => `"${url}"`).join(', ')}]
    outlierDetection: ${detection}
routes:
  app: { match: { path: /* }, to: app, timeouts: { attempt: ${attempt} }, retries: { when: [connect, reset, timeout, 503] } }
`)
  return upstreams
}

async function statuses(count: number): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => sluice.get('/')))
  return answers.map(({ status }) => status)
}

async function ejected(): Promise<number> {
  const text = (await sluice.probe('/metrics')).body
  return Number(/sluice_upstream_endpoints\{upstream="app",state="ejected"\} (\d+)/.exec(text)?.[1])
}

async function ejects(): Promise<void> {
  await until(async () => {
    expect(new Set(await statuses(5))).toEqual(new Set([200]))
    return (await ejected()) === 1
  }, 'an endpoint is ejected')
}

describe('an endpoint that fails', () => {
  test('gets no more tries until its time is over, then one on probation', async () => {
    const [bad] = (await start('{ baseEjection: 3s }', [unavailable, fine, fine])) as [TestUpstream]
    await ejects()
    const before = bad.seen.length
    await statuses(30)
    expect(bad.seen.length).toBe(before)
    await until(async () => {
      expect(new Set(await statuses(5))).toEqual(new Set([200]))
      return bad.seen.length > before
    }, 'it is tried again')
    await until(async () => (await ejected()) === 1, 'one failure ejects it again')
    await logged(sluice, 'endpoint ejected', 2)
    await sluice.shows(/sluice_ejections_total\{upstream="app",reason="consecutive_failures",mode="enforce"\} [2-9]/)
  })

  test('one that hangs goes as well', async () => {
    const [bad] = (await start('{}', [() => {}, fine, fine], '1s')) as [TestUpstream]
    await ejects()
    const before = bad.seen.length
    await statuses(30)
    expect(bad.seen.length).toBe(before)
  })

  test('one that breaks its bodies goes as well', async () => {
    const broken: Script = (_req, res) => {
      res.writeHead(200, { 'content-length': '10' })
      res.write('half')
      setImmediate(() => res.destroy())
    }
    await start('{}', [broken, fine, fine])
    await until(async () => {
      await Promise.allSettled(Array.from({ length: 5 }, () => sluice.get('/')))
      return (await ejected()) === 1
    }, 'it is ejected')
    expect(new Set(await statuses(30))).toEqual(new Set([200]))
  })
})

test('when all fail the last ones stay', async () => {
  await start('{ maxEjected: 100% }', [unavailable, unavailable])
  await until(async () => {
    await statuses(10)
    return (await ejected()) === 1
  }, 'one of two')
  await statuses(30)
  expect(await ejected()).toBe(1)
})

test('shadow tells what it would do', async () => {
  const [bad] = (await start('{ mode: shadow }', [unavailable, fine])) as [TestUpstream]
  await until(async () => {
    await statuses(10)
    return sluice.operational.some(({ message }) => message === 'endpoint would be ejected')
  }, 'it is told')
  const before = bad.seen.length
  await until(async () => {
    await statuses(10)
    return bad.seen.length > before
  }, 'it still gets tries')
  expect(await ejected()).toBe(0)
})

test('a share of failures is judged over all endpoints', async () => {
  let turn = 0
  const mostly: Script = (req, res, seen) => (turn++ % 10 === 0 ? fine : unavailable)(req, res, seen)
  await start('{ consecutiveFailures: off, failurePercentage: { threshold: 80%, minRequests: 10, minEndpoints: 2 } }', [
    mostly,
    fine,
    fine,
  ])
  await ejects()
  await sluice.shows('reason="failure_percentage",mode="enforce"} 1')
})
