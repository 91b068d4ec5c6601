import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { check as command } from '../../../src/cli/check.ts'
import { type Ended, runCommand, sluice } from './cli.ts'

const GOOD = `apiVersion: sluice/v1
listeners:
  web: { listen: 127.0.0.1:8080 }
routes:
  hello:
    match: { path: /hello }
    respond: { body: Hello }
`
const WARNED = `${GOOD}upstreams:
  spare:
    endpoints: [ http://127.0.0.1:9101 ]
`
const BROKEN = GOOD.replace('path: /hello', 'path: hello').replace('respond', 'repsond')
const HELLO =
  'warned.yaml:10:5: warning: upstreams.spare: no route leads here [unused-upstream]\n  10 |     endpoints: [ http://127.0.0.1:9101 ]\n     |     ^\n'

let folder: string
let before: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-check-'))
  await writeFile(join(folder, 'good.yaml'), GOOD)
  await writeFile(join(folder, 'warned.yaml'), WARNED)
  await writeFile(join(folder, 'broken.yaml'), BROKEN)
  await mkdir(join(folder, 'folder'))
  before = process.cwd()
  process.chdir(folder)
})

afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true, force: true })
})

/** In this process: what a process of its own adds to it is seen in the first of the tests, and in those of others. */
function check(...args: string[]): Promise<Ended> {
  return runCommand(command, args)
}

/** Checks a file with this content. */
async function checkBytes(name: string, bytes: string | Uint8Array): Promise<Ended> {
  await writeFile(join(folder, name), bytes)
  return check(name)
}

describe('sluice check', () => {
  it('ends with 0 and counts what it found in a good file', async () => {
    const stdout = 'good.yaml: ok, 1 route, 0 upstreams\n'
    expect(await sluice(folder, ['check', 'good.yaml'])).toEqual({ code: 0, stdout, stderr: '' })
  })

  it('takes sluice.yaml of the folder when no file is named', async () => {
    await writeFile(join(folder, 'sluice.yaml'), GOOD)
    const { code, stdout } = await check()
    expect({ code, stdout }).toEqual({ code: 0, stdout: './sluice.yaml: ok, 1 route, 0 upstreams\n' })
  })

  it('ends with 2 and tells every mistake on standard error', async () => {
    const { code, stdout, stderr } = await sluice(folder, ['check', 'broken.yaml'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    const lines = stderr.trimEnd().split('\n')
    expect(lines).toHaveLength(6)
    expect(lines[0]).toMatch(/^broken\.yaml:6:20: routes\.hello\.match\.path: "hello" is not a path/)
    expect(lines.slice(1, 3)).toEqual(['  6 |     match: { path: hello }', '    |                    ^'])
    expect(lines[3]).toBe('broken.yaml:7:5: routes.hello.repsond: unknown key; did you mean respond?')
    expect(lines.slice(4)).toEqual(['  7 |     repsond: { body: Hello }', '    |     ^'])
  })

  it('lets warnings pass, unless it is strict', async () => {
    const lax = await check('warned.yaml')
    expect({ code: lax.code, stderr: lax.stderr }).toEqual({ code: 0, stderr: HELLO })
    const strict = await check('warned.yaml', '--strict')
    expect({ code: strict.code, stderr: strict.stderr }).toEqual({ code: 2, stderr: HELLO })
  })

  it('checks every file that is named, and ends with 2 if one of them is broken', async () => {
    const { code, stdout, stderr } = await check('broken.yaml', 'good.yaml', 'warned.yaml')
    expect(code).toBe(2)
    expect(stdout).toBe('good.yaml: ok, 1 route, 0 upstreams\nwarned.yaml: ok, 1 route, 1 upstream\n')
    expect(stderr.match(/^\S+:\d+:\d+: /gm)).toHaveLength(3)
  })

  it('prints a list for tools with --json, also when it is empty', async () => {
    const { code, stdout, stderr } = await check('--json', 'warned.yaml', 'broken.yaml')
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    const found = JSON.parse(stdout) as unknown[]
    expect(found).toHaveLength(3)
    expect(found[0]).toEqual({
      severity: 'warning',
      file: 'warned.yaml',
      line: 10,
      column: 5,
      path: 'upstreams.spare',
      message: 'no route leads here',
      lint: 'unused-upstream',
    })
    expect(found[2]).toMatchObject({ severity: 'error', file: 'broken.yaml', line: 7, path: 'routes.hello.repsond' })
    expect(await check('--json', 'good.yaml')).toEqual({ code: 0, stdout: '[]\n', stderr: '' })
  })

  it('prints a SARIF log with --sarif', async () => {
    const { code, stdout, stderr } = await check('--sarif', 'warned.yaml', 'broken.yaml')
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    const { runs } = JSON.parse(stdout) as { runs: [{ results: { ruleId: string; locations: object[] }[] }] }
    expect(runs[0].results.map(({ ruleId }) => ruleId)).toEqual(['unused-upstream', 'config-error', 'config-error'])
    expect(runs[0].results[0]?.locations).toEqual([
      { physicalLocation: { artifactLocation: { uri: 'warned.yaml' }, region: { startLine: 10, startColumn: 5 } } },
    ])
  })

  it('prints annotations with --github', async () => {
    const { code, stdout, stderr } = await check('--github', '--strict', 'warned.yaml')
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    expect(stdout).toBe(
      '::warning file=warned.yaml,line=10,col=5,title=sluice unused-upstream::upstreams.spare: no route leads here\n',
    )
    expect(await check('--github', 'good.yaml')).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('never quotes a line with a secret', async () => {
    const text = GOOD.replace('{ body: Hello }', '{ headers: { x-api-key: hunter2 } }')
    const { code, stderr } = await checkBytes('secret.yaml', text)
    expect(code).toBe(0)
    expect(stderr).toBe(
      `secret.yaml:7:38: warning: routes.hello.respond.headers.x-api-key: the value of x-api-key is a secret in plain text; take it from the environment: \${NAME} [plain-text-secret]\n`,
    )
  })

  it('puts values of the environment in', async () => {
    await writeFile(join(folder, 'env.yaml'), GOOD.replace('127.0.0.1:8080', `"127.0.0.1:\${PORT}"`))
    expect((await sluice(folder, ['check', 'env.yaml'], { PORT: '8081' })).code).toBe(0)
    const { code, stderr } = await check('env.yaml')
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /^env\.yaml:3:18: the environment value PORT is not set; set it, or write \$\{PORT:-default\}\n/,
    )
  })

  it('ends with 64 when the command itself is wrong', async () => {
    const flag = await check('--jsno', 'good.yaml')
    expect(flag.code).toBe(64)
    expect(flag.stderr).toMatch(/^sluice check: .*--jsno/)
    const formats = await check('--json', '--sarif', 'good.yaml')
    expect(formats).toEqual({ code: 64, stdout: '', stderr: 'sluice check: expected one of --json and --sarif\n' })
    const command = await sluice(folder, ['chekc', 'good.yaml'])
    expect(command.code).toBe(64)
    expect(command.stderr).toMatch(/^sluice: unknown command "chekc"/)
    expect((await sluice(folder, [])).code).toBe(64)
  })
})

describe('files that are no config', () => {
  /** One mistake on standard error, nothing else: its line, and where it has a place an excerpt of two more. */
  function refused({ code, stdout, stderr }: Ended): string {
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    const [line, ...excerpt] = stderr.trimEnd().split('\n') as [string, ...string[]]
    expect(excerpt).toHaveLength(/^\S+:\d+:\d+: /.test(line) ? 2 : 0)
    return line
  }

  it('a file that is not there', async () => {
    expect(refused(await check('no-such.yaml'))).toBe('no-such.yaml: there is no such file')
  })

  it('a folder', async () => {
    expect(refused(await check('folder'))).toMatch(/^folder: no \*.yaml file is in this folder/)
  })

  it('a path through a file', async () => {
    expect(refused(await check('good.yaml/deeper.yaml'))).toMatch(/^good\.yaml\/deeper\.yaml: there is no such file: /)
  })

  it.skipIf(process.getuid?.() === 0)('a file that this user may not read (root may: skipped)', async () => {
    await writeFile(join(folder, 'closed.yaml'), GOOD, { mode: 0o200 })
    expect(refused(await check('closed.yaml'))).toBe('closed.yaml: this user may not read the file')
  })

  it('an empty file, and one with comments only', async () => {
    const says = 'the file is empty; it starts with: apiVersion: sluice/v1'
    expect(refused(await checkBytes('empty.yaml', ''))).toBe(`empty.yaml:1:1: ${says}`)
    expect(refused(await checkBytes('comments.yaml', '# one\n\n  # two\n'))).toBe(`comments.yaml:1:1: ${says}`)
  })

  it('is not held up by a long line of a comment', async () => {
    expect(await checkBytes('ruler.yaml', `${'#'.repeat(200)}\n${' '.repeat(100_000)}\n${GOOD}`)).toMatchObject({
      code: 0,
    })
  })

  it('50 MB', async () => {
    const line = refused(await checkBytes('large.yaml', Buffer.alloc(50 * 1024 * 1024, `${GOOD}# filler\n`)))
    expect(line).toBe('large.yaml: the file is too large: at most 16777216 bytes (16 MiB) are read')
  })

  it('a device without end', async () => {
    const line = refused(await check('/dev/zero'))
    expect(line).toBe('/dev/zero: the file is too large: at most 16777216 bytes (16 MiB) are read')
  })

  it('bytes that are no text', async () => {
    const junk = Uint8Array.from({ length: 4096 }, (_, i) => 1 + ((i * 197 + (i >> 5)) % 255))
    expect(refused(await checkBytes('junk.yaml', junk))).toBe(
      'junk.yaml:1:8: this is not UTF-8 text; expected a YAML file',
    )
  })

  it('NUL bytes', async () => {
    const line = refused(await checkBytes('nul.yaml', `${GOOD}\0\0`))
    expect(line).toBe('nul.yaml:8:1: this is not text: it contains NUL bytes; expected a YAML file')
  })

  it('control characters', async () => {
    expect(refused(await checkBytes('control.yaml', `\u0001\u0002\u001b[31m`))).toMatch(/^control\.yaml:1:1: /)
  })

  it('aliases that expand to more values than memory has room for', async () => {
    const levels = Array.from({ length: 12 }, (_, i) => {
      const before = i === 0 ? 'lol' : `*a${i - 1}`
      return `x-${i}: &a${i} [${Array.from({ length: 10 }, () => before).join(', ')}]\n`
    })
    const line = refused(await checkBytes('bomb.yaml', `${GOOD}${levels.join('')}`))
    expect(line).toMatch(/^bomb\.yaml:\d+:\d+: aliases expand to more than 1000000 values$/)
  })

  it.each([
    ['lists', '['.repeat(10_000)],
    ['lists that are closed', '['.repeat(10_000) + ']'.repeat(10_000)],
    ['maps', '{ a: '.repeat(10_000)],
    ['items', '- '.repeat(10_000)],
    ['indentation', Array.from({ length: 2_000 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')],
    ['keys', '? '.repeat(10_000)],
  ])('10,000 levels of %s', async (name, text) => {
    const file = `deep-${name.replaceAll(' ', '-')}.yaml`
    expect(refused(await checkBytes(file, text))).toMatch(/nested deeper than 100 levels$/)
  })

  it('the same key ten thousand times', async () => {
    const { code, stderr } = await checkBytes('keys.yaml', GOOD + 'x-a: 1\n'.repeat(10_000))
    expect(code).toBe(2)
    expect(stderr).toMatch(/^keys\.yaml:9:1: the key "x-a" is here twice; the first is in line 8\n/)
    expect(stderr.match(/is here twice/g)).toHaveLength(9_999)
  })
})
