import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { adminToken, stateDirOf } from '../../../src/control/machine/state-dir.ts'
import { systemRandom } from '../../../src/lib/random.ts'

const random = systemRandom()
const root = mkdtempSync(join(tmpdir(), 'sluice-state-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('where', () => {
  const place = { configured: undefined, env: {}, home: '/home/me', gateway: 'edge' }

  test('configured, systemd, XDG, home, in this order', () => {
    const env = { STATE_DIRECTORY: '/var/lib/sluice', XDG_STATE_HOME: '/xdg' }
    expect(stateDirOf({ ...place, env, configured: '/state' })).toBe('/state/edge')
    expect(stateDirOf({ ...place, env })).toBe('/var/lib/sluice/edge')
    expect(stateDirOf({ ...place, env: { ...env, STATE_DIRECTORY: '/a:/b' } })).toBe('/a/edge')
    expect(stateDirOf({ ...place, env: { XDG_STATE_HOME: '/xdg', STATE_DIRECTORY: '' } })).toBe('/xdg/sluice/edge')
    expect(stateDirOf({ ...place, env: { XDG_STATE_HOME: 'relative' } })).toBe('/home/me/.local/state/sluice/edge')
    expect(stateDirOf(place)).toBe('/home/me/.local/state/sluice/edge')
  })

  test.each(['..', '../x', '.', 'a/b', 'ümlaut'])('the name %j stays one folder below', (gateway) => {
    const dir = stateDirOf({ ...place, configured: '/state', gateway })
    expect(dir).toMatch(/^\/state\/[^/]+$/)
    expect(dir).not.toMatch(/\/\.+$/)
  })
})

describe('the token', () => {
  test('made once, kept for its owner only, found again', async () => {
    const dir = join(root, 'a', 'edge')
    const first = await adminToken(dir, random)
    expect(first.file).toBe(join(dir, 'admin-token'))
    expect(readFileSync(first.file!, 'utf8').trim()).toBe(first.token)
    expect(Buffer.from(first.token, 'base64url')).toHaveLength(32)
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    expect(statSync(first.file!).mode & 0o777).toBe(0o600)
    expect((await adminToken(dir, random)).token).toBe(first.token)
    expect(await readdir(dir)).toEqual(['admin-token'])
  })

  test('loose modes are mended, a file without a token is replaced', async () => {
    const dir = join(root, 'b')
    const { file, token } = await adminToken(dir, random)
    await chmod(file!, 0o644)
    await chmod(dir, 0o755)
    expect((await adminToken(dir, random)).token).toBe(token)
    expect([statSync(dir).mode & 0o777, statSync(file!).mode & 0o777]).toEqual([0o700, 0o600])
    writeFileSync(file!, 'short\n')
    const again = await adminToken(dir, random)
    expect(again.token.length).toBeGreaterThan(40)
    expect(readFileSync(file!, 'utf8').trim()).toBe(again.token)
  })

  test('a place that cannot be written gives a token all the same, and says why', async () => {
    const file = join(root, 'file')
    writeFileSync(file, '')
    const made = await adminToken(join(file, 'edge'), random)
    expect(made.file).toBeUndefined()
    expect(made.problem).toContain('ENOTDIR')
    expect(Buffer.from(made.token, 'base64url')).toHaveLength(32)
    await mkdir(join(root, 'c', 'admin-token'), { recursive: true })
    expect((await adminToken(join(root, 'c'), random)).problem).toBeDefined()
  })
})
