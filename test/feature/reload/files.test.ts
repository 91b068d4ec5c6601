import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { answers, logged, metric, says } from '../../kit/reload.ts'
import { fetchRaw, ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'

const WATCHED = `${ONE_WORKER}watch: 100ms\nroutes:\n`
let sluice: Sluice | undefined

afterEach(async () => {
  await sluice?.stop()
  sluice = undefined
})

async function start(yaml: string, place?: (folder: string, yaml: string) => Promise<string>): Promise<Sluice> {
  sluice = await startSluice(yaml, place === undefined ? {} : { place })
  return sluice
}

describe('a change of the config file goes live', () => {
  it('when it is written in place', async () => {
    const running = await start(WATCHED + says('all', '/*', 'one'))
    const before = (await running.status()) as unknown as { config: { hash: string } }
    expect((await running.get('/')).body).toBe('one')
    await writeFile(running.file, WATCHED + says('all', '/*', 'two') + says('new', '/new', 'three'))
    await answers(running, '/', 'two')
    expect((await running.get('/new')).body).toBe('three')
    expect(await logged(running, 'another config is live')).toMatchObject({
      trigger: 'file',
      source: 'files',
      routes: 2,
    })
    const after = (await running.status()) as unknown as { config: { hash: string }; generation: number }
    expect(after.config.hash).not.toBe(before.config.hash)
    expect(after.generation).toBe(2)
  })

  it('when another file is renamed to its name', async () => {
    const running = await start(WATCHED + says('all', '/*', 'one'))
    await writeFile(`${running.file}.swp`, WATCHED + says('all', '/*', 'two'))
    await rename(`${running.file}.swp`, running.file)
    await answers(running, '/', 'two')
  })

  it('when Kubernetes swaps the links of a ConfigMap', async () => {
    // As the kubelet does it: FILE -> ..data/FILE, ..data -> a folder with a date, replaced by a rename.
    const release = async (folder: string, name: string, yaml: string): Promise<void> => {
      await mkdir(join(folder, name))
      await writeFile(join(folder, name, 'sluice.yaml'), yaml)
      await symlink(name, join(folder, '..data_tmp'))
      await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    }
    const running = await start(WATCHED + says('all', '/*', 'one'), async (folder, yaml) => {
      await release(folder, '..2026_01', yaml)
      await symlink('..data/sluice.yaml', join(folder, 'sluice.yaml'))
      return join(folder, 'sluice.yaml')
    })
    await release(running.folder, '..2026_02', WATCHED + says('all', '/*', 'two'))
    await rm(join(running.folder, '..2026_01'), { recursive: true })
    await answers(running, '/', 'two')
    expect(running.stderr).not.toContain('a config was refused')
  })

  it('when a secret that it names changes: the old one counts no more', async () => {
    const auth =
      'admin: { listen: "127.0.0.1:0", auth: { tokens: [{ name: ci, role: operator, secret: { file: token } }] } }'
    const yaml = WATCHED.replace(/^admin:.*$/m, auth) + says('all', '/*', 'one')
    const running = await start(yaml, async (folder, text) => {
      await writeFile(join(folder, 'token'), 'first-secret-of-the-operator')
      await writeFile(join(folder, 'sluice.yaml'), text)
      return join(folder, 'sluice.yaml')
    })
    const status = async (secret: string): Promise<number> =>
      (await running.admin('/api/v1/status', { authorization: `Bearer ${secret}` })).status
    expect(await status('first-secret-of-the-operator')).toBe(200)
    await writeFile(join(running.folder, 'token'), 'second-secret-of-the-operator')
    await until(async () => (await status('second-secret-of-the-operator')) === 200, 'the new secret counts')
    expect(await status('first-secret-of-the-operator')).toBe(401)
  })

  it('on SIGHUP, where nobody watches', async () => {
    const yaml = WATCHED.replace('watch: 100ms', 'watch: off')
    const running = await start(yaml + says('all', '/*', 'one'))
    await writeFile(running.file, yaml + says('all', '/*', 'two'))
    running.child.kill('SIGHUP')
    await answers(running, '/', 'two')
    expect(await logged(running, 'another config is live')).toMatchObject({ trigger: 'signal' })
  })
})

describe('a bad file changes nothing', () => {
  it('and shows in log, probes, metrics and status until it is mended', async () => {
    const running = await start(WATCHED + says('all', '/*', 'one'))
    await writeFile(
      running.file,
      `${WATCHED}  all: { match: { path: /* }, respond: { status: 2000 } }\n  "bad name": {}\n`,
    )
    const refused = await logged(running, 'a config was refused, the one before stays live')
    expect(refused).toMatchObject({ level: 'error', trigger: 'file' })
    expect(String(refused.problems)).toMatch(/sluice\.yaml:11:\d+: routes\.all\.respond\.status: .*2000/)
    expect((await running.get('/')).body).toBe('one')
    expect(JSON.parse((await running.probe('/readyz')).body)).toEqual({
      status: 'ok',
      reasons: [],
      notes: ['config_stale'],
    })
    expect(await metric(running, 'sluice_config_last_reload_successful')).toBe(0)
    const { config } = (await running.status()) as unknown as { config: { last: { ok: boolean; problems: string[] } } }
    expect(config.last).toMatchObject({ ok: false, trigger: 'file', problems: refused.problems })

    await writeFile(running.file, WATCHED + says('all', '/*', 'two'))
    await answers(running, '/', 'two')
    // A worker serves by a config before the control plane has heard that all do.
    await until(async () => JSON.parse((await running.probe('/readyz')).body).notes.length === 0, 'no note is left')
    expect(await metric(running, 'sluice_config_last_reload_successful')).toBe(1)
  })

  it('not even when it is gone', async () => {
    const running = await start(WATCHED + says('all', '/*', 'one'))
    await rm(running.file)
    await logged(running, 'a config was refused, the one before stays live')
    expect((await running.get('/')).body).toBe('one')
  })
})

describe('listeners', () => {
  const listening = (names: readonly string[], body: string): string =>
    WATCHED.replace(
      /^ {2}web:.*$/m,
      names
        .map((name) => `  ${name}: { listen: "127.0.0.1:0", limits: { headerCount: ${90 + names.indexOf(name)} } }`)
        .join('\n'),
    ) + says('all', '/*', body)

  it('come and go without a word to the others', async () => {
    const running = await start(listening(['web'], 'one'))
    await writeFile(running.file, listening(['web', 'second'], 'two'))
    await answers(running, '/', 'two')
    type Listeners = { listeners: { name: string; port: number }[] }
    const found = async () => ((await running.status()) as unknown as Listeners).listeners
    await until(async () => (await found()).length === 2, 'a second listener')
    const listeners = await found()
    expect(listeners.find(({ name }) => name === 'web')?.port).toBe(running.port())
    const second = listeners.find(({ name }) => name === 'second')?.port as number
    expect((await fetchRaw(second, 'GET', '/', {})).body).toBe('two')

    await writeFile(running.file, listening(['web'], 'three'))
    await answers(running, '/', 'three')
    await until(async () => (await found()).length === 1, 'one listener')
    const refused = async (): Promise<boolean> =>
      fetchRaw(second, 'GET', '/', {}).then(
        () => false,
        (error: Error) => error.message.includes('ECONNREFUSED'),
      )
    await until(refused, 'its port is closed')
  })

  it('an address that is taken makes the config a bad one', async () => {
    const running = await start(listening(['web'], 'one'))
    const taken = `  taken: { listen: "127.0.0.1:${running.adminPort}" }\n`
    await writeFile(running.file, listening(['web'], 'two').replace('admin:', `${taken}admin:`))
    const refused = await logged(running, 'a config was refused, the one before stays live')
    expect(String(refused.problems)).toContain(String(running.adminPort))
    expect((await running.get('/')).body).toBe('one')
  })
})
