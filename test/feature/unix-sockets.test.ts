import { execFile, spawn } from 'node:child_process'
import { lstat, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttp } from 'node:http'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createGateway } from 'sluice'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { embeddedConfig } from '../kit/embedded.ts'
import { endChild } from '../kit/end-child.ts'
import { hookedGateway } from '../kit/gateway.ts'
import { HTTP1_SERVERS } from '../kit/ingress.ts'
import { startNginxWith, withoutNginx } from '../kit/nginx.ts'
import { spawnSluice, startSluice, TOP } from '../kit/sluice.ts'
import { until } from '../kit/until.ts'
import { without } from '../kit/without.ts'

const run = promisify(execFile)

let folder: string
/** Where the gateway listens. */
let path: string
const ends: (() => unknown)[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-unix-'))
  path = join(folder, 'sluice.sock')
})

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  await rm(folder, { recursive: true, force: true })
})

function ending<T>(value: T, end: (value: T) => unknown): T {
  ends.push(() => end(value))
  return value
}

/** What curl gets over the socket. */
async function curl(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('curl', ['-sS', '--max-time', '10', '--unix-socket', path, ...args])
  return stdout
}

const get = (target = '/'): Promise<string> => curl(`http://localhost${target}`)

/** A server on a socket that answers with the fields that it got; `name`: of its file. */
async function fieldServer(name: string): Promise<string> {
  const at = join(folder, name)
  const server = createHttp((req, res) => res.end(JSON.stringify(req.headers)))
  await new Promise<void>((resolve) => server.listen(at, resolve))
  ending(server, () => {
    server.closeAllConnections()
    server.close()
  })
  return at
}

async function listening(at: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(at, resolve))
  return ending(server, () => server.close())
}

/** A socket whose server has ended without taking its file away. */
async function stale(at: string): Promise<void> {
  const server = await listening(`${at}.live`)
  await rename(`${at}.live`, at)
  await new Promise((resolve) => server.close(resolve))
  expect((await lstat(at)).isSocket()).toBe(true)
}

const config = (listener: string, rest: string): string =>
  TOP.replace(/^ {2}web:.*$/m, `  web: { listen: "127.0.0.1:0" }\n  local: { listen: "unix:${path}"${listener} }`) +
  rest

const ECHO = (at: string, more = ''): string => `upstreams:
  app: { endpoints: ["unix:${at}"]${more} }
routes:
  all: { match: { path: /* }, to: app }
`
const OK = `routes:
  all: { match: { path: /* }, respond: { status: 200, body: ok } }
`

describe.each(HTTP1_SERVERS)('a listener on a socket with a path, http1: %s', (http1) => {
  test('has its mode, is told in the start line, and adds nothing to X-Forwarded-For; its file goes with it', async () => {
    const app = await fieldServer('app.sock')
    const sluice = ending(await startSluice(config(`, mode: 0600, http1: ${http1}`, ECHO(app))), (one) => one.stop())
    expect((await lstat(path)).mode & 0o777).toBe(0o600)
    const ready = sluice.operational.find(({ message }) => message === 'ready')
    expect(ready?.listeners).toMatchObject({ local: `unix:${path}, by one worker` })
    const seen = JSON.parse(await curl('-H', 'X-Forwarded-For: 9.9.9.9', 'http://shop.test/')) as Record<string, string>
    expect(seen).toMatchObject({ host: 'shop.test', 'x-forwarded-host': 'shop.test', 'x-forwarded-proto': 'http' })
    expect([seen['x-forwarded-for'], seen['x-real-ip']]).toEqual([undefined, undefined])
    expect(await sluice.line(({ listener }) => listener === 'local')).toMatchObject({ peer: 'unix', client: 'unix' })
    expect(await sluice.stop()).toBe(0)
    expect(await readdir(folder)).toEqual(['app.sock'])
  })

  test('is one of trust.proxies where they name unix', async () => {
    const app = await fieldServer('app.sock')
    const trusting = `trust: { proxies: [unix, 10.0.0.0/8] }\n${ECHO(app)}`
    const sluice = ending(await startSluice(config(`, http1: ${http1}`, trusting)), (one) => one.stop())
    expect((await lstat(path)).mode & 0o777).toBe(0o660)
    const seen = JSON.parse(await curl('-H', 'X-Forwarded-For: 9.9.9.9, 10.1.1.1', 'http://a/')) as object
    expect(seen).toMatchObject({ 'x-forwarded-for': '9.9.9.9, 10.1.1.1', 'x-real-ip': '9.9.9.9' })
    expect(await sluice.line(({ listener }) => listener === 'local')).toMatchObject({ client: '9.9.9.9' })
  })

  test('breaks an answer that breaks: such sockets know no reset', async () => {
    const at = join(folder, 'app.sock')
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n', () =>
          setTimeout(() => socket.destroy(), 50),
        )
      })
    })
    await new Promise<void>((resolve) => server.listen(at, resolve))
    ending(server, () => server.close())
    const sluice = ending(await startSluice(config(`, http1: ${http1}`, ECHO(at))), (one) => one.stop())
    const { stdout } = await run('curl', ['-sS', '--http1.0', '--unix-socket', path, 'http://a/']).catch((e) => e)
    expect(stdout).toBe('begun')
    await expect(run('curl', ['-sS', '--unix-socket', path, 'http://a/'])).rejects.toThrow(/transfer closed/)
    expect(sluice.operational.filter(({ level }) => level === 'error')).toEqual([])
  })
})

test('a gateway in a program does so in its own thread', async () => {
  const app = await fieldServer('app.sock')
  const gateway = await createGateway({
    config: embeddedConfig(1, {
      listeners: { local: { listen: `unix:${path}` } },
      upstreams: { orders: { endpoints: [`unix:${app}`] } },
    }),
    workers: 'inline',
  })
  expect(await gateway.listen()).toMatchObject([{ name: 'local', host: `unix:${path}`, port: 0 }])
  expect(await get()).toContain('"host":"localhost"')
  await gateway.close()
  expect(await readdir(folder)).toEqual(['app.sock'])
})

describe('a path where something is already', () => {
  test('is taken over from a server that has ended', async () => {
    await stale(path)
    ending(await startSluice(config('', OK)), (one) => one.stop())
    expect(await get()).toBe('ok')
  })

  test('is left to a server that answers', async () => {
    await listening(path)
    const sluice = ending(await spawnSluice(config('', OK)), (one) => endChild(one.child))
    expect(await sluice.exited()).not.toBe(0)
    expect(sluice.stderr + sluice.stdout).toContain(
      `listeners.local.listen: cannot listen on unix:${path}: another process answers on it; change listeners.local.listen`,
    )
    expect((await lstat(path)).isSocket()).toBe(true)
  })

  test('is left to a file', async () => {
    await writeFile(path, 'mine')
    const sluice = ending(await spawnSluice(config('', OK)), (one) => endChild(one.child))
    expect(await sluice.exited()).not.toBe(0)
    expect(sluice.stderr + sluice.stdout).toContain('there is a file that is no socket')
    expect((await lstat(path)).size).toBe(4)
  })

  test('in a folder that is not there is told as such', async () => {
    path = join(folder, 'none', 'x.sock')
    const sluice = ending(await spawnSluice(config('', OK)), (one) => endChild(one.child))
    expect(await sluice.exited()).not.toBe(0)
    expect(sluice.stderr + sluice.stdout).toContain('its folder does not exist')
  })
})

test('when the worker that accepts ends, the next takes over', async () => {
  const gateway = ending(await hookedGateway(config('', OK).replace('workers: 2', 'workers: 3')), (one) => one.stop())
  expect(await get()).toBe('ok')
  const inode = async (): Promise<number> => (await lstat(path)).ino
  const first = await inode()
  gateway.gateway.hook(0, 'exit')
  await until(() => gateway.log.lines.some(({ message }) => message === 'a worker takes over a unix: socket'))
  await until(async () => (await inode()) !== first)
  expect(gateway.log.lines.find(({ message }) => message === 'a worker takes over a unix: socket')).toMatchObject({
    fields: { listener: 'local', worker: 1 },
  })
  expect(await get()).toBe('ok')
  // The one that comes back has nothing to take.
  await until(async () => (await gateway.workers()).every(({ state }) => state === 'serving'))
  expect(gateway.log.lines.filter(({ message }) => message === 'a worker takes over a unix: socket').length).toBe(1)
  expect(await get()).toBe('ok')
  expect(await readdir(folder)).toEqual(['sluice.sock'])
})

describe('what has taken the path of a listener', () => {
  const lines: Record<string, string> = {
    server: 'another process answers on it',
    file: 'there is a file that is no socket',
  }

  /** Puts it there; returns whether it is there still. */
  async function takes(what: string): Promise<() => Promise<boolean>> {
    const beside = join(folder, 'beside')
    if (what === 'file') await writeFile(beside, 'mine')
    else await listening(beside)
    await rename(beside, path)
    const { ino } = await lstat(path)
    return async () => (await lstat(path)).ino === ino
  }

  test.each(Object.keys(lines))('a %s: no worker takes over from the one that ended', async (what) => {
    const gateway = ending(await hookedGateway(config('', OK)), (one) => one.stop())
    const isThere = await takes(what)
    gateway.gateway.hook(0, 'exit')
    await until(() => gateway.log.lines.some(({ message }) => message === 'a unix: socket could not be taken over'))
    const said = gateway.log.lines.find(({ message }) => message === 'a unix: socket could not be taken over')
    expect(String(said?.fields.error)).toContain(lines[what])
    expect(await isThere()).toBe(true)
    await rename(path, `${path}.away`)
    await until(() => gateway.log.lines.some(({ message }) => message === 'a worker takes over a unix: socket'))
    expect(await get()).toBe('ok')
  })

  test.each(Object.keys(lines))('a %s: a reload that changes the listener is refused, another is not', async (what) => {
    const sluice = ending(await startSluice(config('', OK)), (one) => one.stop())
    const isThere = await takes(what)
    await writeFile(sluice.file, config(', limits: { headerCount: 50 }', OK))
    await until(() => JSON.stringify(sluice.operational).includes(lines[what] as string))
    expect(await isThere()).toBe(true)
    await writeFile(sluice.file, config('', OK.replace('status: 200', 'status: 201')))
    const web = `http://127.0.0.1:${sluice.port()}/`
    await until(async () => (await fetch(web)).status === 201)
    expect(await isThere()).toBe(true)
  })
})

test('a reload that changes the listener binds beside and renames: no request is lost, and the file stays', async () => {
  const sluice = ending(await startSluice(config('', OK)), (one) => one.stop())
  let over = false
  let answers = 0
  const asking = (async () => {
    while (!over) {
      expect(await get()).toBe('ok')
      answers++
    }
  })()
  for (const limit of [50, 60, 70]) {
    const { ino } = await lstat(path)
    await writeFile(sluice.file, config(`, limits: { headerCount: ${limit} }, mode: 0644`, OK))
    await until(async () => (await lstat(path)).ino !== ino)
    expect((await lstat(path)).mode & 0o777).toBe(0o644)
    const before = answers
    await until(() => answers > before + 5)
  }
  over = true
  await asking
  await until(async () => (await readdir(folder)).length === 1)
  expect(await get()).toBe('ok')
  // One that is no longer in the config takes its file away.
  await writeFile(sluice.file, TOP + OK)
  await until(async () => (await readdir(folder)).length === 0)
})

describe('an endpoint on a socket with a path', () => {
  test.skipIf(withoutNginx())('is nginx, with health checks of its HTTP', async () => {
    const at = join(folder, 'nginx.sock')
    ending(
      await startNginxWith(
        (port) =>
          `server { listen 127.0.0.1:${port}; } server { listen unix:${at}; location / { return 200 "$http_host $remote_addr"; } }`,
      ),
      (nginx) => nginx.stop(),
    )
    const checked = ', healthCheck: { path: /health, interval: 500ms }'
    const sluice = ending(await startSluice(config('', ECHO(at, checked))), (one) => one.stop())
    expect(await get()).toBe('localhost unix:')
    await sluice.shows(`sluice_attempts_total{upstream="app",endpoint="unix:${at}",outcome="ok"} 1`)
    expect(JSON.stringify(await sluice.status())).toContain(`"unix:${at}"`)
  })

  test.skipIf(without('haproxy', '-v'))('is HAProxy, with health checks of TCP', async () => {
    const at = join(folder, 'haproxy.sock')
    const file = join(folder, 'haproxy.cfg')
    await writeFile(
      file,
      `global
  maxconn 100
defaults
  mode http
  timeout connect 1s
  timeout client 10s
  timeout server 10s
frontend f
  bind unix@${at}
  http-request return status 200 content-type text/plain string "from haproxy"
`,
    )
    ending(spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' }), endChild)
    await until(async () => (await readdir(folder)).includes('haproxy.sock'))
    const checked = ', healthCheck: { type: tcp, interval: 500ms }'
    ending(await startSluice(config('', ECHO(at, checked))), (one) => one.stop())
    for (let i = 0; i < 3; i++) expect(await get()).toBe('from haproxy')
  })

  test('that is not there is refused, and used again once it is; checks see both', async () => {
    const at = join(folder, 'late.sock')
    const checked = ', healthCheck: { path: /, interval: 500ms, healthyAfter: 1, unhealthyAfter: 1 }'
    const sluice = ending(await startSluice(config('', ECHO(at, checked))), (one) => one.stop())
    await sluice.shows('sluice_upstream_endpoints{upstream="app",state="unhealthy"} 1')
    expect(await curl('-o', '/dev/null', '-w', '%{http_code}', 'http://a/')).toMatch(/50[23]/)
    await fieldServer('late.sock')
    await until(async () => (await get()).includes('"host"'))
  })
})
