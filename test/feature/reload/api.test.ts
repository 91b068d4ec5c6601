import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { logged, metric, says } from '../../kit/reload.ts'
import { type Answer, type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { sluice as command } from '../cli/cli.ts'

const YAML = `${TOP}watch: off\nroutes:\n`
const BAD = `${YAML}  all: { match: { path: /* }, to: nowhere }\n`
let sluice: Sluice

const start = async (): Promise<void> => {
  sluice = await startSluice(YAML + says('all', '/*', 'one'))
}

const said = async (): Promise<string> => (await sluice.get('/')).body
const json = ({ body }: Answer): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>
const config = async () => json(await sluice.admin('/api/v1/config'))

describe('POST', () => {
  beforeAll(start)

  beforeEach(async () => {
    await writeFile(sluice.file, YAML + says('all', '/*', 'one'))
    expect((await sluice.command('reload', {})).status).toBe(200)
  })

  afterAll(() => sluice.stop())

  describe('/api/v1/reload', () => {
    it('reads the files again, and says what is live', async () => {
      await writeFile(sluice.file, YAML + says('all', '/*', 'two'))
      const answer = await sluice.command('reload', {})
      expect(answer.status).toBe(200)
      const { hash } = await config()
      const nothing = { problems: [], restart: [], kept: [] }
      expect(json(answer)).toEqual({ changed: true, hash, inHistory: true, ...nothing })
      expect(await said()).toBe('two')
      expect(json(await sluice.command('reload', {}))).toMatchObject({ changed: false })
    })

    it('names the keys that wait for a restart', async () => {
      const yaml = YAML.replace('workers: 2', 'workers: 1\nearlyCollection: false').replace('name: test', 'name: other')
      await writeFile(sluice.file, yaml + says('all', '/*', 'two'))
      expect(json(await sluice.command('reload', {}))).toMatchObject({
        changed: true,
        restart: ['workers', 'earlyCollection', 'gateway.name'],
      })
      expect(await said()).toBe('two')
      expect(await config()).toMatchObject({ restart: ['workers', 'earlyCollection', 'gateway.name'] })
      expect(await logged(sluice, 'a part of the config takes effect with the next start')).toMatchObject({
        keys: ['workers', 'earlyCollection', 'gateway.name'],
      })
    })

    it('refuses bad files with all that is wrong', async () => {
      await writeFile(sluice.file, BAD)
      const answer = await sluice.command('reload', {})
      expect(answer.status).toBe(422)
      expect(json(answer)).toMatchObject({
        type: 'urn:sluice:admin:refused',
        status: 422,
        changed: false,
      })
      expect(String(json(answer).problems)).toContain('sluice.yaml:11:35: routes.all.to')
      expect(await said()).toBe('one')
    })

    it('needs a token', async () => {
      const { status } = await sluice.send('POST', '/', '')
      expect(status).toBe(200)
      const refused = await fetch(`http://127.0.0.1:${sluice.adminPort}/api/v1/reload`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      })
      expect(refused.status).toBe(401)
    })

    it('answers many callers at once with few reloads', async () => {
      await writeFile(sluice.file, YAML + says('all', '/*', 'two'))
      const { generation } = await sluice.status()
      const answers = await Promise.all(Array.from({ length: 20 }, () => sluice.command('reload', {})))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      expect((await sluice.status()).generation).toBe(Number(generation) + 1)
      expect(await said()).toBe('two')
    })
  })

  describe('/api/v1/config', () => {
    it('takes a whole config, which holds until the files are read again', async () => {
      const answer = await sluice.command('config', { yaml: YAML + says('all', '/*', 'put') })
      expect([answer.status, await said()]).toEqual([200, 'put'])
      expect(await config()).toMatchObject({
        source: 'api',
        hash: json(answer).hash,
        last: { ok: true, trigger: 'api' },
      })
      await sluice.command('reload', {})
      expect(await said()).toBe('one')
      expect(await config()).toMatchObject({ source: 'files' })
    })

    it('only if the live config is the one that the caller knows', async () => {
      const { hash } = await config()
      const yaml = YAML + says('all', '/*', 'put')
      const stale = await sluice.command('config', { yaml }, { 'if-match': `"${'0'.repeat(64)}"` })
      expect([stale.status, await said()]).toEqual([412, 'one'])
      const known = await sluice.command('config', { yaml }, { 'if-match': `"${String(hash)}"` })
      expect([known.status, await said()]).toEqual([200, 'put'])
    })

    it('with dryRun it only checks', async () => {
      const before = await config()
      const good = await sluice.command('config?dryRun=true', { yaml: YAML + says('all', '/*', 'put') })
      expect([good.status, json(good).changed]).toEqual([200, false])
      expect(json(good).hash).not.toBe(before.hash)
      const bad = await sluice.command('config?dryRun=true', { yaml: BAD })
      expect([bad.status, String(json(bad).problems).includes('nowhere')]).toEqual([422, true])
      expect(await said()).toBe('one')
      expect(await config()).toEqual(before)
    })

    it.each([
      ['no object', [], 400],
      ['no text', { yaml: [7] }, 400],
      ['another key', { yaml: '', extra: 1 }, 400],
      ['an empty text', { yaml: '' }, 422],
      ['no YAML', { yaml: '\t{' }, 422],
    ])('refuses %s', async (_, body, status) => {
      expect((await sluice.command('config', body)).status).toBe(status)
      expect(await said()).toBe('one')
    })
  })
})

describe('going back', () => {
  beforeAll(start)

  afterAll(() => sluice.stop())

  it('lists what was live, and makes one of it live again until the next reload', async () => {
    await sluice.command('config', { yaml: YAML + says('all', '/*', 'two') })
    await writeFile(sluice.file, YAML + says('all', '/*', 'three'))
    await sluice.command('reload', {})
    type Kept = { live: string; configs: { number: number; hash: string; source: string }[] }
    const { configs, live } = json(await sluice.admin('/api/v1/history')) as unknown as Kept
    expect(configs.map(({ number, source }) => [number, source])).toEqual([
      [3, 'files'],
      [2, 'api'],
      [1, 'files'],
    ])
    expect(configs[0]?.hash).toBe(live)
    expect((await sluice.command('rollback', { number: 1 })).status).toBe(200)
    expect(await said()).toBe('one')
    expect(await config()).toMatchObject({ source: 'rollback', hash: configs[2]?.hash })
    await sluice.command('reload', {})
    expect(await said()).toBe('three')
    const missing = await sluice.command('rollback', { number: 99 })
    expect([missing.status, json(missing).detail]).toEqual([422, 'the history has no config 99'])
  })

  it('keeps twenty, for nobody else to read', async () => {
    const folder = join(sluice.folder, 'state', 'sluice', 'test')
    const numbers = async (): Promise<number[]> => {
      const { configs } = json(await sluice.admin('/api/v1/history')) as { configs: { number: number }[] }
      return configs.map(({ number }) => number)
    }
    const last = (await numbers())[0] as number
    for (let i = 0; i < 25; i++) {
      const put = await sluice.command('config', { yaml: YAML + says('all', '/*', `text ${i}`) })
      expect(json(put)).toMatchObject({ changed: true, inHistory: true })
    }
    expect(await numbers()).toEqual(Array.from({ length: 20 }, (_, i) => last + 25 - i))
    for (const name of ['state.db', 'state.db-wal']) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  it('keeps no secret and no value of the environment', async () => {
    const auth = '{ tokens: [{ name: ci, role: operator, secret: { file: token } }] }'
    await writeFile(join(sluice.folder, 'token'), 'the-secret-of-the-operator')
    const yaml = YAML.replace('admin: { listen: "127.0.0.1:0" }', `admin: { listen: "127.0.0.1:0", auth: ${auth} }`)
    const reference = ['$', '{HOME:-none}'].join('')
    const put = await sluice.command('config', { yaml: yaml + says('all', '/*', reference) })
    expect(put.status).toBe(200)
    const folder = join(sluice.folder, 'state', 'sluice', 'test')
    const files = await Promise.all(['state.db', 'state.db-wal'].map((name) => readFile(join(folder, name), 'latin1')))
    const kept = files.join('\n')
    expect(kept).toContain(reference)
    expect(kept).not.toContain('the-secret-of-the-operator')
  })
})

describe('the command line', () => {
  beforeAll(start)

  afterAll(() => sluice.stop())

  const operate = (...args: string[]) =>
    command(sluice.folder, [...args, '--admin', `http://127.0.0.1:${sluice.adminPort}`], {
      XDG_STATE_HOME: join(sluice.folder, 'state'),
    })

  it('reloads, shows the history and goes back', async () => {
    await writeFile(sluice.file, YAML + says('all', '/*', 'two'))
    const reloaded = await operate('reload')
    expect([reloaded.code, reloaded.stdout]).toEqual([0, `live: ${String((await config()).hash).slice(0, 12)}\n`])
    const history = await operate('history')
    expect(history.stdout).toMatch(/^\* +2 {2}[0-9a-f]{12} .* files\n +1 {2}[0-9a-f]{12} .* files\n$/)
    expect((await operate('rollback', '1')).code).toBe(0)
    expect(await said()).toBe('one')
  })

  it('says what is wrong with a bad file, with exit code 2', async () => {
    await writeFile(sluice.file, BAD)
    const { code, stderr } = await operate('reload')
    expect(code).toBe(2)
    expect(stderr).toContain('sluice.yaml:11:35: routes.all.to')
    expect((await operate('rollback')).code).toBe(64)
    expect((await operate('rollback', '77')).code).toBe(2)
  })
})

describe('a start with a bad file', () => {
  beforeAll(start)

  afterAll(() => sluice.stop())

  it('takes the last config that was live, if it is told to', async () => {
    const second = YAML + says('all', '/*', 'two')
    await writeFile(sluice.file, second)
    await sluice.command('reload', {})
    const { file, folder } = sluice
    await writeFile(file, BAD)
    const startAgain = (args: readonly string[]) =>
      startSluice(second, {
        args,
        env: { XDG_STATE_HOME: join(folder, 'state') },
        place: async () => file,
      })
    await expect(startAgain([])).rejects.toThrow(/exited with 2/)
    const again = await startAgain(['--last-known-good'])
    try {
      expect((await again.get('/')).body).toBe('two')
      expect(again.stderr).toContain('going on with the last good one')
      const live = JSON.parse((await again.admin('/api/v1/config')).body) as object
      expect(live).toMatchObject({ source: 'last-known-good', last: { ok: false, trigger: 'start' } })
      expect(JSON.parse((await again.probe('/readyz')).body)).toMatchObject({ status: 'ok', notes: ['config_stale'] })
      expect(await metric(again, 'sluice_config_last_reload_successful')).toBe(0)
      expect(await logged(again, 'a config was refused, the one before stays live')).toMatchObject({ trigger: 'start' })
      await writeFile(file, YAML + says('all', '/*', 'three'))
      expect((await again.command('reload', {})).status).toBe(200)
      expect(await metric(again, 'sluice_config_last_reload_successful')).toBe(1)
    } finally {
      await again.stop()
      await rm(again.folder, { recursive: true, force: true })
    }
  })
})
