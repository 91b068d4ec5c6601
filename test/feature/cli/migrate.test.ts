import { chmod, lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { routeNames } from '../../../src/config/upgrade/migrations/route-names.ts'
import { type Ended, sluice } from './cli.ts'

const { after, before } = routeNames

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-migrate-'))
})

beforeEach(async () => {
  await writeFile(join(folder, 'old.yaml'), before)
  await writeFile(join(folder, 'new.yaml'), after)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

function migrate(...args: string[]): Promise<Ended> {
  return sluice(folder, ['migrate', ...args])
}

describe('sluice migrate', () => {
  it('prints the newer file, and on standard error what it did', async () => {
    const { code, stdout, stderr } = await migrate('old.yaml')
    expect({ code, stdout }).toEqual({ code: 0, stdout: after })
    expect(stderr.trimEnd().split('\n')).toEqual([
      'old.yaml:4:1: routes: is now a map by name',
      'old.yaml:7:5: routes.robots.path: is now match.path',
      'old.yaml:9:21: routes.teapot.path: is now match.path',
      'old.yaml: from sluice/v1alpha1 to sluice/v1',
    ])
    expect(await readFile(join(folder, 'old.yaml'), 'utf8')).toBe(before)
  })

  it('writes it with --write: same mode, through a link, nothing left beside it', async () => {
    await chmod(join(folder, 'old.yaml'), 0o640)
    await symlink('old.yaml', join(folder, 'link.yaml'))
    const files = await readdir(folder)
    const { code, stdout } = await migrate('link.yaml', '--write')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(await readFile(join(folder, 'old.yaml'), 'utf8')).toBe(after)
    expect((await stat(join(folder, 'old.yaml'))).mode & 0o777).toBe(0o640)
    expect((await lstat(join(folder, 'link.yaml'))).isSymbolicLink()).toBe(true)
    expect(await readdir(folder)).toEqual(files)
  })

  it('does nothing to a file that is new already', async () => {
    const said = 'new.yaml: nothing to do: this is sluice/v1\n'
    expect(await migrate('new.yaml', '--write')).toEqual({ code: 0, stdout: '', stderr: said })
    expect(await migrate('new.yaml')).toEqual({ code: 0, stdout: after, stderr: said })
    expect(await migrate('new.yaml', '--check')).toEqual({ code: 0, stdout: '', stderr: said })
  })

  it('ends with 1 with --check when there is something to do', async () => {
    const { code, stdout, stderr } = await migrate('old.yaml', '--check')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(
      /old\.yaml: this is sluice\/v1alpha1; sluice migrate old\.yaml --write makes it sluice\/v1\n$/,
    )
    expect(await readFile(join(folder, 'old.yaml'), 'utf8')).toBe(before)
  })

  it('ends with 2 for what is no config, and 64 for a command that makes no sense', async () => {
    await writeFile(join(folder, 'bad.yaml'), 'apiVersion: [\n')
    expect(await migrate('bad.yaml')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^bad\.yaml:/),
    })
    expect(await migrate('no-such.yaml')).toMatchObject({ code: 2, stdout: '' })
    expect((await migrate('old.yaml', 'new.yaml')).code).toBe(64)
    expect((await migrate('old.yaml', '--check', '--write')).code).toBe(64)
  })

  it('is what the warning of sluice check names', async () => {
    const { code, stderr } = await sluice(folder, ['check', 'old.yaml'])
    expect(code).toBe(0)
    expect(stderr.split('\n')[0]).toBe(
      'old.yaml:1:13: warning: apiVersion: sluice/v1alpha1 is an older version; sluice migrate old.yaml --write makes it sluice/v1',
    )
  })
})
