import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type Script, type TestUpstream, testUpstream } from '../../kit/upstream.ts'

interface Upstream {
  readonly detection: string
  /** What its endpoints do. */
  readonly scripts: readonly Script[]
  readonly attempt?: string
}

const fine: Script = (_req, res) => void res.writeHead(200).end('fine')
const unavailable: Script = (_req, res) => void res.writeHead(503).end()
const broken: Script = (_req, res) => {
  res.writeHead(200, { 'content-length': '10' })
  res.write('half')
  setImmediate(() => res.destroy())
}
let turn = 0
const mostly: Script = (req, res, seen) => (turn++ % 10 === 0 ? fine : unavailable)(req, res, seen)

/** Each has a route of its own with its name as path, so that one gateway is enough for all. */
const UPSTREAMS: Readonly<Record<string, Upstream>> = {
  failing: { detection: '{}', scripts: [unavailable, fine, fine] },
  returning: { detection: '{ baseEjection: 1s }', scripts: [unavailable, fine, fine] },
  hanging: { detection: '{}', scripts: [() => {}, fine, fine], attempt: '1s' },
  breaking: { detection: '{}', scripts: [broken, fine, fine] },
  lost: { detection: '{ maxEjected: 100% }', scripts: [unavailable, unavailable] },
  shadow: { detection: '{ mode: shadow }', scripts: [unavailable, fine] },
  share: {
    detection: '{ consecutiveFailures: off, failurePercentage: { threshold: 80%, minRequests: 10, minEndpoints: 2 } }',
    scripts: [mostly, fine, fine],
  },
}

const endpoints = new Map<string, TestUpstream[]>()
let sluice: Sluice

/** A gateway of three workers. */
beforeAll(async () => {
  let upstreams = ''
  let routes = ''
  for (const [name, { attempt = '10s', detection, scripts }] of Object.entries(UPSTREAMS)) {
    const all = await Promise.all(scripts.map((script) => testUpstream(script)))
    endpoints.set(name, all)
    upstreams += `  ${name}: { endpoints: [${all.map(({ url }) => `"${url}"`).join(', ')}], outlierDetection: ${detection} }\n`
    routes += `  ${name}: { match: { path: /${name} }, to: ${name}, timeouts: { attempt: ${attempt} }, retries: { when: [connect, reset, timeout, 503] } }\n`
  }
  sluice = await startSluice(`${TOP.replace('workers: 2', 'workers: 3')}upstreams:\n${upstreams}routes:\n${routes}`)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  for (const upstream of [...endpoints.values()].flat()) await upstream.close()
})

/** The first of its endpoints: the one that does something else than the others. */
function odd(name: string): TestUpstream {
  return endpoints.get(name)?.[0] as TestUpstream
}

async function statuses(name: string, count: number): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => sluice.get(`/${name}`)))
  return answers.map(({ status }) => status)
}

async function ejected(name: string): Promise<number> {
  const text = (await sluice.probe('/metrics')).body
  return Number(new RegExp(`sluice_upstream_endpoints\\{upstream="${name}",state="ejected"\\} (\\d+)`).exec(text)?.[1])
}

async function ejects(name: string): Promise<void> {
  await until(async () => {
    expect(new Set(await statuses(name, 5))).toEqual(new Set([200]))
    return (await ejected(name)) === 1
  }, 'an endpoint is ejected')
}

/** Waits until the operational log has told something of an upstream so often. */
async function told(name: string, message: string, times = 1): Promise<void> {
  const lines = () => sluice.operational.filter((line) => line.message === message && line.upstream === name)
  await until(
    () => lines().length >= times,
    () => `${message}; ${sluice.stderr.slice(-3000)}`,
  )
}

describe('an endpoint that fails', () => {
  test('gets no more attempts', async () => {
    const bad = odd('failing')
    await ejects('failing')
    const before = bad.seen.length
    await statuses('failing', 30)
    expect(bad.seen.length).toBe(before)
  })

  test('and status says why, since when, and what follows', async () => {
    await ejects('failing')
    const { body } = await sluice.admin('/api/v1/status')
    const { upstreams } = JSON.parse(body) as { upstreams: { name: string; endpoints: Record<string, string>[] }[] }
    const all = upstreams.flatMap(({ endpoints, name }) => (name === 'failing' ? endpoints : []))
    const { since, text } = all.find(({ state }) => state === 'ejected') as Record<string, string>
    expect(text).toMatch(
      /^\d+ attempts in a row failed; it gets none for \d+s?.*, then its first failure ejects it again$/,
    )
    expect(Date.now() - Date.parse(since as string)).toBeLessThan(60_000)
  })

  test('gets attempts again when its time is over, on probation', async () => {
    const bad = odd('returning')
    await ejects('returning')
    const before = bad.seen.length
    await until(async () => {
      expect(new Set(await statuses('returning', 5))).toEqual(new Set([200]))
      return bad.seen.length > before
    }, 'it gets attempts again')
    // One failure ejects it again.
    await told('returning', 'endpoint ejected', 2)
    await sluice.shows(
      /sluice_ejections_total\{upstream="returning",reason="consecutive_failures",mode="enforce"\} [2-9]/,
    )
  })

  test('one that hangs goes as well', async () => {
    const bad = odd('hanging')
    await ejects('hanging')
    const before = bad.seen.length
    await statuses('hanging', 30)
    expect(bad.seen.length).toBe(before)
  })

  test('one that breaks its bodies goes as well', async () => {
    await until(async () => {
      await Promise.allSettled(Array.from({ length: 5 }, () => sluice.get('/breaking')))
      return (await ejected('breaking')) === 1
    }, 'it is ejected')
    expect(new Set(await statuses('breaking', 30))).toEqual(new Set([200]))
  })
})

test('when all fail the last ones stay', async () => {
  await until(async () => {
    await statuses('lost', 10)
    return (await ejected('lost')) === 1
  }, 'one of two')
  await statuses('lost', 30)
  expect(await ejected('lost')).toBe(1)
})

test('shadow tells what it would do', async () => {
  const bad = odd('shadow')
  await until(async () => {
    await statuses('shadow', 10)
    return sluice.operational.some(({ message }) => message === 'endpoint would be ejected')
  }, 'it is told')
  const before = bad.seen.length
  await until(async () => {
    await statuses('shadow', 10)
    return bad.seen.length > before
  }, 'it still gets attempts')
  expect(await ejected('shadow')).toBe(0)
})

test('a share of failures is judged over all endpoints', async () => {
  await ejects('share')
  await sluice.shows('sluice_ejections_total{upstream="share",reason="failure_percentage",mode="enforce"} 1')
})
