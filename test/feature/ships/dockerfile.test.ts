import { execFile, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Sluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { environment, execForm, last, parseDockerfile, type Stage } from './kit/dockerfile.ts'
import { type Built, buildImage, ignoredBy, imageEnv, ROOT } from './kit/image.ts'

const BUILD_MS = 180_000
const CONFIG = '/etc/sluice/sluice.yaml'

const stages = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))
const [build, final] = stages as [Stage, Stage]
const json = (file: string): unknown => JSON.parse(readFileSync(join(ROOT, file), 'utf8'))
const manifest = json('package.json') as { readonly dependencies: Readonly<Record<string, string>> }
const lock = json('package-lock.json') as { readonly packages: Readonly<Record<string, { readonly dev?: boolean }>> }

describe('what the Dockerfile says', () => {
  test('it builds in one stage and runs in another, on exact images', () => {
    expect(stages).toHaveLength(2)
    expect(build.base).toMatch(/^node:\d+\.\d+\.\d+-\w+-slim$/)
    expect(build.base).toContain(`:${manifest.dependencies.node}-`)
    expect(final.base).toMatch(/^debian:\d+\.\d+-slim$/)
  })

  test('it runs as a numbered user that is not root', () => {
    const [user, group] = last(final, 'USER').text.split(':').map(Number)
    expect(user).toBeGreaterThan(0)
    expect(group).toBeGreaterThan(0)
  })

  test('no shell stands between the engine and the gateway or its health check', () => {
    expect(execForm(last(final, 'ENTRYPOINT').text)[0]).toBe('/app/node_modules/node/bin/node')
    expect(execForm(last(final, 'CMD').text)).toEqual(['run', CONFIG])
    expect(healthCheck(final)[0]).toBe('/app/node_modules/node/bin/node')
  })

  test('the ports that it names are those of its config', () => {
    const config = readFileSync(join(ROOT, 'config/examples/kubernetes.yaml'), 'utf8')
    const ports = [...config.matchAll(/listen: 0\.0\.0\.0:(\d+)/g)].map((match) => match[1])
    expect(last(final, 'EXPOSE').text.split(' ')).toEqual(ports)
    expect(environment(final).SLUICE_PROBES_URL).toBe(`http://127.0.0.1:${ports[1]}`)
  })

  test('the builder gets the sources and nothing else', () => {
    const ignored = ignoredBy(readFileSync(join(ROOT, '.dockerignore'), 'utf8'))
    expect(['src/cli.ts', 'src/data/worker.ts', 'package.json', '.npmrc'].filter(ignored)).toEqual([])
    const kept = [
      'node_modules/node/bin/node',
      '.git/config',
      'test/kit/sluice.ts',
      'dist/cli.js',
      'config/sluice.yaml',
    ]
    expect(kept.filter((path) => !ignored(path))).toEqual([])
  })

  test('the libraries that Node is linked with are in the image', async ({ skip }) => {
    if (!existsSync('/usr/bin/ldd')) {
      expect(process.env.CI, 'ldd is missing').not.toBe('true')
      skip('ldd is missing on this machine')
    }
    // Each with the Debian package that brings it; undefined: part of every Debian.
    const packages: Record<string, string | undefined> = {
      'libatomic.so.1': 'libatomic1',
      'libstdc++.so.6': 'libstdc++6',
      // What libstdc++6 depends on.
      'libgcc_s.so.1': 'libstdc++6',
      'libc.so.6': undefined,
      'libdl.so.2': undefined,
      'libm.so.6': undefined,
      'libpthread.so.0': undefined,
    }
    const node = join(ROOT, 'node_modules/node/bin/node')
    const { stdout } = await promisify(execFile)('/usr/bin/ldd', [node])
    const libraries = [...stdout.matchAll(/^\s*(\S+) =>/gm)].map((match) => match[1] as string)
    expect(libraries.filter((library) => !(library in packages))).toEqual([])
    const installed = last(final, 'RUN').text.split(/\s+/)
    for (const name of libraries.map((library) => packages[library])) {
      if (name !== undefined) expect(installed).toContain(name)
    }
  })
})

describe('what comes out of it', () => {
  let folder: string
  let image: Built
  let upstream: TestUpstream
  let sluice: Sluice

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-image-'))
    image = (await buildImage(folder)).at(-1) as Built
    upstream = await testUpstream((_req, res) => res.end('an order'))
    await writeFile(image.at(CONFIG), onFreePorts(readFileSync(image.at(CONFIG), 'utf8'), upstream.port, folder))
    const [node, ...args] = [...execForm(last(final, 'ENTRYPOINT').text), ...execForm(last(final, 'CMD').text)]
    const child = spawn(image.at(node as string), args.map(inImage), {
      cwd: image.at('/app'),
      env: imageEnv(final),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    sluice = await new Sluice(child, folder, image.at(CONFIG)).started()
  }, BUILD_MS)

  afterAll(async () => {
    if (sluice?.exitCode === undefined) sluice?.child.kill('SIGKILL')
    await upstream?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const inImage = (argument: string): string => (argument.startsWith('/') ? image.at(argument) : argument)

  async function health(): Promise<number> {
    const [command, ...args] = healthCheck(final)
    const env = { ...imageEnv(final), SLUICE_PROBES_URL: `http://127.0.0.1:${sluice.probesPort}` }
    const child = spawn(image.at(command as string), args, { cwd: image.at('/app'), env, stdio: 'ignore' })
    return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? -1)))
  }

  test('only what runs is in it: JavaScript, production packages, one copy of Node', () => {
    expect(readdirSync(image.at('/app')).sort()).toEqual(['dist', 'node_modules', 'package.json'])
    expect(existsSync(image.at('/app/dist/data/worker.js'))).toBe(true)
    const there = (names: object): string[] =>
      Object.keys(names).filter((name) => existsSync(image.at(`/app/node_modules/${name}`)))
    expect(there(manifest.dependencies)).toEqual(Object.keys(manifest.dependencies))
    // What production packages bring along, too, is not marked.
    const onlyForDevelopment = Object.entries(lock.packages).filter(([, { dev }]) => dev === true)
    expect(onlyForDevelopment.length).toBeGreaterThan(10)
    expect(onlyForDevelopment.filter(([path]) => existsSync(image.at(`/app/${path}`)))).toEqual([])
    expect(existsSync(image.at('/app/node_modules/node/node_modules'))).toBe(false)
  })

  test('it serves, it is healthy, and a signal to its first process drains it', { timeout: 60_000 }, async () => {
    expect(await sluice.get('/')).toMatchObject({ status: 200, body: 'sluice\n' })
    expect(await sluice.get('/orders/1')).toMatchObject({ status: 200, body: 'an order' })
    expect(await health()).toBe(0)
    sluice.child.kill('SIGTERM')
    await until(async () => (await sluice.probe('/readyz')).status === 503)
    expect(await health()).toBe(1)
    expect(await sluice.exited()).toBe(0)
    expect(await health()).toBe(1)
  })
})

/** The command of HEALTHCHECK, without its CMD. */
function healthCheck(stage: Stage): readonly string[] {
  return execForm(last(stage, 'HEALTHCHECK').text.replace(/^CMD\s+/, ''))
}

/** The image's config with what this machine cannot give: its ports, its upstream, its folder; and a drain of 3 s. */
function onFreePorts(config: string, upstream: number, folder: string): string {
  const changes: readonly (readonly [RegExp, string])[] = [
    [/listen: [\d.]+:\d+/g, 'listen: 127.0.0.1:0'],
    [/http:\/\/orders:8080/g, `http://127.0.0.1:${upstream}`],
    [/stateDir: \S+/g, `stateDir: ${join(folder, 'state')}`],
    [/delay: 10s/g, 'delay: 3s'],
  ]
  return changes.reduce((text, [pattern, value]) => {
    expect(text).toMatch(pattern)
    return text.replaceAll(pattern, value)
  }, config)
}
