import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Loaded, loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import { diagnosticLine } from '../../../src/schema/diagnostics.ts'
import { sluice } from '../cli/cli.ts'

const TOP = 'apiVersion: sluice/v1\nlisteners: { web: { listen: "127.0.0.1:8080" } }\n'
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-include-'))
})

afterEach(() => rm(folder, { recursive: true }))

type Files = Readonly<Record<string, string>>

async function load(files: Files, main = 'sluice.yaml', env: Readonly<Record<string, string>> = {}): Promise<Loaded> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return loadConfig(join(folder, main), loadDeps(env))
}

/** Diagnostics, one line each, with paths from the folder. */
function told({ diagnostics }: Loaded): string[] {
  return diagnostics.map((diagnostic) => diagnosticLine(diagnostic).replaceAll(`${folder}/`, ''))
}

const routes = ({ config }: Loaded) => config?.lean.routes.map(({ name }) => name)
const text = (name: string, path = `/${name}`) => `  ${name}: { match: { path: ${path} }, respond: { status: 200 } }\n`

describe('include', () => {
  it('reads files and patterns as if they stood here', async () => {
    const loaded = await load({
      'sluice.yaml': `${TOP}include: [upstreams.yaml, "routes/*.yaml", "teams/*/r[12].yml"]\nroutes:\n${text('main')}`,
      'upstreams.yaml': 'upstreams: { app: { endpoints: ["http://127.0.0.1:1"] } }\n',
      'routes/a.yaml': `apiVersion: sluice/v1\nroutes:\n${text('a')}  app: { match: { path: /app }, to: app }\n`,
      'routes/.hidden.yaml': 'routes: {',
      'routes/notes.txt': 'routes: {',
      'teams/x/r1.yml': `routes:\n${text('x')}`,
      'teams/y/r2.yml': `routes:\n${text('y')}`,
      'teams/y/r3.yml': 'routes: {',
    })
    expect(told(loaded)).toEqual([])
    expect(routes(loaded)?.toSorted()).toEqual(['a', 'app', 'main', 'x', 'y'])
    expect(loaded.sources.map((path) => path.slice(folder.length + 1))).toEqual(
      expect.arrayContaining(['sluice.yaml', 'routes', 'routes/a.yaml', 'teams', 'teams/x', 'teams/x/r1.yml']),
    )
  })

  it('names the file of every mistake', async () => {
    const loaded = await load({
      'sluice.yaml': `${TOP}include: [a.yaml, b.yaml, gone.yaml]\nroutes:\n${text('same')}`,
      'a.yaml': `routes:\n${text('same', '/other')}`,
      'b.yaml': `drain: { delay: 0s }\nroutes:\n  b: { match: { path: b }, respond: { status: 200 } }\n`,
    })
    expect(loaded.config).toBeUndefined()
    expect(told(loaded)).toEqual([
      'b.yaml:1:1: drain: stands in the main file only; files that are included have apiVersion, kind, listeners, profiles, upstreams, routes, tests',
      'sluice.yaml:3:27: include: gone.yaml: there is no such file',
    ])
    await writeFile(join(folder, 'b.yaml'), 'routes:\n  b: { match: { path: b }, respond: { status: 200 } }\n')
    expect(told(await load({ 'gone.yaml': 'x-free: 1\n' }))).toEqual([
      'a.yaml:2:3: routes.same: the same name is already in sluice.yaml:5',
    ])
    const mended = await load({ 'a.yaml': `routes:\n${text('a')}` })
    expect(told(mended)).toEqual([
      expect.stringMatching(/^b\.yaml:2:23: routes\.b\.match\.path: .*must start with a slash/),
    ])
  })

  it('takes a folder for the files in it, hidden ones and folders aside', async () => {
    const loaded = await load({
      'sluice.yaml': `${TOP}include: [shop]\n`,
      'shop/b.yml': `routes:\n${text('b')}`,
      'shop/a.yaml': `routes:\n${text('a')}`,
      'shop/.old.yaml': 'nonsense: 1',
      'shop/README.md': '# Shop',
      'shop/deep/c.yaml': 'nonsense: 1',
    })
    expect(told(loaded)).toEqual([])
    expect(loaded.config?.lean.routes.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(loaded.sources.map((path) => path.slice(folder.length + 1))).toContain('shop')
  })

  it('warns of a pattern that matches nothing, and refuses a file twice', async () => {
    const files = { 'sluice.yaml': `${TOP}include: ["none/*.yaml"]\nroutes:\n${text('main')}` }
    const none = await load(files)
    expect(told(none)).toEqual(['sluice.yaml:3:11: warning: include: none/*.yaml matches no file'])
    expect(none.config).toBeDefined()
    const twice = await load({
      'sluice.yaml': `${TOP}include: [a.yaml, "*.yaml"]\nroutes:\n${text('main')}`,
      'a.yaml': `routes:\n${text('a')}`,
    })
    expect(told(twice)).toContain('sluice.yaml:3:19: include: a.yaml is included twice')
  })

  it('takes paths of files relative to the file that names them', async () => {
    const pem = '-----BEGIN CERTIFICATE-----\n'
    const loaded = await load({
      'sluice.yaml': `${TOP}include: team/up.yaml\nroutes: { app: { match: { path: / }, to: app } }\n`,
      'team/up.yaml': 'upstreams: { app: { endpoints: { file: endpoints.yaml }, tls: { ca: { file: ../ca.pem } } } }\n',
      'ca.pem': pem,
    })
    expect(told(loaded)).toEqual([])
    expect(loaded.config?.lean.upstreams).toMatchObject([
      { source: { options: { path: 'team/endpoints.yaml' } }, tls: { ca: pem } },
    ])
  })
})

describe('a folder in the place of a file', () => {
  it('is all of its YAML files', async () => {
    const loaded = await load(
      {
        'conf/10-top.yaml': TOP,
        'conf/20-routes.yml': `routes:\n${text('a')}`,
        'conf/30-more.yaml': `apiVersion: sluice/v1\nroutes:\n${text('b')}upstreams: {}\n`,
        'conf/..data/x.yaml': 'routes: {',
        'conf/.swap.yaml': 'routes: {',
        'conf/readme.md': 'routes: {',
      },
      'conf',
    )
    expect(told(loaded)).toEqual([])
    expect(routes(loaded)).toEqual(['a', 'b'])
    expect(loaded.config?.folder).toBe(join(folder, 'conf'))
  })

  it('says what is in two files, and where', async () => {
    const loaded = await load(
      { 'conf/a.yaml': `${TOP}drain: { delay: 1s }\n`, 'conf/b.yaml': `drain: { delay: 2s }\nroutes:\n${text('b')}` },
      'conf',
    )
    expect(told(loaded)).toEqual(['conf/b.yaml:1:1: drain: is already in conf/a.yaml:3'])
    await mkdir(join(folder, 'empty'))
    expect(told(await load({}, 'empty'))).toEqual(['empty: no *.yaml file is in this folder'])
  })
})

describe('files of a team', () => {
  const main = (rest: string): string =>
    `${TOP}include: [{ files: "shop/*.yaml", as: shop${rest} }]\nupstreams: { shared: { endpoints: ["http://127.0.0.1:1"] }, secret: { endpoints: ["http://127.0.0.1:2"] } }\nprofiles: { calm: { retries: off } }\nroutes:\n  main: { match: { host: main.example.com }, to: [{ upstream: shared }, { upstream: secret }] }\n`
  const FENCE =
    ', allow: { hosts: [shop.example.com, "*.shop.example.com"], paths: [/shop/*, /pay], upstreams: shared }'
  const TEAM = `upstreams:
  cart: { endpoints: ["http://127.0.0.1:3"] }
profiles:
  own: { hedge: off }
routes:
  main: { match: { host: shop.example.com, path: /shop/main }, use: [calm, own], to: cart, failover: [shared], fallback: { route: list } }
  list: { match: { host: a.shop.example.com, path: /shop/* }, to: [{ upstream: cart, weight: 9 }, { upstream: shared }] }
`

  it('have names of their own, and may use what they are allowed', async () => {
    const loaded = await load({ 'sluice.yaml': main(FENCE), 'shop/a.yaml': TEAM })
    expect(told(loaded)).toEqual([])
    expect(routes(loaded)).toEqual(['main', 'shop.main', 'shop.list'])
    expect(loaded.config?.lean.routes[1]).toMatchObject({
      to: [{ upstream: 'shop.cart' }],
      alternates: ['shared'],
      features: { fallback: { route: 'shop.list' } },
    })
    expect(loaded.config?.lean.routes[2]).toMatchObject({ to: [{ upstream: 'shop.cart' }, { upstream: 'shared' }] })
    expect(loaded.config?.lean.upstreams.map(({ name }) => name)).toEqual(['shared', 'secret', 'shop.cart'])
  })

  const route = (match: string, rest = 'respond: { status: 200 }') => `routes:\n  r: { match: ${match}, ${rest} }\n`
  it.each([
    [
      'a foreign host',
      route('{ host: main.example.com, path: /pay }'),
      'shop/a.yaml:2:15: routes."shop.r".match: the host main.example.com is outside the fence; allowed are shop.example.com, *.shop.example.com',
    ],
    [
      'every host',
      route('{ path: /pay }'),
      'shop/a.yaml:2:15: routes."shop.r".match: it takes every host; allowed are shop.example.com, *.shop.example.com',
    ],
    [
      'a wider wildcard',
      route('{ host: "*.example.com", path: /pay }'),
      'shop/a.yaml:2:15: routes."shop.r".match: the host *.example.com is outside the fence; allowed are shop.example.com, *.shop.example.com',
    ],
    [
      'a look-alike host',
      route('{ host: evilshop.example.com, path: /pay }'),
      'shop/a.yaml:2:15: routes."shop.r".match: the host evilshop.example.com is outside the fence; allowed are shop.example.com, *.shop.example.com',
    ],
    [
      'a foreign path',
      route('{ host: shop.example.com, path: /pay/more }'),
      'shop/a.yaml:2:15: routes."shop.r".match: the path /pay/more is outside the fence; allowed are /shop/*, /pay',
    ],
    [
      'a parameter for a fixed step',
      route('{ host: shop.example.com, path: "/{x}/y" }'),
      'shop/a.yaml:2:15: routes."shop.r".match: the path /{x}/y is outside the fence; allowed are /shop/*, /pay',
    ],
    [
      'a regular expression',
      route('{ host: shop.example.com, path: "~ ^/shop/.*$" }'),
      'shop/a.yaml:2:15: routes."shop.r".match: the path ^/shop/.*$ is outside the fence; allowed are /shop/*, /pay',
    ],
    [
      'every path',
      route('{ host: shop.example.com }'),
      'shop/a.yaml:2:15: routes."shop.r".match: the path /* is outside the fence; allowed are /shop/*, /pay',
    ],
    [
      'one alternative of two',
      route('[{ host: shop.example.com, path: /pay }, { host: main.example.com, path: /pay }]'),
      'shop/a.yaml:2:15: routes."shop.r".match: the host main.example.com is outside the fence; allowed are shop.example.com, *.shop.example.com',
    ],
    [
      'an upstream that is not shared',
      route('{ host: shop.example.com, path: /pay }', 'to: secret'),
      'shop/a.yaml:2:59: routes."shop.r".to: "secret" is not an upstream of shop; allow.upstreams of its include lists those that it may share',
    ],
    [
      'a failover to it',
      `upstreams: { cart: { endpoints: ["http://127.0.0.1:3"] } }\n${route('{ host: shop.example.com, path: /pay }', 'to: cart, failover: [secret]')}`,
      'shop/a.yaml:3:76: routes."shop.r".failover[0]: "secret" is not an upstream of shop; allow.upstreams of its include lists those that it may share',
    ],
    [
      'a listener',
      'listeners: { extra: { listen: "127.0.0.1:9999" } }\n',
      'shop/a.yaml:1:1: listeners: stands in the main file only; files that are included have apiVersion, kind, profiles, upstreams, routes, tests',
    ],
    [
      'a file elsewhere',
      'upstreams: { cart: { endpoints: { file: ../../etc/passwd } } }\n',
      'shop/a.yaml:1:41: "../../etc/passwd" is outside of the folder of this file, which shop must not leave',
    ],
    [
      'a secret of the environment',
      'upstreams: { cart: { endpoints: ["http://127.0.0.1:3"], loadBalancing: { sticky: { cookie: c, secret: { env: KEY } } } } }\n',
      'shop/a.yaml:1:110: the environment value KEY is not one that shop may use (allow.env)',
    ],
  ])('the fence holds off %s', async (_, team, problem) => {
    const loaded = await load({ 'sluice.yaml': main(FENCE), 'shop/a.yaml': team }, 'sluice.yaml', { KEY: 'key' })
    expect(loaded.config).toBeUndefined()
    expect(told(loaded).filter((line) => !line.includes('warning'))).toContain(problem)
  })

  it('see no environment value but those that they are allowed', async () => {
    const team = `upstreams:\n  cart: { endpoints: ["http://$\{HOST}:1"] }\nroutes: { r: { match: { host: shop.example.com, path: /pay }, to: cart } }\n`
    const env = { HOST: '127.0.0.1', SECRET: 'x' }
    const without = await load({ 'sluice.yaml': main(FENCE), 'shop/a.yaml': team }, 'sluice.yaml', env)
    expect(told(without)).toEqual([expect.stringContaining('shop/a.yaml:2:23: the environment value HOST is not set')])
    const fence = FENCE.replace('upstreams: shared', 'upstreams: shared, env: HOST')
    const allowed = await load({ 'sluice.yaml': main(fence), 'shop/a.yaml': team }, 'sluice.yaml', env)
    expect(told(allowed).filter((line) => !line.includes('profiles.calm'))).toEqual([])
  })

  it('may lead to no socket but those that they are allowed', async () => {
    const match = '{ host: shop.example.com, path: /pay }'
    const team = (endpoints: string): string =>
      `upstreams: { cart: { endpoints: ${endpoints} } }\n${route(match, 'to: cart')}`
    const files = (fence: string, endpoints: string) => ({ 'sluice.yaml': main(fence), 'shop/a.yaml': team(endpoints) })
    const allowing = (sockets: string): string => FENCE.replace('upstreams: shared', `sockets: ${sockets}`)
    const errors = (loaded: Loaded): string[] => told(loaded).filter((line) => !line.includes('warning'))
    const docker = '["unix:/var/run/docker.sock"]'
    const refused =
      'shop/a.yaml:1:34: upstreams."shop.cart".endpoints[0]: unix:/var/run/docker.sock is not a socket that shop may use; allow.sockets of its include lists those'
    expect(errors(await load(files(FENCE, docker)))).toEqual([refused])
    expect(errors(await load(files(allowing('["unix:/run/*"]'), docker)))).toEqual([refused])
    for (const sockets of ['"unix:/var/run/*"', '"unix:/*"', '"unix:/var/run/docker.sock"'])
      expect(errors(await load(files(allowing(sockets), docker)))).toEqual([])
  })

  it('of two teams may have the same names', async () => {
    const loaded = await load({
      'sluice.yaml': `${TOP}include: [{ files: a.yaml, as: a }, { files: [b.yaml], as: b }]\nroutes:\n${text('list', '/main')}`,
      'a.yaml': `routes:\n${text('list', '/a')}`,
      'b.yaml': `routes:\n${text('list', '/b')}`,
    })
    expect(routes(loaded)).toEqual(['list', 'a.list', 'b.list'])
  })
})

it.each([
  ['allow without as', '{ files: a.yaml, allow: { hosts: [x.example.com] } }', 'allow needs as'],
  ['no files', '{ as: a }', '"files" is missing'],
  ['**', '"**/*.yaml"', '** is not supported'],
])('include refuses %s', async (_, entry, problem) => {
  const loaded = await load({
    'sluice.yaml': `${TOP}include: [${entry}]\nroutes:\n${text('main')}`,
    'a.yaml': 'x-y: 1',
  })
  expect(told(loaded)).toEqual([expect.stringContaining(problem)])
})

it('a team may be held to some listeners', async () => {
  const main = `apiVersion: sluice/v1
listeners: { web: { listen: "127.0.0.1:8080" }, inside: { listen: "127.0.0.1:8081" } }
include: { files: a.yaml, as: a, allow: { hosts: a.example.com, listeners: inside } }
routes:
${text('main')}`
  const route = (listeners: string): string =>
    `routes:\n  r: { match: { ${listeners}host: a.example.com }, respond: { status: 200 } }\n`
  const problem = (why: string): string => `a.yaml:2:15: routes."a.r".match: ${why}; allowed are inside`
  expect(told(await load({ 'sluice.yaml': main, 'a.yaml': route('listeners: inside, ') }))).toEqual([])
  expect(told(await load({ 'a.yaml': route('') }))).toEqual([problem('it takes every listener')])
  expect(told(await load({ 'a.yaml': route('listeners: [inside, web], ') }))).toEqual([
    problem('the listener web is outside the fence'),
  ])
  expect(told(await load({ 'a.yaml': route('listeners: insde, ') }))).toContain(
    'a.yaml:2:28: routes."a.r".match.listeners: there is no listener "insde"; did you mean inside?',
  )
})

it('tests of a team are about its own routes', async () => {
  const loaded = await load({
    'sluice.yaml': `${TOP}include: [{ files: a.yaml, as: a }]\nroutes:\n${text('list', '/main')}tests: { it: { request: { path: /main }, expect: { route: list } } }\n`,
    'a.yaml': `routes:\n${text('list', '/a')}tests: { it: { request: { path: /a }, expect: { route: list } } }\n`,
  })
  expect(told(loaded)).toEqual([])
  const { code, stdout } = await sluice(folder, ['test', 'sluice.yaml', '--fail-under', '100'])
  expect([code, stdout]).toEqual([0, expect.stringContaining('2')])
})
