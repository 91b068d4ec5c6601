import { execFile } from 'node:child_process'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSluice } from '../../kit/sluice.ts'
import { sluice } from '../cli/cli.ts'
import { folderOf, put, remove } from './files.ts'

const ROOT = join(import.meta.dirname, '../../..')
const page = await readFile(join(ROOT, 'docs/plugins.md'), 'utf8')

/** Blocks of a language, as printed. */
function blocks(language: string): readonly string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, text]) => text as string,
  )
}

/** Those whose first line names a file. */
const files = Object.fromEntries(
  [...blocks('ts'), ...blocks('yaml')].map((text) => {
    const [, name = ''] = /^(?:\/\/|#) (\S+)\n/.exec(text) ?? []
    return [name, text]
  }),
)

let folder: string
beforeAll(async () => {
  folder = await folderOf(files)
})
afterAll(() => remove(folder))

test('each block of code names its file', () => {
  expect(Object.keys(files).toSorted()).toEqual([
    'audit-header.ts',
    'broken.ts',
    'broken.yaml',
    'echo.ts',
    'greeter.ts',
    'sluice.yaml',
  ])
})

const commands = blocks('console').flatMap((text) =>
  text
    .split(/^\$ /m)
    .slice(1)
    .map((one) => [one.slice(0, one.indexOf('\n')), one.slice(one.indexOf('\n') + 1)] as const),
)

test.each(commands)('$ %s: what is printed is what comes', async (command, printed) => {
  const [, ...args] = command.split(' ')
  const { code, stderr, stdout } = await sluice(folder, args)
  const all = `${stderr}${stdout}`
  expect(code).toBe(command.includes('broken') ? 2 : 0)
  for (const line of printed.split('\n').filter((text) => text !== '')) expect(all).toContain(line)
  if (printed === '') expect(all).toMatch(/auditHeader\.team +payments/)
})

test('it does to requests what the page says', async () => {
  const place = async (): Promise<string> => join(folder, 'sluice.yaml')
  const gateway = await startSluice('', { place })
  try {
    expect((await gateway.get('/')).headers['x-audited-by']).toBe('payments')
    await gateway.shows('sluice_audited_answers_total{route="hello"} 1')
  } finally {
    await gateway.stop()
  }
})

test('those that answer do', async () => {
  const place = async (): Promise<string> => join(folder, 'answers.yaml')
  await put(folder, {
    'answers.yaml': (files['sluice.yaml'] as string)
      .replace('./audit-header.ts', './echo.ts, ./greeter.ts')
      .replace(
        'auditHeader: { team: payments }',
        'echo: body\n  greet:\n    match: { path: /hello/* }\n    greeter: true',
      )
      .replace('    respond: { body: hello }\n', ''),
  })
  const gateway = await startSluice('', { place })
  try {
    expect((await gateway.send('POST', '/', 'what was sent')).body).toBe('what was sent')
    expect((await gateway.get('/hello/ann')).body).toBe('{"hello":"ann"}')
  } finally {
    await gateway.stop()
  }
})

test('the example that ships is the one of the page', async () => {
  const shipped = await readFile(join(ROOT, 'config/examples/plugins/audit-header.ts'), 'utf8')
  expect(`// audit-header.ts\n${shipped}`).toBe(files['audit-header.ts'])
})

test('sluice plugin new writes a plug-in whose test passes, and whose lines load', async () => {
  const own = await folderOf({})
  try {
    await mkdir(join(own, 'node_modules'))
    await symlink(ROOT, join(own, 'node_modules/sluice'))
    const { code, stdout } = await sluice(own, ['plugin', 'new', 'rateNote'])
    expect(code).toBe(0)
    expect(stdout).toContain('plugins: [./rate-note.ts]\n')
    // Inside this repository there is no build: the package is its source.
    const run = promisify(execFile)
    const { stdout: told } = await run(
      process.execPath,
      ['--conditions=sluice-source', '--test', 'rate-note.test.ts'],
      { cwd: own },
    )
    expect(told).toMatch(/pass 1\n/)
    expect((await sluice(own, ['plugin', 'new', 'rateNote'])).stderr).toContain('rate-note.ts: is there already')
    for (const bad of ['retries', 'match', 'a-b', 'constructor'])
      expect((await sluice(own, ['plugin', 'new', bad])).code).toBe(64)
  } finally {
    await remove(own)
  }
})
