import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { diff as command } from '../../../src/cli/diff.ts'
import { seededRandom } from '../../../src/lib/random.ts'
import { type ConfigDiff, diffConfigs } from '../../../src/tools/explain/diff.ts'
import type { WrittenConfig } from '../../../src/tools/explain/model.ts'
import { runCommand } from '../cli/cli.ts'
import { Generator } from './generate.ts'
import { written } from './kit.ts'

const OLD = `apiVersion: sluice/v1
listeners: { web: { listen: "127.0.0.1:8080" } }
upstreams:
  a: { endpoints: ["http://10.0.0.1", "http://10.0.0.2"] }
  b: { endpoints: [{ url: "http://10.0.1.1" }] }
routes:
  one: { match: { path: /one/* }, to: a, timeouts: { request: 1s } }
  two: { match: { path: /two/* }, to: a, headers: { request: { set: { authorization: "old s3cret" } } } }
  three: { match: { path: /three/* }, to: b, circuitBreaker: off }
  gone: { match: { path: /gone }, respond: { status: 204 } }
`

async function loaded(text: string): Promise<WrittenConfig> {
  const found = await written(text)
  if (found === undefined) throw new Error(`errors in ${text}`)
  return found
}

/** The difference that replacing a part of the old text makes. */
async function changed(...edits: readonly (readonly [from: string, to: string])[]): Promise<ConfigDiff> {
  let text = OLD
  for (const [from, to] of edits) {
    expect(text).toContain(from)
    text = text.replace(from, to)
  }
  return diffConfigs(await loaded(OLD), await loaded(text))
}

function lines({ added, changed: changes, removed }: ConfigDiff): readonly string[] {
  return [
    ...removed.map(({ kind, name }) => `- ${kind}.${name}`),
    ...added.map(({ kind, name }) => `+ ${kind}.${name}`),
    ...changes.map(({ after, before, key, kind, names }) => `${kind} ${names} ${key}: ${before} -> ${after}`),
  ]
}

describe('sluice diff', () => {
  test.each([
    ['a value', [['request: 1s', 'request: 2s']], ['routes one timeouts.request: 1s -> 2s']],
    [
      'a value that comes',
      [['to: b, ', 'to: b, retries: { maxExtra: 3 }, ']],
      ['routes three retries.maxExtra: 1 -> 3'],
    ],
    [
      'what an upstream has only when it is written',
      [
        [
          'url: "http://10.0.1.1" }]',
          'url: "http://10.0.1.1" }], healthCheck: {}, panicThreshold: 50%, loadBalancing: { slowStart: 5s }',
        ],
      ],
      [
        'upstreams b loadBalancing.slowStart: off -> 5s',
        expect.stringMatching(/^upstreams b healthCheck: off -> on \(type http, /),
        'upstreams b panicThreshold: off -> 50%',
      ],
    ],
    [
      'what is switched on',
      [[', circuitBreaker: off', '']],
      [expect.stringMatching(/^routes three circuitBreaker: off -> on \(errorRate 50%, /)],
    ],
    ['another upstream', [['/two/* }, to: a', '/two/* }, to: b']], ['routes two to: a -> b']],
    ['a condition', [['path: /two/*', 'path: /two/*, methods: [GET]']], ['routes two match: [/two/*] -> [GET /two/*]']],
    [
      'an endpoint',
      [['10.0.0.2', '10.0.0.3']],
      [expect.stringMatching(/^upstreams a endpoints: .*10\.0\.0\.2.* -> .*10\.0\.0\.3/)],
    ],
    [
      'discovery',
      [['[{ url: "http://10.0.1.1" }]', '{ dns: "b.svc:80" }']],
      [expect.stringMatching(/^upstreams b endpoints: .* -> on \(dns b\.svc:80, every 10s\)$/)],
    ],
    ['a listener', [['127.0.0.1:8080', '127.0.0.1:8081']], ['listeners web listen: 127.0.0.1:8080 -> 127.0.0.1:8081']],
    [
      'a global value',
      [['upstreams:', 'pathPolicy: { dots: normalise }\nupstreams:']],
      ['global  pathPolicy.dots: refuse -> normalise'],
    ],
    ['routes that come and go', [['gone: {', 'fresh: {']], ['- routes.gone', '+ routes.fresh']],
    [
      'a secret condition, unseen',
      [['{ path: /three/* }', '{ path: /three/*, headers: { x-api-key: s3cret } }']],
      ['routes three match: [/three/*] -> [/three/* header x-api-key exact ***]'],
    ],
    ['a secret, unseen', [['old s3cret', 'new s3cret']], ['routes two headers.request.set.authorization: *** -> ***']],
  ] as readonly (readonly [string, readonly (readonly [string, string])[], readonly unknown[]])[])(
    'tells %s',
    async (_, edits, told) => {
      const found = await changed(...edits)
      expect(found.same).toBe(false)
      expect(lines(found)).toEqual(told)
      expect(JSON.stringify(found)).not.toContain('s3cret')
    },
  )

  test('tells what a change of defaults does, once for all routes that it reaches', async () => {
    const found = await changed(['upstreams:', 'defaults: { route: { timeouts: { request: 5s } } }\nupstreams:'])
    expect(lines(found)).toEqual(['routes two,three timeouts.request: 15s -> 5s'])
    expect(found.changed[0]?.at).toMatchObject({ line: 3 })
  })

  test('sees another value of a condition that it does not show', async () => {
    const by = (key: string) => OLD.replace('{ path: /three/* }', `{ headers: { x-api-key: ${key} } }`)
    const found = diffConfigs(await loaded(by('one')), await loaded(by('two')))
    expect(lines(found)).toEqual([
      'routes three match: [/* header x-api-key exact ***] -> [/* header x-api-key exact ***]',
    ])
  })

  test.each([
    [
      'spelling',
      [
        ['request: 1s', 'request: 1000ms'],
        ['{ path: /one/* }', '[{ paths: ["/one/*"] }]'],
      ],
    ],
    ['defaults that say what holds', [['upstreams:', 'defaults: { route: { retries: { maxExtra: 1 } } }\nupstreams:']]],
    ['what is off in any case', [['url: "http://10.0.1.1" }]', 'url: "http://10.0.1.1" }], healthCheck: off']]],
    ['tests', [['upstreams:', 'tests: { a: { request: {}, expect: { status: 404 } } }\nupstreams:']]],
    [
      'long and short forms',
      [
        ['/one/* }, to: a', '/one/* }, to: [{ upstream: a, weight: 3 }]'],
        ['[{ url: "http://10.0.1.1" }]', '["http://10.0.1.1:80"]'],
      ],
    ],
  ] as readonly (readonly [string, readonly (readonly [string, string])[]])[])(
    '%s make no difference',
    async (_, edits) => {
      expect(await changed(...edits)).toMatchObject({ same: true, changed: [] })
    },
  )

  test('finds a difference exactly where the hash of the config differs: 1,000 generated pairs', async () => {
    const generator = new Generator(seededRandom(3))
    const top = { listeners: { web: { listen: '127.0.0.1:8080' } } }
    const configs: WrittenConfig[] = []
    while (configs.length < 46) {
      const text = generator.config(top, (name) => `http://${name}.test`)
      const found = await written(text)
      if (found === undefined) continue
      const again = await loaded(JSON.stringify(JSON.parse(text), undefined, 2))
      expect(diffConfigs(found, again).same).toBe(true)
      configs.push(found)
    }
    let pairs = 0
    for (const [i, before] of configs.entries()) {
      for (const after of configs.slice(i)) {
        pairs++
        expect(diffConfigs(before, after).same).toBe(before.config.hash === after.config.hash)
      }
    }
    expect(pairs).toBeGreaterThan(1000)
  })
})

describe('as a command', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
    await writeFile(join(folder, 'old.yaml'), OLD)
    const now = OLD.replace('request: 1s', 'request: 2s').replace(
      'upstreams:',
      'defaults: { route: { hedge: {} } }\nupstreams:',
    )
    await writeFile(join(folder, 'new.yaml'), now.replace('10.0.0.2', '10.0.0.3').replace('gone: {', 'fresh: {'))
    await writeFile(join(folder, 'bad.yaml'), 'routes: 1')
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  const run = (...names: readonly string[]) =>
    runCommand(
      command,
      names.map((name) => join(folder, name)),
    )

  test('prints a line for each change; 3 where there is one', async () => {
    const { code, stdout } = await run('old.yaml', 'new.yaml')
    expect(code).toBe(3)
    expect(stdout.split('\n')).toEqual([
      '- routes.gone: /gone',
      '+ routes.fresh: /gone',
      '~ upstreams.a.endpoints: - http://10.0.0.2:80 weight 1 tier 0, + http://10.0.0.3:80 weight 1 tier 0',
      '~ routes.one.timeouts.request: 1s -> 2s',
      '~ routes.{one, two, three}.hedge: (none) -> {}',
      '',
    ])
  })

  test('0 where nothing differs, 2 for a bad file, 64 without a second one', async () => {
    expect(await run('old.yaml', 'old.yaml')).toMatchObject({ code: 0, stdout: 'the same\n' })
    expect(await run('old.yaml', 'bad.yaml')).toMatchObject({ code: 2, stdout: '' })
    expect((await run('old.yaml')).code).toBe(64)
  })
})
