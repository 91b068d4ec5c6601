import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigServer, signingPair } from '../../kit/config-server.ts'
import { answers, logged, metric, says } from '../../kit/reload.ts'
import { ONE_WORKER, type Sluice, spawnSluice, startSluice } from '../../kit/sluice.ts'
import { testAuthority } from '../../kit/tls.ts'
import { until } from '../../kit/until.ts'

const CLI = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url))
const yaml = (body: string, more = ''): string => `${ONE_WORKER}routes:\n${says('all', '/*', body)}${more}`

let server: ConfigServer
let folder: string
let running: Sluice[]

beforeEach(async () => {
  server = await ConfigServer.start(yaml('one'))
  folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  running = []
})

afterEach(async () => {
  for (const sluice of running) await sluice.stop()
  await server.down().catch(() => {})
  await rm(folder, { recursive: true, force: true })
})

const options = (args: readonly string[], url: string, env = {}) => ({
  args: ['--config-every', '1s', ...args],
  env: { XDG_STATE_HOME: join(folder, 'state'), ...env },
  place: async () => url,
})

/** `sluice run URL`; its state outlives it. */
async function start(args: readonly string[] = [], url = server.url, env = {}): Promise<Sluice> {
  const sluice = await startSluice('', options(args, url, env))
  running.push(sluice)
  return sluice
}

/** What a start says that comes to nothing. */
async function failing(
  args: readonly string[] = [],
  url = server.url,
  env = {},
): Promise<{ code: number; says: string }> {
  const sluice = await spawnSluice('', options(args, url, env))
  const code = await sluice.exited()
  await rm(sluice.folder, { recursive: true, force: true })
  return { code, says: sluice.stderr }
}

/** Any other command, to its end. */
function command(...args: readonly string[]): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, XDG_STATE_HOME: join(folder, 'state') }
    execFile(process.execPath, [CLI, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, text: `${stdout}${stderr}` })
    })
  })
}

const from = async (sluice: Sluice): Promise<Record<string, unknown>> =>
  ((await sluice.status()) as unknown as { config: { from: Record<string, unknown> } }).config.from

const notes = async (sluice: Sluice): Promise<unknown> => JSON.parse((await sluice.probe('/readyz')).body).notes

describe('sluice run URL', () => {
  test('follows what the URL has, and says how that goes', async () => {
    const sluice = await start()
    server.text = yaml('two')
    await answers(sluice, '/', 'two')
    expect(await logged(sluice, 'another config is live')).toMatchObject({ trigger: 'source', source: 'http' })
    expect(await from(sluice)).toMatchObject({ kind: 'http', name: server.url, failures: {} })
    const { code, text } = await command('status', '--admin', `http://127.0.0.1:${sluice.adminPort}`)
    expect([code, text]).toEqual([
      0,
      expect.stringMatching(/\nconfig from http:\S+yaml: read 20\S+Z, text [0-9a-f]{12}\n/),
    ])
    expect(
      Math.abs(Date.now() / 1_000 - (await metric(sluice, 'sluice_config_source_read_timestamp_seconds'))),
    ).toBeLessThan(60)
  })

  test('goes on while it is down, and with it when it is back', async () => {
    const sluice = await start()
    await server.down()
    await logged(sluice, 'the config source cannot be read, what is live stays')
    expect([(await sluice.get('/')).body, await notes(sluice)]).toEqual(['one', []])
    expect((await sluice.probe('/metrics')).body).toMatch(
      /sluice_config_source_failures_total\{reason="unreachable"\} [1-9]/,
    )
    const { text } = await command('status', '--admin', `http://127.0.0.1:${sluice.adminPort}`)
    expect(text).toMatch(/ {2}cannot be read since 20\S+Z, looked at 20\S+Z \(unreachable\): connect ECONNREFUSED/)
    // What an operator asks for is refused, and that is told until it can be had.
    expect((await sluice.command('reload', {})).status).toBe(422)
    expect(await notes(sluice)).toEqual(['config_stale'])
    await server.listen()
    await until(async () => JSON.stringify(await notes(sluice)) === '[]', 'it is back')
    server.text = yaml('two')
    await answers(sluice, '/', 'two')
  })

  test('starts with the last one that was live while the source is down, unless that is forbidden', async () => {
    const first = await start()
    server.text = yaml('two')
    await answers(first, '/', 'two')
    await until(async () => (await first.admin('/api/v1/history')).body.includes('"number":2'), 'it is kept')
    await first.stop()
    server.misbehave = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>sign in</html>')
      return true
    }
    expect(await failing(['--config-fresh'])).toEqual({ code: 2, says: expect.stringContaining('a page of HTML') })
    const second = await start()
    expect((await second.get('/')).body).toBe('two')
    expect(second.stderr).toMatch(/cannot be read; going on with the last good one, of 20/)
    expect(await notes(second)).toEqual(['config_stale'])
    expect(await second.status()).toMatchObject({
      config: { source: 'last-known-good', from: { problem: { reason: 'not_a_config' } } },
    })
    // The same text as the one that was kept is news, too.
    server.misbehave = undefined
    await until(async () => JSON.stringify(await notes(second)) === '[]', 'it is back')
    expect(await second.status()).toMatchObject({ config: { source: 'http' } })
  })

  test('does not start without a text, or with a bad one, unless told to', async () => {
    server.text = yaml('one', '  bad: { match: { path: bad }, respond: {} }\n')
    const bad = await failing()
    expect(bad).toEqual({ code: 2, says: expect.stringContaining(`${server.url}:11:25: routes.bad.match.path`) })
    await server.down()
    const down = await failing()
    expect(down.code).toBe(2)
    expect(down.says).toContain(`${server.url}: connect ECONNREFUSED`)
    expect(down.says).toContain(`no config of ${server.url} that was live is kept here`)
    await server.listen()
    server.text = yaml('one')
    const sluice = await start()
    await until(async () => (await sluice.admin('/api/v1/history')).body.includes('"number":1'), 'it is kept')
    await sluice.stop()
    server.text = 'routes: ['
    expect((await failing()).code).toBe(2)
    expect((await (await start(['--last-known-good'])).get('/')).body).toBe('one')
  })

  test('keeps state where --state-dir says, and no config of it may', async () => {
    const dir = join(folder, 'elsewhere')
    const sluice = await start(['--state-dir', dir])
    expect(String((await logged(sluice, 'ready')).tokenFile)).toBe(join(dir, 'test', 'admin-token'))
    server.text = `${yaml('two')}stateDir: /var/lib/other\n`
    await logged(sluice, 'a config was refused, the one before stays live')
    expect((await sluice.admin('/api/v1/config')).body).toContain(
      'stateDir: a config that comes from elsewhere cannot say',
    )
    await sluice.stop()
    await server.down()
    expect((await (await start(['--state-dir', dir])).get('/')).body).toBe('one')
  })
})

describe('with signatures', () => {
  test('only what is signed becomes live, after a restart too, and out of the history', async () => {
    const [pair, other] = [signingPair(), signingPair()]
    await writeFile(join(folder, 'key.pub'), pair.pem)
    await writeFile(join(folder, 'other.pub'), other.pem)
    const signed = ['--config-key', join(folder, 'key.pub')]
    expect((await failing(signed)).says).toContain('there is nothing (404)')
    // From before there were keys.
    const before = await start()
    await until(async () => (await before.admin('/api/v1/history')).body.includes('"number":1'), 'it is kept')
    await before.stop()

    server.text = yaml('two')
    server.signer = pair.key
    const sluice = await start(signed)
    expect((await from(sluice)).signer).toMatch(/^ed25519:[0-9a-f]{16}$/)
    server.text = yaml('three')
    server.signer = other.key
    await logged(sluice, 'the config source cannot be read, what is live stays')
    expect((await from(sluice)).problem).toMatchObject({ reason: 'signature' })
    expect((await sluice.get('/')).body).toBe('two')
    const back = await sluice.command('rollback', { number: 1 })
    expect([back.status, back.body]).toEqual([
      422,
      expect.stringContaining('as it was kept: its .sig is not the signature'),
    ])
    server.signer = pair.key
    await answers(sluice, '/', 'three')
    await until(async () => (await sluice.admin('/api/v1/history')).body.includes('"number":3'), 'it is kept')
    await sluice.stop()

    await server.down()
    const strange = await failing(['--config-key', join(folder, 'other.pub')])
    expect([strange.code, strange.says]).toEqual([
      2,
      expect.stringContaining('as it was kept: its .sig is not the signature'),
    ])
    expect((await (await start([...signed, '--config-key', join(folder, 'other.pub')])).get('/')).body).toBe('three')
  })
})

describe('with TLS and a token', () => {
  test('the token is sent, and read again when it was renewed', async () => {
    await server.down()
    const authority = testAuthority()
    server = await ConfigServer.start(yaml('one'), authority.issue('127.0.0.1'))
    let token = 'first'
    server.misbehave = (request, response) => {
      if (request.headers.authorization === `Bearer ${token}`) return false
      response.writeHead(401).end()
      return true
    }
    await writeFile(join(folder, 'ca.pem'), authority.ca)
    await writeFile(join(folder, 'token'), 'first\n')
    const flags = ['--config-ca', join(folder, 'ca.pem'), '--config-token-file', join(folder, 'token')]
    expect((await failing()).says).toContain('its certificate is not trusted')
    expect((await failing(flags.slice(0, 2))).says).toContain('it refuses the token, or asks for one (401)')
    const sluice = await start(flags)
    token = 'second'
    server.text = yaml('two')
    await logged(sluice, 'the config source cannot be read, what is live stays')
    await writeFile(join(folder, 'token'), 'second\n')
    await answers(sluice, '/', 'two')
    await sluice.stop()
    expect((await (await start(flags.slice(0, 2), server.url, { SLUICE_CONFIG_TOKEN: 'second' })).get('/')).body).toBe(
      'two',
    )
  })
})

describe('what a config from a URL may use of the machine', () => {
  const secret = (of: string): string =>
    yaml('one').replace(
      /^admin:.*$/m,
      `admin: { listen: "127.0.0.1:0", auth: { tokens: [{ name: ci, role: admin, secret: { ${of} } }] } }`,
    )

  test.each([
    ['a file', secret('file: /etc/passwd'), '"/etc/passwd": this config may name no files of this machine'],
    [
      'a value',
      secret('env: HOME'),
      'the environment value HOME is not one that this config may use (--config-env NAME)',
    ],
    ['a value in a text', yaml('${' + 'HOME}'), 'the environment value HOME is not one'],
    ['a value with a default', yaml('${' + 'HOME:-x}'), 'the environment value HOME is not one'],
    [
      'more texts',
      `${yaml('one')}include: /etc/sluice/*.yaml\n`,
      'include: a config that comes from elsewhere is one text',
    ],
  ])('%s: nothing without a word of its operator', async (_, text, problem) => {
    server.text = text
    const { code, text: told } = await command('check', server.url)
    expect([code, told]).toEqual([2, expect.stringContaining(problem)])
    expect(told).toMatch(/gateway\.yaml:\d+:\d+: /)
    if (process.env.HOME !== undefined) expect(told).not.toContain(JSON.stringify(process.env.HOME))
  })

  test('files of one folder and values by name, if its operator says so', async () => {
    await writeFile(join(folder, 'token'), 'secret-of-the-operator')
    const fence = ['--config-files', folder, '--config-env', 'GREETING']
    server.text = secret('file: ../token')
    expect((await command('check', server.url, ...fence)).text).toContain(`is outside of ${folder}`)
    server.text = secret('file: token').replace('body: "one"', `body: "${'$'}{GREETING}"`)
    const sluice = await start(fence, server.url, { GREETING: 'hello' })
    expect((await sluice.get('/')).body).toBe('hello')
    const status = async (token: string) =>
      (await sluice.admin('/api/v1/status', { authorization: `Bearer ${token}` })).status
    expect(await status('secret-of-the-operator')).toBe(200)
    // Files that it names are watched as those of any config.
    await writeFile(join(folder, 'token'), 'another-of-the-operator')
    await until(async () => (await status('another-of-the-operator')) === 200, 'the new secret counts')
    // And do not wait for a source that is down, after a start without it either.
    await server.down()
    await writeFile(join(folder, 'token'), 'third-of-the-operator')
    await until(async () => (await status('third-of-the-operator')) === 200, 'it counts while the source is down')
    expect(await notes(sluice)).toEqual([])
    await sluice.stop()
    const again = await start(fence, server.url, { GREETING: 'hello' })
    await writeFile(join(folder, 'token'), 'fourth-of-the-operator')
    const renewed = async (): Promise<number> =>
      (await again.admin('/api/v1/status', { authorization: 'Bearer fourth-of-the-operator' })).status
    await until(async () => (await renewed()) === 200, 'it counts with what was kept')
    expect(await notes(again)).toEqual(['config_stale'])
  })
})

describe('other commands', () => {
  test('read a URL as they read a file', async () => {
    expect(await command('check', server.url)).toEqual({ code: 0, text: `${server.url}: ok, 1 route, 0 upstreams\n` })
    expect((await command('explain', server.url, 'GET', 'http://a.test/x')).text).toContain(`${server.url}:`)
    await writeFile(join(folder, 'sluice.yaml'), yaml('two'))
    const differs = await command('diff', join(folder, 'sluice.yaml'), server.url)
    expect([differs.code, differs.text]).toEqual([3, expect.stringContaining('all')])
    server.text = 'routes: ['
    const bad = await command('check', server.url)
    expect([bad.code, bad.text]).toEqual([2, expect.stringContaining('1 | routes: [')])
  })

  test.each([
    [['http://example.com/a.yaml'], 'plain HTTP: the config could be changed on its way; use https, or signatures'],
    [['https://user:secret@example.com/a.yaml?x=y'], 'https://example.com/a.yaml: a URL is shown in logs'],
    [['https://example.com/a.yaml', '--config-key', '/nowhere'], '--config-key /nowhere: it cannot be read (ENOENT)'],
    [['https://example.com/a.yaml', '--config-every', '10'], '--config-every 10 is not a duration from 1s to 1d'],
    [['sluice.yaml', '--config-key', 'a'], '--config-key is for a config from a URL; sluice.yaml is a path'],
  ])('%j: what is wrong with it', async (args, problem) => {
    const { code, text } = await command('check', ...args)
    expect([code, text]).toEqual([64, expect.stringContaining(problem)])
    expect(text).not.toContain('secret')
  })
})
