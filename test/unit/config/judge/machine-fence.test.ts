import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MachineFence } from '../../../../src/config/judge/machine-use.ts'
import { loadDeps } from '../../../../src/config/load-deps.ts'
import {
  type ConfigReading,
  inPlace,
  keptReading,
  readerOf,
  readingOf,
} from '../../../../src/config/sources/reading.ts'
import type { ConfigSource } from '../../../../src/config/sources/source.ts'
import { testAuthority } from '../../../kit/tls.ts'

const HEAD = 'apiVersion: sluice/v1\nlisteners: { web: { listen: "127.0.0.1:0" } }\n'
const NAME = 'https://config.example.com/gateway.yaml'
const ENV = { HOME: '/home/gateway', SECRET: 'of-this-machine-alone' }
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-fence-'))
  await writeFile(join(folder, 'ca.pem'), testAuthority().ca)
  await symlink('ca.pem', join(folder, 'link.pem'))
})

afterAll(() => rm(folder, { recursive: true }))

function source(fence: MachineFence | undefined): ConfigSource {
  const nothing = { load: async () => ({ documents: {} }), watch: () => () => {} }
  return { kind: 'http', name: NAME, main: NAME, folder: fence?.files, fence, ...nothing }
}

async function errors(text: string, fence: Partial<MachineFence> = {}): Promise<string[]> {
  return found(readingOf(source({ files: folder, env: [], ...fence }), { documents: { [NAME]: HEAD + text } }))
}

async function found(reading: ConfigReading): Promise<string[]> {
  const { diagnostics } = await readerOf(reading, loadDeps(ENV)).load()
  return diagnostics.filter(({ severity }) => severity === 'error').map(({ message, path }) => `${path}: ${message}`)
}

const ca = (path: string): string =>
  `upstreams: { a: { endpoints: ["https://127.0.0.1:1"], tls: { ca: { file: ${JSON.stringify(path)} } } } }
routes: { all: { match: { path: /* }, to: a } }\n`
const says = (text: string): string =>
  `routes: { all: { match: { path: /* }, respond: { status: 200, body: ${JSON.stringify(text)} } } }\n`

describe('files', () => {
  test.each(['ca.pem', './ca.pem', 'x/../ca.pem', 'link.pem'])('%s is within', async (path) => {
    expect(await errors(ca(path))).toEqual([])
  })

  test('so is an absolute path, and the folder itself', async () => {
    expect(await errors(ca(join(folder, 'ca.pem')))).toEqual([])
    expect(await errors('routes: { all: { match: { path: /* }, respond: { directory: . } } }\n')).toEqual([])
  })

  test.each(['../ca.pem', '..', 'x/../../ca.pem', '/etc/passwd', '/', `${tmpdir()}/sluice-fence-`])(
    '%s is not, wherever it stands',
    async (path) => {
      const outside = `${JSON.stringify(path)} is outside of ${folder}, whose files this config may name`
      expect(await errors(ca(path))).toEqual([`upstreams.a.tls.ca.file: ${outside}`])
      const inDefaults = `defaults: { upstream: { tls: { ca: { file: ${JSON.stringify(path)} } } } }\n`
      expect(await errors(inDefaults + says('one'))).toEqual([`defaults.upstream.tls.ca.file: ${outside}`])
      const served = `routes: { all: { match: { path: /* }, respond: { directory: ${JSON.stringify(path)} } } }\n`
      expect(await errors(served)).toEqual([`routes.all.respond.directory: ${outside}`])
    },
  )

  test('none at all without a folder', async () => {
    expect(await errors(ca('ca.pem'), { files: undefined })).toEqual([
      'upstreams.a.tls.ca.file: "ca.pem": this config may name no files of this machine (--config-files DIR)',
    ])
  })
})

describe('sockets', () => {
  const outside = (path: string): string => `"unix:${path}" is outside of ${folder}, whose files this config may name`
  const none = (path: string): string =>
    `"unix:${path}": this config may name no files of this machine (--config-files DIR)`
  const connects = (path: string): string =>
    `upstreams: { a: { endpoints: ["http://127.0.0.1:1", "unix:${path}", { url: "unix:${path}.2" }] } }
routes: { all: { match: { path: /* }, to: a } }\n`
  const binds = (path: string): string => HEAD.replace('"127.0.0.1:0"', `"unix:${path}", mode: 0666`) + says('one')
  const bound = (text: string, files: string | undefined) =>
    found(readingOf(source({ files, env: [] }), { documents: { [NAME]: text } }))

  test('are within as files are', async () => {
    expect(await errors(connects(join(folder, 'app.sock')))).toEqual([])
    expect(await bound(binds(join(folder, 'web.sock')), folder)).toEqual([])
  })

  test.each(['/var/run/docker.sock', `${tmpdir()}/sluice-fence-/x.sock`])('%s is not', async (path) => {
    const at = ['upstreams.a.endpoints[1]: ', 'upstreams.a.endpoints[2].url: ']
    const paths = [path, `${path}.2`]
    expect(await errors(connects(path))).toEqual(paths.map((path, i) => at[i] + outside(path)))
    expect(await errors(connects(path), { files: undefined })).toEqual(paths.map((path, i) => at[i] + none(path)))
    expect(await bound(binds(path), folder)).toEqual([`listeners.web.listen: ${outside(path)}`])
    expect(await bound(binds(path), undefined)).toEqual([`listeners.web.listen: ${none(path)}`])
  })

  test('a path that climbs out, or stands behind an anchor, is not either', async () => {
    const climbing = `${folder}/../docker.sock`
    expect(await errors(connects(climbing))).toContain(`upstreams.a.endpoints[1]: ${outside(climbing)}`)
    const anchored = `x-at: &at ["unix:/run/app.sock"]\n${connects('/x').replace(/\[.*\]/, '*at')}`
    expect(await errors(anchored)).toEqual([`upstreams.a.endpoints[0]: ${outside('/run/app.sock')}`])
  })
})

describe('environment values', () => {
  const used = '${' + 'SECRET}'
  test.each([
    ['alone', says(used)],
    ['in a text', says(`it is ${used}.`)],
    ['behind a default', says('${' + 'SECRET:-none}')],
    ['behind an anchor', `x-a: &a "${used}"\nroutes: { all: { match: { path: /* }, respond: { body: *a } } }\n`],
    ['where the key is not known', `${says('one')}nonsense: "${used}"\n`],
    ['where a message would show it', says('one').replace('status: 200', `status: "${used}"`)],
  ])('%s: refused, and not shown', async (_, text) => {
    const refused = await errors(text)
    expect(refused.length).toBeGreaterThan(0)
    for (const line of refused)
      expect(line).toBe(': the environment value SECRET is not one that this config may use (--config-env NAME)')
  })

  test('those that it may use are used', async () => {
    expect(await errors(says(used), { env: ['SECRET'] })).toEqual([])
    expect(await errors(says('$${SECRET}'))).toEqual([])
  })
})

test('it has no place for state and includes nothing', async () => {
  expect(await errors(`${says('one')}stateDir: ${folder}\ninclude: ca.pem\n`)).toEqual([
    'stateDir: a config that comes from elsewhere cannot say where this machine keeps state; start with --state-dir',
    'include: a config that comes from elsewhere is one text',
  ])
})

test('the fence holds for what is put in its place, and for what was live before, wherever that came from', async () => {
  const fenced = source({ files: folder, env: [] })
  const bad = HEAD + ca('/etc/passwd')
  const one = [expect.stringContaining('"/etc/passwd" is outside of')]
  expect(await found(inPlace(fenced, { file: NAME, folder, plugins: [] }, bad))).toEqual(one)
  for (const main of [NAME, '/etc/sluice/sluice.yaml'])
    expect(await found(keptReading(fenced, main, { [main]: bad }))).toEqual(one)
})

test('without a fence there is none', async () => {
  expect(await found(readingOf(source(undefined), { documents: { [NAME]: HEAD + says('${' + 'SECRET}') } }))).toEqual(
    [],
  )
})
