import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'

const HOOK = pathToFileURL(join(import.meta.dirname, '../../kit/loaded.ts')).href

/** prom-client measures the process; OpenTelemetry's API comes with it. */
const OF_METRICS = ['@opentelemetry/api', 'prom-client']
/** What reads the config and a source of one. */
const OF_CONFIG = ['opossum', 'yaml']

/** Of Node: what comes with an import of node:http or with Fastify, and with the rest of prom-client. */
const COSTLY = /^NativeModule (internal\/deps\/undici\/undici|http2|https|zlib)$/

/** Our own that operators ask for. */
const ON_DEMAND =
  /\/src\/(control\/(admin\/(application|app|openapi\/.*|dashboard\/.*)|all-operations)|tools\/(demo|drill|import)\/.*)\.ts$/

test('a gateway that nobody operates has loaded what it needs, and no more', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-loaded-'))
  const file = join(folder, 'loaded')
  const sluice = await startSluice(
    `${TOP}upstreams: { app: { endpoints: ["http://127.0.0.1:9"] } }
routes: { app: { match: { path: /* }, to: app } }
`,
    { env: { NODE_OPTIONS: `--import=${HOOK}`, SLUICE_TEST_LOADED: file } },
  )
  try {
    const loaded = async (): Promise<string[]> => (await readFile(file, 'utf8')).trim().split('\n')
    const packages = async (): Promise<string[]> => {
      const names = (await loaded()).flatMap((line) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(line)?.[1] ?? [])
      return [...new Set(names)].sort()
    }
    expect((await sluice.get('/')).status).toBe(502)
    for (const page of ['livez', 'readyz', 'startupz', 'metrics'])
      for (const port of [sluice.adminPort, sluice.probesPort])
        expect((await fetch(`http://127.0.0.1:${port}/${page}`)).status).toBe(200)
    await until(async () => (await loaded()).includes('NativeModule http'))
    expect(await packages()).toEqual([...OF_CONFIG, ...OF_METRICS].sort())
    expect((await loaded()).filter((line) => COSTLY.test(line) || ON_DEMAND.test(line))).toEqual([])
    expect((await fetch(`http://127.0.0.1:${sluice.adminPort}/api/v1/status`)).status).toBe(200)
    expect(await packages()).toContain('fastify')
    expect((await loaded()).some((line) => ON_DEMAND.test(line))).toBe(true)
  } finally {
    await sluice.stop()
    await rm(folder, { recursive: true, force: true })
  }
})
