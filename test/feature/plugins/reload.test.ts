import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Load } from '../../kit/load.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { marking, put } from './files.ts'

const ended: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

let upstream: TestUpstream

const yamlOf = (plugins: string, own: string): string => `${TOP}
watch: 100ms
${plugins}
upstreams: { app: { endpoints: ["http://127.0.0.1:${upstream.port}"] } }
routes:
  app: { match: { path: /* }, to: app${own} }
`

async function started(files: Readonly<Record<string, string>>, yaml: () => string): Promise<Sluice> {
  upstream = await testUpstream((_request, answer) => void setTimeout(() => answer.end('hello'), 2))
  ended.push(() => upstream.close())
  const place = async (folder: string, text: string): Promise<string> => {
    await put(folder, { ...files, 'sluice.yaml': text })
    return join(folder, 'sluice.yaml')
  }
  const gateway = await startSluice(yaml(), { place })
  ended.push(() => gateway.stop())
  return gateway
}

const mark = async (gateway: Sluice): Promise<string | undefined> => (await gateway.get('/')).headers['x-mark']
const everywhere = (gateway: Sluice, value: string | undefined): Promise<void> =>
  until(
    async () => (await Promise.all(Array.from({ length: 12 }, () => mark(gateway)))).every((one) => one === value),
    () => `${value} everywhere: ${gateway.stderr.slice(-3000)}`,
    60_000,
  )
const lines = (gateway: Sluice, message: string): number =>
  gateway.operational.filter((line) => line.message === message).length

test('a changed plug-in, or a file that it imports, replaces the workers without a lost request', async () => {
  const using = marking('mark', 'value', "import { value } from './value.ts'")
  const files = { 'mark.ts': using, 'value.ts': "export const value = 'one'\n" }
  const gateway = await started(files, () => yamlOf('plugins: [./mark.ts]', ', mark: x'))
  expect(await mark(gateway)).toBe('x one')
  const load = new Load({ port: gateway.port(), path: '/', parallel: 8 })
  ended.push(() => load.stop())
  await load.more(50)
  await put(gateway.folder, { 'value.ts': "export const value = 'two'\n" })
  await everywhere(gateway, 'x two')
  await put(gateway.folder, { 'mark.ts': using.replace('`$', '`!$') })
  await everywhere(gateway, '!x two')
  await load.more(50)
  await load.stop()
  expect(load.broken).toEqual([])
  expect([...load.statuses.keys()]).toEqual([200])
  expect(lines(gateway, 'a worker ended and is replaced')).toBe(0)
  const states = async (): Promise<string> => {
    const { workers } = (await gateway.status()) as unknown as { workers: { state: string; restarts: number }[] }
    return workers.map(({ restarts, state }) => `${state} ${restarts}`).join()
  }
  await until(async () => (await states()) === 'serving 0,serving 0', 'two workers serve, and no other is there')
}, 120_000)

test('one that does not load any more changes nothing, and is said; nor does one that only the workers cannot run', async () => {
  const gateway = await started({ 'mark.ts': marking('mark') }, () => yamlOf('plugins: [./mark.ts]', ', mark: x'))
  const before = gateway.operational.length
  await put(gateway.folder, { 'mark.ts': 'export default {' })
  const said = (text: string): Promise<void> =>
    until(
      () => JSON.stringify(gateway.operational.slice(before)).includes(text),
      () => `${text} in ${gateway.stderr.slice(-3000)}`,
    )
  await said('plugins[0]: ./mark.ts: ')
  await put(gateway.folder, { 'mark.ts': marking('mark').replace("name: 'mark'", "name: 'other'") })
  await said('routes.app.mark: unknown key')
  await put(gateway.folder, {
    'mark.ts': `import { isMainThread, workerData } from 'node:worker_threads'\nif (workerData?.heartbeat !== undefined) throw new Error('not in a worker')\n${marking('mark')}`,
  })
  await said('not in a worker')
  const uncompiled = marking('mark').replace(
    /compile: .*/s,
    "compile() {\n    throw new Error('not compiled')\n  },\n})\n",
  )
  await put(gateway.folder, { 'mark.ts': uncompiled })
  await said('the plug-in ./mark.ts, mark: compile: not compiled')
  await put(gateway.folder, { 'mark.ts': marking('mark').replace('respond:', 'response:') })
  await said('what compile gives for \\"mark\\": there is no hook response; known are admit, ')
  expect(await mark(gateway)).toBe('x here')
  await put(gateway.folder, { 'mark.ts': marking('mark', "'again'") })
  await everywhere(gateway, 'x again')
}, 120_000)

test('what one throws in the control plane, where nothing waits for it, is told and ends nothing', async () => {
  const gateway = await started({ 'mark.ts': marking('mark') }, () => yamlOf('plugins: [./mark.ts]', ', mark: x'))
  const stray = `import { isMainThread } from 'node:worker_threads'
if (isMainThread) {
  setTimeout(() => { throw new Error('of a timer') }, 10)
  setTimeout(async () => { throw new Error('of a promise') }, 20)
}
${marking('mark', "'again'")}`
  await put(gateway.folder, { 'mark.ts': stray })
  await everywhere(gateway, 'x again')
  const told = (): unknown[] =>
    gateway.operational
      .filter(({ message }) => message === 'a plug-in threw in the control plane where nothing waits for it')
      .map(({ error, plugin }) => [error, plugin])
  const plugin = join(gateway.folder, 'mark.ts')
  await until(
    () => told().length === 2,
    () => gateway.stderr.slice(-3000),
  )
  expect(told()).toEqual([
    ['of a timer', plugin],
    ['of a promise', plugin],
  ])
  expect(await mark(gateway)).toBe('x again')
}, 120_000)

test('plug-ins come and go with the config', async () => {
  const gateway = await started({ 'mark.ts': marking('mark') }, () => yamlOf('', ''))
  expect(await mark(gateway)).toBeUndefined()
  await put(gateway.folder, { 'sluice.yaml': yamlOf('plugins: [./mark.ts]', ', mark: y') })
  await everywhere(gateway, 'y here')
  const before = gateway.operational.length
  await put(gateway.folder, { 'sluice.yaml': yamlOf('', ', mark: y') })
  await until(
    () => JSON.stringify(gateway.operational.slice(before)).includes('routes.app.mark: unknown key'),
    () => gateway.stderr.slice(-2000),
  )
  expect(await mark(gateway)).toBe('y here')
  await put(gateway.folder, { 'sluice.yaml': yamlOf('', '') })
  await everywhere(gateway, undefined)
}, 120_000)

const counting = (version: string, labels = "['route']"): string => `import { defineFeature, text } from 'sluice'
export default defineFeature({
  name: 'mark',
  doc: 'Counts and tells.',
  keys: { route: text() },
  metrics: {
    sluice_marked_total: { kind: 'counter', help: 'Marked.', labels: ${labels} },
    sluice_mark_version: { kind: 'gauge', help: 'Version.', labels: ['version'] },
  },
  decisions: { marked: { doc: 'It was marked.', facts: { by: { type: 'string', doc: 'What.' } }, sentence: ({ by }) => \`marked by \${by}\`, event: 'marked' } },
  places: { mark: { stage: 20, why: 'It depends on nothing.' } },
  control: () => import('./control.ts'),
  compile: (own, { feature, metrics, note, use }) => ({
    mark: {
      name: feature,
      admit(ex) {
        metrics.counter('sluice_marked_total', [use.name]).inc()
        note(ex, 'marked', { by: '${version}' })
        return own === 'refuse' ? { reason: 'forbidden' } : undefined
      },
      respond: (ex) => void ex.response?.headers.push('x-mark', '${version}'),
    },
  }),
})
`
const half = (version: string): string => `export const control = {
  start: () => ({
    gauges: { sluice_mark_version: () => [{ labels: ['${version}'], value: 1 }] },
    operations: [{ kind: 'view', path: 'mark', says: { id: 'getMark', tag: 'Gateway', summary: 'The mark', answer: { description: 'It.', schema: {} } }, read: () => ({ version: '${version}' }) }],
    close() {},
  }),
}
`

test('the control plane takes what is new: its half, metrics, operations, and what is told of requests', async () => {
  const files = { 'mark.ts': counting('one'), 'control.ts': half('one') }
  const gateway = await started(files, () => yamlOf('plugins: [./mark.ts]', ', mark: refuse'))
  const seen = async (version: string): Promise<void> => {
    await everywhere(gateway, version)
    await until(async () => (await gateway.admin('/api/v1/mark')).body === JSON.stringify({ version }), version)
    const metrics = await gateway.shows(
      `sluice_mark_version{version="${version}"} 1`,
      /sluice_marked_total\{route="app"\} \d+/,
    )
    expect(metrics.match(/sluice_mark_version\{/g)).toHaveLength(1)
    // A worker keeps 20 refused requests per second, and those before may have been as many.
    let story = ''
    await until(
      async () => {
        const id = (await gateway.get('/')).headers['sluice-request-id']
        await new Promise((resolve) => setTimeout(resolve, 300))
        story = (await gateway.admin(`/api/v1/requests/${id}`)).body
        return story.includes(`marked by ${version}`)
      },
      () => `the story: ${story}`,
    )
  }
  await seen('one')
  await put(gateway.folder, { 'mark.ts': counting('two'), 'control.ts': half('two') })
  await seen('two')
  await put(gateway.folder, { 'mark.ts': counting('three', "['route', 'more']") })
  await until(
    () => JSON.stringify(gateway.operational).includes('the metric sluice_marked_total had other labels'),
    () => gateway.stderr.slice(-2000),
  )
  await seen('two')
  await put(gateway.folder, { 'sluice.yaml': yamlOf('', '') })
  await everywhere(gateway, undefined)
  await until(async () => (await gateway.admin('/api/v1/mark')).status === 404, 'it is gone')
}, 120_000)

test('a config that is put by the API has the code that is live, and no other', async () => {
  const files = { 'mark.ts': marking('mark'), 'more.ts': 'throw new Error("it runs")' }
  const gateway = await started(files, () => yamlOf('plugins: [./mark.ts]', ', mark: x'))
  const put = async (yaml: string): Promise<string> => (await gateway.command('config', { yaml })).body
  expect(await put(yamlOf('plugins: [./mark.ts, ./more.ts]', ', mark: y'))).toContain(
    'other code comes with the files only',
  )
  expect(JSON.stringify(gateway.operational)).not.toContain('it runs')
  await put(yamlOf('plugins: [./mark.ts]', ', mark: z'))
  await everywhere(gateway, 'z here')
}, 120_000)
