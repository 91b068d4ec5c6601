import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EXAMPLE_ENV, missing, placeExample } from '../../kit/feature-pages.ts'
import { blocks, curlLines } from '../../kit/markdown.ts'
import { fetchRaw, type Sluice, startSluice } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const FOLDER = join(import.meta.dirname, '../../../docs/features')
const PAGES = readdirSync(FOLDER)
  .map((name) => ({ name, page: readFileSync(join(FOLDER, name), 'utf8') }))
  .map(({ name, page }) => ({
    name,
    yaml: blocks(page, 'yaml')[0] ?? '',
    lines: blocks(page, 'sh').flatMap(curlLines),
  }))
  .filter(({ lines }) => lines.length > 0)

test('some pages have requests', () => {
  expect(PAGES.length).toBeGreaterThan(1)
})

describe.each(PAGES)('the requests of docs/features/$name', ({ yaml, lines }) => {
  const upstreams = new Map<string, TestUpstream>()
  let sluice: Sluice

  beforeAll(async () => {
    const closed = `http://127.0.0.1:${await closedPort()}`
    const alive = yaml.replaceAll(/^.*# down$/gm, (line) => line.replace(ENDPOINT, closed))
    for (const [url] of alive.matchAll(ENDPOINT)) if (!upstreams.has(url)) upstreams.set(url, await testUpstream())
    const reachable = alive
      .replaceAll(ENDPOINT, (url) => upstreams.get(url)?.url ?? url)
      .replace('0.0.0.0:8080', '127.0.0.1:0')
    const own = '\nworkers: 1\nadmin: { listen: "127.0.0.1:0" }\nprobes: { listen: "127.0.0.1:0" }\n'
    sluice = await startSluice(reachable + own, { env: EXAMPLE_ENV, place: placeExample })
  })

  afterAll(async () => {
    await sluice?.stop()
    await Promise.all([...upstreams.values()].map((upstream) => upstream.close()))
  })

  test.each(lines)('$method $path: $status $more', async ({ method, path, headers, status, more }) => {
    const answer = await fetchRaw(sluice.port(), method, path, headers)
    expect(answer.status).toBe(status)
    const [name = '', value] = more.split(/: (.*)/)
    if (value !== undefined) expect(missing([value], answer.headers[name] ?? '')).toBeUndefined()
    else if (more !== '') expect(answer.headers['proxy-status']).toContain(`details="${more}"`)
  })
})

const ENDPOINT = /http:\/\/10[\d.]+:8080/g
