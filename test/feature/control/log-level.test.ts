import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type Ended, sluice as run } from '../cli/cli.ts'

const YAML = `${ONE_WORKER}
routes: { all: { match: { path: /* }, respond: { status: 204 } } }
`
let sluice: Sluice

beforeEach(async () => {
  sluice = await startSluice(YAML)
})

afterEach(async () => {
  expect(await sluice.stop()).toBe(0)
})

const cli = (...args: string[]): Promise<Ended> =>
  run(sluice.folder, ['log-level', ...args, '--admin', `http://127.0.0.1:${sluice.adminPort}`], {
    XDG_STATE_HOME: join(sluice.folder, 'state'),
  })

const levels = (): unknown[] => sluice.operational.map(({ level }) => level)

it('is changed for a time by sluice log-level, and comes back by itself', async () => {
  expect(await cli()).toEqual({ code: 0, stdout: 'info\n', stderr: '' })
  await sluice.command('reload', {})
  expect(levels()).not.toContain('debug')
  const changed = cli('debug', '--for', '3s')
  await until(async () => {
    await sluice.command('reload', {})
    return levels().includes('debug')
  })
  expect(await changed).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^debug until \S+Z, configured is info\n$/),
  })
  await until(async () => (await sluice.admin('/api/v1/log-level')).body === '{"level":"info","configured":"info"}')
})

it('is configured, and changed by a reload', async () => {
  await writeFile(sluice.file, `${YAML}logging: { level: error }\n`)
  await until(async () => (await sluice.admin('/api/v1/log-level')).body.includes('"level":"error"'))
  const told = () => sluice.operational.filter(({ message }) => message === 'command').map(({ path }) => path)
  await sluice.command('breakers', { route: 'all', to: 'auto' })
  expect((await cli('info')).stdout).toBe('info, configured is error\n')
  await sluice.command('reload', {})
  await until(() => told().includes('reload'))
  expect(told()).not.toContain('breakers')
})

it('says what is wrong', async () => {
  expect(await cli('loud')).toMatchObject({ code: 64, stderr: expect.stringContaining('debug, info, warn, error') })
  expect(await cli('--for', '1m')).toMatchObject({ code: 64 })
  expect(await cli('debug', '--for', '10')).toMatchObject({ code: 64, stderr: expect.stringContaining('write 10ms') })
})
