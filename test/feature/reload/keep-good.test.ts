import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { logged, metric, says } from '../../kit/reload.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const HEAD = `${TOP}watch: off\nonInvalid: keepGood\n`
let upstream: TestUpstream
let sluice: Sluice

beforeAll(async () => {
  upstream = await testUpstream()
  sluice = await startSluice(config())
})

beforeEach(async () => {
  expect(await put(config())).toMatchObject({ status: 200, kept: [] })
})

afterAll(async () => {
  await sluice.stop()
  await upstream.close()
})

function config({ head = HEAD, app = `"${upstream.url}"`, routes = '', text = 'one' } = {}): string {
  return `${head}upstreams:
  app: { endpoints: [${app}] }
routes:
  app: { match: { path: /app }, to: app }
${says('text', '/text', text)}${routes}`
}

async function put(yaml: string): Promise<Record<string, unknown>> {
  const { body, status } = await sluice.command('config', { yaml })
  return { status, ...(JSON.parse(body) as object) }
}

const body = async (path: string): Promise<string> => (await sluice.get(path)).body

describe('onInvalid: keepGood', () => {
  it('keeps a bad route as it was, leaves a new bad one out, and lets the others go live', async () => {
    const yaml = config({ text: 'two', routes: says('good', '/good', 'new') + says('odd', 'odd', 'new') })
    const answer = await put(yaml.replace('match: { path: /app }', 'match: { path: app }'))
    expect(answer).toMatchObject({
      status: 200,
      changed: true,
      kept: [
        { kind: 'routes', name: 'app', became: 'as it was' },
        { kind: 'routes', name: 'odd', became: 'left out' },
      ],
    })
    expect(String(answer.problems)).toMatch(/sluice\.yaml:14:25: routes\.app\.match\.path: .*must start with a slash/)
    expect([await body('/app'), await body('/text'), await body('/good')]).toEqual(['ok', 'two', 'new'])
    expect((await sluice.get('/odd')).status).toBe(404)
    expect(await metric(sluice, 'sluice_config_last_reload_successful')).toBe(0)
    expect(JSON.parse((await sluice.probe('/readyz')).body)).toMatchObject({ status: 'ok', notes: ['config_stale'] })
    expect(await logged(sluice, 'a part of the config is bad and stays as it was')).toMatchObject({
      kept: ['routes.app: as it was', 'routes.odd: left out'],
    })
    expect(JSON.parse((await sluice.admin('/api/v1/history')).body)).toMatchObject({ configs: [{ number: 1 }] })

    expect(await put(config({ text: 'three' }))).toMatchObject({ status: 200, kept: [] })
    expect(await body('/text')).toBe('three')
    expect(await metric(sluice, 'sluice_config_last_reload_successful')).toBe(1)
  })

  it('keeps a bad upstream as it was, and its routes with it', async () => {
    expect(await put(config({ app: '"ftp://nowhere"', text: 'two' }))).toMatchObject({
      status: 200,
      kept: [{ kind: 'upstreams', name: 'app', became: 'as it was' }],
    })
    expect([await body('/app'), await body('/text')]).toEqual(['ok', 'two'])
  })

  it('leaves out an upstream with a dot in its name whose certificate cannot be read', async () => {
    const yaml = config({ text: 'two' }).replace(
      'upstreams:\n',
      'upstreams:\n  "team.app": { endpoints: ["https://127.0.0.1:1"], tls: { ca: { file: nowhere.pem } } }\n',
    )
    const answer = await put(yaml)
    expect(answer).toMatchObject({
      status: 200,
      kept: [{ kind: 'upstreams', name: 'team.app', became: 'left out' }],
    })
    expect(String(answer.problems)).toContain('upstreams."team.app".tls.ca.file: ')
    expect(await body('/text')).toBe('two')
  })

  it('leaves out what leads to what is left out', async () => {
    const routes =
      '  more: { match: { path: /more }, to: more }\n  "back.up": { match: { path: /b }, to: app, fallback: { route: more } }\n'
    const yaml = config({ text: 'two', routes }).replace('upstreams:\n', 'upstreams:\n  more: { endpoints: [] }\n')
    const answer = await put(yaml)
    expect(answer).toMatchObject({ status: 200 })
    expect(answer.kept).toEqual(
      ['upstreams more', 'routes more', 'routes back.up'].map((key) => {
        const [kind, name] = key.split(' ')
        return { kind, name, became: 'left out' }
      }),
    )
    expect([await body('/app'), await body('/text')]).toEqual(['ok', 'two'])
  })

  it.each([
    [
      'an error elsewhere',
      () => config({ text: 'two', routes: says('odd', 'odd', '') }).replace('workers: 2', 'workers: 0'),
    ],
    ['YAML that cannot be read', () => `${config({ text: 'two' })}\n  {`],
    ['no route that is left', () => `${HEAD}routes: { new: { match: { path: odd }, respond: { status: 200 } } }`],
    [
      'a file that says reject',
      () => config({ text: 'two', routes: says('odd', 'odd', '') }).replace('keepGood', 'reject'),
    ],
  ])('refuses %s', async (_, yaml) => {
    expect(await put(yaml())).toMatchObject({ status: 422, changed: false })
    expect(await body('/text')).toBe('one')
  })
})
