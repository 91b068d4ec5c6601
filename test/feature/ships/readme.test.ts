import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { systemRandom } from '../../../src/lib/random.ts'
import { Demo } from '../../../src/tools/demo/demo.ts'
import { blocks, type CurlLine, curlLines } from '../../kit/markdown.ts'
import { fetchRaw, type Sluice, startSluice } from '../../kit/sluice.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { ROOT } from './kit/image.ts'

const ENDPOINT = /http:\/\/[\w.-]+:8080/g
const text = (page: string): string => readFileSync(join(ROOT, page), 'utf8')
const readme = text('README.md')
const [config = ''] = blocks(readme, 'yaml')
const curls = blocks(readme, 'sh').map(curlLines)
const [ofDemo = [], ofConfig = []] = curls.filter((lines) => lines.length > 0)

/** Sends what a curl line sends, to the gateway's real ports. */
async function statusOf(sluice: Sluice, { port, path, headers }: CurlLine): Promise<number> {
  const ports: Record<number, number> = { 8080: sluice.port(), 9901: sluice.adminPort, 9902: sluice.probesPort }
  return (await fetchRaw(ports[port] as number, 'GET', path, headers)).status
}

function onFreePorts(yaml: string): string {
  return yaml.replaceAll(/listen: 127\.0\.0\.1:\d+/g, 'listen: 127.0.0.1:0')
}

describe('the screenful of config', () => {
  const upstreams: TestUpstream[] = []
  let sluice: Sluice

  beforeAll(async () => {
    for (const _ of config.match(ENDPOINT) ?? []) upstreams.push(await testUpstream())
    let next = 0
    const reachable = config.replaceAll(ENDPOINT, () => upstreams[next++]?.url ?? '')
    sluice = await startSluice(`${onFreePorts(reachable)}\nadmin: { listen: "127.0.0.1:0" }\n`)
  })

  afterAll(async () => {
    await sluice?.stop()
    await Promise.all(upstreams.map((upstream) => upstream.close()))
  })

  test('passes the check without a warning', async () => {
    expect(blocks(readme, 'yaml')).toHaveLength(1)
    const readFile = async (): Promise<Buffer> => Buffer.from(config)
    const loaded = await loadConfig('sluice.yaml', { ...loadDeps({}), readFile })
    expect(loaded.diagnostics).toEqual([])
    expect(loaded.config?.lean.routes).toHaveLength(4)
  })

  test('fits a screen', () => {
    expect(config.split('\n').length).toBeLessThanOrEqual(60)
  })

  test('the curl lines get what they promise', async () => {
    expect(ofConfig).toHaveLength(4)
    for (const line of ofConfig) expect(await statusOf(sluice, line), line.path).toBe(line.status)
  })
})

describe('what npm start runs', () => {
  let demo: Demo
  let sluice: Sluice

  beforeAll(async () => {
    demo = new Demo(
      { clock: systemClock, random: systemRandom() },
      { orders: [0, 0, 0], catalog: [0, 0], echo: [0, 0] },
    )
    await demo.start()
    const ports = demo.facts().map(({ port }) => port)
    const yaml = text('config/sluice.yaml').replaceAll(
      /:910(\d)\b/g,
      (_, digit: string) => `:${ports[Number(digit) - 1]}`,
    )
    sluice = await startSluice(onFreePorts(yaml))
  })

  afterAll(async () => {
    await sluice?.stop()
    await demo?.stop()
  })

  test('the curl lines get what they promise', async () => {
    expect(ofDemo).toHaveLength(6)
    for (const line of ofDemo) expect(await statusOf(sluice, line), line.path).toBe(line.status)
  })
})
