import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blocks } from '../../kit/markdown.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../../..')
const PAGE = await readFile(join(ROOT, 'docs/embedding.md'), 'utf8')
const PROGRAMS = blocks(PAGE, 'ts')

let folder: string
let orders: TestUpstream

beforeAll(async () => {
  orders = await testUpstream((_request, response) => void response.end('ok'))
  folder = await mkdtemp(join(tmpdir(), 'sluice-docs-'))
  await mkdir(join(folder, 'node_modules'))
  await symlink(ROOT, join(folder, 'node_modules/sluice'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
})

afterAll(async () => {
  await orders.close()
  await rm(folder, { recursive: true })
})

/** What the program says that it prints; `|` stands between lines of one statement. */
function promised(program: string): string {
  const lines = Array.from(program.matchAll(/\/\/ → (.*)$/gm), ([, text = '']) => text.split(' | '))
  return lines.flat().join('\n')
}

describe('the programs of docs/embedding.md', () => {
  test('are some', () => {
    expect(PROGRAMS.length).toBeGreaterThan(4)
  })

  test.each(PROGRAMS.map((program, i) => [i + 1, program] as const))('%i prints what it says', async (i, program) => {
    const file = join(folder, `program-${i}.ts`)
    const here = program.replaceAll(':3000', `:${orders.port}`).replaceAll('127.0.0.1:8080', '127.0.0.1:0')
    await writeFile(file, here)
    const { stdout } = await run(join(ROOT, 'node_modules/.bin/node'), ['--conditions=sluice-source', file])
    // An event may come before or after what a call of the program prints.
    expect(stdout.trimEnd().split('\n').sort()).toEqual(promised(program).split('\n').sort())
  })
})
