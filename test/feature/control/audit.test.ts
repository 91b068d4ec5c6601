import { appendFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { logged } from '../../kit/reload.ts'
import { fetchRaw, ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { type Ended, sluice as run } from '../cli/cli.ts'

const ADMIN = `admin:
  listen: "127.0.0.1:0"
  auth:
    tokens:
      - { name: eye, role: viewer, secret: { env: EYE } }
      - { name: ci, role: operator, secret: { env: CI_TOKEN } }
`
const ENV = { EYE: 'see', CI_TOKEN: 'do-things' }

let upstream: TestUpstream
let sluice: Sluice
let state: string

type Entry = Readonly<Record<string, unknown>> & { readonly action: string; readonly outcome: string }

const yaml = (more = ''): string => `${ONE_WORKER.replace('admin: { listen: "127.0.0.1:0" }\n', ADMIN)}${more}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes: { app: { match: { path: /* }, to: app, circuitBreaker: {} } }
`

beforeEach(async () => {
  upstream = await testUpstream((_req, res) => void res.end('ok'))
  sluice = await startSluice(yaml(), { env: ENV })
  state = join(sluice.folder, 'state')
})

afterEach(async () => {
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
})

const folder = (): string => join(state, 'sluice', 'test', 'audit')

async function entries(): Promise<Entry[]> {
  const names = (await readdir(folder())).toSorted()
  const texts = await Promise.all(names.map((name) => readFile(join(folder(), name), 'utf8')))
  return texts.flatMap((text) => text.split('\n').filter(Boolean)).map((line) => JSON.parse(line) as Entry)
}

async function command(path: string, body: unknown, token = ENV.CI_TOKEN): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return (await fetchRaw(sluice.adminPort, 'POST', `/api/v1/${path}`, headers, JSON.stringify(body))).status
}

/** A command line of the operator of this machine. */
async function cli(...args: string[]): Promise<Ended> {
  await writeFile(join(sluice.folder, 'token'), ENV.CI_TOKEN)
  return run(sluice.folder, args, { XDG_STATE_HOME: state })
}

const atAdmin = (): string[] => ['--admin', `http://127.0.0.1:${sluice.adminPort}`, '--token-file', 'token']
const drain = (): object => ({ upstream: 'app', endpoint: upstream.url, to: 'drain' })

describe('the audit log', () => {
  it('tells who did what, before and after', async () => {
    const hash = async (): Promise<string> =>
      JSON.parse((await sluice.admin('/api/v1/config', { authorization: 'Bearer see' })).body).hash as string
    const first = await hash()
    expect(await command('endpoints', drain())).toBe(200)
    expect(await command('breakers', { route: 'app', to: 'open', for: '1m' })).toBe(200)
    expect(await command('log-level', { level: 'debug', for: '1m' })).toBe(200)
    expect(await command('config', { yaml: yaml('pathPolicy: { dots: normalise }') })).toBe(200)
    const second = await hash()
    const who = { by: 'token', name: 'ci', role: 'operator', peer: '127.0.0.1' }
    expect(await entries()).toEqual([
      expect.objectContaining({
        number: 1,
        action: 'start',
        who: { by: 'start' },
        after: { config: first },
        outcome: 'ok',
      }),
      expect.objectContaining({
        action: 'endpoints',
        who,
        request: drain(),
        before: { [`app ${upstream.url}`]: 'usable' },
        after: { [`app ${upstream.url}`]: 'draining' },
        outcome: 'ok',
        status: 200,
      }),
      expect.objectContaining({
        action: 'breakers',
        before: { 'app app': 'closed' },
        after: { 'app app': 'forced_open' },
      }),
      expect.objectContaining({ action: 'log-level', before: { level: 'info' }, after: { level: 'debug' } }),
      expect.objectContaining({
        action: 'config',
        who,
        request: { yaml: { bytes: expect.any(Number), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } },
        before: { config: first },
        after: { config: second },
      }),
    ])
    expect(second).not.toBe(first)
    expect((await stat(join(folder(), '000001.jsonl'))).mode & 0o777).toBe(0o600)
  })

  it('has what was refused, by role or by the config, and neither reads nor dry runs nor strangers', async () => {
    expect(await command('endpoints', drain(), ENV.EYE)).toBe(403)
    expect(await command('config', { yaml: 'nonsense: 1' })).toBe(422)
    expect(await command('breakers', { route: 'none', to: 'auto' })).toBe(400)
    expect(await command('endpoints', drain(), 'a-stranger')).toBe(401)
    expect(await command('config?dryRun=true', { yaml: yaml() })).toBe(200)
    await sluice.admin('/api/v1/status', { authorization: 'Bearer see' })
    const [, ...rest] = await entries()
    expect(rest.map(({ action, outcome, status, before }) => [action, outcome, status, before])).toEqual([
      ['endpoints', 'refused', 403, undefined],
      ['config', 'refused', 422, undefined],
      ['breakers', 'refused', 400, undefined],
    ])
    expect(rest[0]).toMatchObject({ who: { name: 'eye', role: 'viewer' } })
    expect(rest[1]).toMatchObject({ problem: expect.stringContaining('the config was refused') })
  })

  it('has configs that came by file and by signal, good or bad', async () => {
    await writeFile(sluice.file, yaml('pathPolicy: { dots: normalise }'))
    await until(async () => (await entries()).length === 2)
    await writeFile(sluice.file, 'nonsense: 1')
    await until(async () => (await entries()).length === 3)
    sluice.child.kill('SIGHUP')
    await until(async () => (await entries()).length >= 4)
    const [, good, bad, again] = await entries()
    expect(good).toMatchObject({ action: 'config', who: { by: 'file' }, outcome: 'ok' })
    expect(Object.values(good?.before as object)).not.toEqual(Object.values(good?.after as object))
    expect(bad).toMatchObject({ who: { by: 'file' }, outcome: 'refused', problem: expect.stringContaining('nonsense') })
    expect(again).toMatchObject({ who: { by: 'signal' }, outcome: 'refused' })
  })

  it('names what a config that went live in part kept, whoever brought it', async () => {
    const partly = yaml('onInvalid: keepGood\npathPolicy: { dots: normalise }').replace(
      'app: { match: { path: /* }',
      'app: { match: { path: bad }',
    )
    const kept = ['routes.app: as it was']
    const problem = expect.stringMatching(/routes\.\w+\.match\.path: .*must start with a slash/)
    expect(await command('config', { yaml: partly })).toBe(200)
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/)
    const changed = { before: { config: hash }, after: { config: hash } }
    expect((await entries()).at(-1)).toMatchObject({ action: 'config', outcome: 'ok', kept, problem, ...changed })
    await writeFile(sluice.file, partly.replace('routes: { ', 'routes: { new: { match: { path: worse }, to: app }, '))
    await until(async () => (await entries()).length === 3)
    expect((await entries()).at(-1)).toMatchObject({
      action: 'config',
      who: { by: 'file' },
      outcome: 'ok',
      kept: ['routes.new: left out', ...kept],
      problem,
    })
    const { stdout } = await cli('audit', 'show', ...atAdmin())
    expect(stdout).toMatch(
      /ok 200 config: \w+ -> \w+ {2}not live: routes\.app: as it was: .*must start with a slash: \/bad\n/,
    )
    expect(stdout).toMatch(
      /file {2}config {2}ok {2}not live: routes\.new: left out, routes\.app: as it was: .*worse\n$/,
    )
  })

  it('is shown and verified on the command line; the operational log knows its end', async () => {
    await command('endpoints', drain())
    const shown = await cli('audit', 'show', '--since', '1h', ...atAdmin())
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toMatch(
      /2 {2}\S+ {2}ci \(operator, token, 127\.0\.0\.1\) {2}endpoints {2}ok 200 app http:\S+: usable -> draining\n$/,
    )
    expect(JSON.parse((await cli('audit', 'show', '--json', ...atAdmin())).stdout)).toEqual(await entries())
    const told = await logged(sluice, 'command')
    const verified = await cli('audit', 'verify')
    expect(verified).toMatchObject({ code: 0, stderr: '' })
    expect(verified.stdout).toBe(`${folder()}: ok, 2 entries\nlast: number 2, SHA-256 ${told.hash}\n`)
  })

  it('is asked for by number, actor, action and time', async () => {
    const asked = async (query: string): Promise<{ entries: Entry[]; before: number | null }> =>
      JSON.parse((await sluice.admin(`/api/v1/audit?${query}`, { authorization: `Bearer ${ENV.CI_TOKEN}` })).body)
    const numbers = async (query: string): Promise<unknown[]> =>
      (await asked(query)).entries.map(({ number }) => number)
    await command('endpoints', drain())
    await command('log-level', { level: 'info' })
    await command('endpoints', drain(), ENV.EYE)
    const all = await entries()
    expect(await numbers('action=endpoints')).toEqual([2, 4])
    expect(await numbers('actor=ci')).toEqual([2, 3])
    expect(await numbers('actor=start')).toEqual([1])
    expect(await numbers(`since=${all[2]?.time}`)).toEqual([3, 4])
    expect(await numbers(`until=${all[1]?.time}&actor=ci`)).toEqual([2])
    expect(await asked('limit=2')).toMatchObject({ before: 3, entries: [{ number: 3 }, { number: 4 }] })
    expect(await asked('limit=2&before=3')).toMatchObject({ before: null, entries: [{ number: 1 }, { number: 2 }] })
    for (const bad of ['since=yesterday', 'since=2026-11-30', 'before=0', 'who=ci'])
      expect((await sluice.admin(`/api/v1/audit?${bad}`, { authorization: `Bearer ${ENV.CI_TOKEN}` })).status).toBe(400)
    const shown = await cli('audit', 'show', '--action', 'endpoints', '--actor', 'eye', '--limit', '5', ...atAdmin())
    expect(shown.stdout).toMatch(/^ {4}4 {2}\S+ {2}eye \(.*\) {2}endpoints {2}refused 403[^\n]*\n$/)
    expect((await cli('audit', 'show', '--until', '0s', ...atAdmin())).code).toBe(64)
    expect((await cli('audit', 'show', '--until', `${all[0]?.time}`, ...atAdmin())).stdout.split('\n')).toHaveLength(2)
  })

  it('shows a line that was changed', async () => {
    await command('endpoints', drain())
    await command('log-level', { level: 'debug' })
    const file = join(folder(), '000001.jsonl')
    await writeFile(file, (await readFile(file, 'utf8')).replace('"name":"ci"', '"name":"eye"'))
    const verified = await cli('audit', 'verify', folder())
    expect(verified.code).toBe(3)
    expect(verified.stdout).toContain('000001.jsonl:3: the line before it is not the one that it was written after')
  })

  it('is whole again after the process was killed in the middle of a line', async () => {
    await command('endpoints', drain())
    sluice.child.kill('SIGKILL')
    await sluice.exited()
    await appendFile(join(folder(), '000001.jsonl'), '{"number":3,"ti')
    expect((await cli('audit', 'verify')).stdout).toContain('the end of the last line is missing')
    const { folder: before } = sluice
    sluice = await startSluice(yaml(), { env: { ...ENV, XDG_STATE_HOME: state } })
    await until(() => sluice.operational.some(({ bytes, level }) => level === 'warn' && bytes === 15))
    const verified = await cli('audit', 'verify')
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('ok, 3 entries') })
    expect(verified.stdout).not.toContain('missing')
    await rm(before, { recursive: true, force: true })
  })
})

describe('an audit log that cannot be written', () => {
  const MESSAGE = 'the audit log cannot be written'
  const told = (): number => sluice.operational.filter(({ message }) => message === MESSAGE).length
  const endpoint = async (): Promise<string> =>
    JSON.parse((await sluice.admin('/api/v1/endpoints', { authorization: 'Bearer see' })).body).endpoints[0].state

  const spoil = async (): Promise<void> => {
    await rename(folder(), `${folder()}.away`)
    await writeFile(folder(), 'in the way')
  }
  const mend = async (): Promise<void> => {
    await rm(folder())
    await rename(`${folder()}.away`, folder())
  }

  it('is a warning, once, and changes go on', async () => {
    await spoil()
    expect([await command('endpoints', drain()), await command('log-level', { level: 'info' })]).toEqual([200, 200])
    await until(() => told() === 1)
    expect(await endpoint()).toBe('draining')
    await mend()
    expect(await command('log-level', { level: 'info' })).toBe(200)
    await until(() => sluice.operational.some(({ message }) => message === 'the audit log is written again'))
    expect(told()).toBe(1)
    expect((await cli('audit', 'verify')).code).toBe(0)
  })

  it('where it is required, nothing is changed without it', async () => {
    await writeFile(sluice.file, yaml('logging: { audit: required }'))
    await until(async () => (await entries()).length === 2)
    await spoil()
    expect(await command('endpoints', drain())).toBe(503)
    expect(await endpoint()).toBe('usable')
    await mend()
    expect(await command('endpoints', drain())).toBe(200)
    expect(await endpoint()).toBe('draining')
    const [begun, ended] = (await entries()).slice(-2)
    expect(begun).toMatchObject({ action: 'endpoints', outcome: 'begun' })
    expect(ended).toMatchObject({ action: 'endpoints', outcome: 'ok', begun: begun?.number })
    expect((await cli('audit', 'verify')).code).toBe(0)
  })
})

it('sluice audit says what is wrong with its arguments', async () => {
  const empty = join(sluice.folder, 'empty')
  await mkdir(empty)
  expect(await cli('audit')).toMatchObject({ code: 64 })
  expect(await cli('audit', 'verify', 'a', 'b')).toMatchObject({ code: 64 })
  expect(await cli('audit', 'show', '--since', '5')).toMatchObject({ code: 64 })
  expect(await cli('audit', 'verify', empty)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no audit log'),
  })
  expect(await cli('audit', 'verify', join(empty, 'nothing'))).toMatchObject({ code: 1 })
})
