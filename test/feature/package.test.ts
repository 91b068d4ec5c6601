import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { env, packed } from '../kit/packed.ts'
import { testUpstream } from '../kit/upstream.ts'
import type { Attempts, Outcome } from './seat-belt/attempts.ts'

const run = promisify(execFile)
const INSTALL_MS = 180_000

let folder: string
let children: ChildProcess[] = []

function sluice(...args: string[]): ChildProcess {
  const child = spawn(join(folder, 'app/node_modules/.bin/sluice'), args, {
    cwd: join(folder, 'app'),
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  return child
}

/** Exit code and output of a command that ends by itself. */
async function ended(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = sluice(...args)
  const [out, err] = [text(child.stdout), text(child.stderr)]
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out: out.get(), err: err.get() }
}

function text(stream: ChildProcess['stdout']): { get(): string } {
  let all = ''
  stream?.setEncoding('utf8').on('data', (part: string) => {
    all += part
  })
  return { get: () => all }
}

/** What a worker's attempts to read these, below the folder, come to. */
async function readIn(port: number, paths: readonly string[]): Promise<readonly string[]> {
  const reads = paths.map((path) => join(folder, path))
  const body = JSON.stringify({ reads, writes: join(folder, 'new') } satisfies Attempts)
  const answer = await fetch(`http://127.0.0.1:${port}/attempts`, { method: 'POST', body })
  return Object.values(((await answer.json()) as Outcome).reads)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-package-'))
  const tarball = await packed(folder)
  await mkdir(join(folder, 'app'))
  await writeFile(join(folder, 'app/package.json'), '{"private":true,"allowScripts":{"node":true}}')
  const flags = ['--no-audit', '--no-fund', '--prefer-offline']
  await run('npm', ['install', ...flags, tarball], { cwd: join(folder, 'app'), env })
}, INSTALL_MS)

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  await rm(folder, { recursive: true, force: true })
})

describe('the installed package', () => {
  test('runs on the Node that it pins, whichever starts it', async () => {
    const { stdout } = await run('node', ['--version'], { env })
    const { code, out } = await ended('--version')
    expect(code).toBe(0)
    expect(out).toMatch(/^sluice \d+\.\d+\.\d+ \(node v26\./)
    expect(out).not.toContain(stdout.trim())
  })

  test('passes exit codes on', async () => {
    await writeFile(join(folder, 'app/bad.yaml'), 'apiVersion: sluice/v1\nroutes: 7\n')
    expect(await ended('check', 'bad.yaml')).toMatchObject({ code: 2 })
    expect(await ended('nonsense')).toMatchObject({ code: 64 })
  })

  test('ships a config that its own checker accepts, and the schema of it', async () => {
    expect(await ended('check', 'node_modules/sluice/config/sluice.yaml')).toMatchObject({ code: 0, err: '' })
    const { out } = await ended('schema')
    expect(JSON.parse(out)).toHaveProperty('properties.routes')
  })

  test('serves, and drains with 0 when it is told to end', async () => {
    const orders = await testUpstream((_request, response) => void response.end('from the upstream'))
    await writeFile(
      join(folder, 'app/sluice.yaml'),
      `apiVersion: sluice/v1
listeners: { web: { listen: 127.0.0.1:0 } }
admin: { listen: 127.0.0.1:0 }
drain: { delay: 0s, timeout: 5s }
stateDir: ${join(folder, 'state')}
plugins: [./attempts.ts]
upstreams: { orders: { endpoints: ["http://127.0.0.1:${orders.port}"] } }
routes:
  all: { match: { path: /* }, to: orders }
  attempts: { match: { path: /attempts }, attempts: ./data }
`,
    )
    await cp(join(import.meta.dirname, 'seat-belt/attempts.ts'), join(folder, 'app/attempts.ts'))
    const child = sluice('run')
    const [out, err] = [text(child.stdout), text(child.stderr)]
    const port = await new Promise<number>((resolve, reject) => {
      child.on('close', () => reject(new Error(`it ended: ${err.get()}`)))
      child.stderr?.on('data', () => {
        const ready = /"listeners":\{"web":(\d+)\}/.exec(err.get())
        if (ready !== null) resolve(Number(ready[1]))
      })
    })
    const admin = /"admin":(\d+)/.exec(err.get())?.[1]
    const page = async (path: string) => (await fetch(`http://127.0.0.1:${admin}/dashboard/${path}`)).text()
    expect(await page('')).toContain('<script type="module" src="main.js">')
    expect(await page('uplot.js')).toContain('uPlot.js')
    const answer = await fetch(`http://127.0.0.1:${port}/x`)
    expect([answer.status, await answer.text()]).toEqual([200, 'from the upstream'])
    expect(
      await readIn(port, ['app/node_modules/sluice/dist/data/worker.js', 'app/node_modules/fastify/fastify.js']),
    ).toEqual(['read', 'read'])
    const others = ['app', 'app/sluice.yaml', 'app/package.json', 'app/attempts.ts', 'state', 'source/package.json']
    expect(await readIn(port, others)).toEqual(others.map(() => 'ERR_ACCESS_DENIED'))
    child.kill('SIGTERM')
    expect(await once(child, 'close')).toEqual([0, null])
    expect(out.get()).toContain('"path":"/x"')
    await orders.close()
  })
})
