import { readdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { check } from '../../../src/cli/check.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import { BY_HAND } from './broken/by-hand.ts'
import { MUTATORS, type Mutant } from './broken/mutants.ts'
import { placesIn } from './broken/places.ts'

const TOP = fileURLToPath(new URL('../../../', import.meta.url))
const SOURCES = [
  'test/feature/cli/broken/rich.yaml',
  'config/sluice.yaml',
  ...readdirSync(`${TOP}config/examples`)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => `config/examples/${file}`),
]

/** What is wrong with how a broken file is refused; undefined: nothing. */
async function complaint(bytes: Uint8Array, text: string, near: Mutant['near']): Promise<string | undefined> {
  const { config, diagnostics } = await loadConfig('a.yaml', { ...loadDeps({}), readFile: async () => bytes })
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  const told = errors.map(({ at, message }) => `${at.line}:${at.column} ${message}`).join(' | ')
  if (config !== undefined || errors.length === 0) return `loads ${told}`
  const lines = text.split('\n')
  const offsets = errors.map(({ at }) => {
    const line = lines[at.line - 1]
    if (line === undefined || at.column < 1 || at.column > line.length + 1) return -1
    return lines.slice(0, at.line - 1).reduce((sum, before) => sum + before.length + 1, at.column - 1)
  })
  if (offsets.includes(-1)) return `outside the file: ${told}`
  return offsets.some((offset) => offset >= near.from && offset < near.to) ? undefined : `elsewhere: ${told}`
}

describe.each(SOURCES)('%s', (source) => {
  it.each(Object.entries(MUTATORS))('broken by %s', async (_name, mutate) => {
    const text = await readFile(`${TOP}${source}`, 'utf8')
    const complaints: string[] = []
    for (const mutant of mutate(text, placesIn(text))) {
      const why = await complaint(Buffer.from(mutant.text), mutant.text, mutant.near)
      if (why !== undefined) complaints.push(`${mutant.what}: ${why}`)
    }
    expect(complaints).toEqual([])
  })
})

describe('by hand', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-broken-'))
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it.each(BY_HAND.map((broken) => [broken.what, broken] as const))('%s', async (_what, { file, at, says }) => {
    const path = join(folder, 'sluice.yaml')
    await writeFile(path, file)
    const [stdout, stderr]: [string[], string[]] = [[], []]
    const code = await check([path], {
      stdout: (text) => void stdout.push(text),
      stderr: (text) => void stderr.push(text),
      env: {},
      isTTY: false,
    })
    const [first = ''] = stderr.join('').split('\n')
    expect({ code, stdout, at: first.slice(path.length + 1).split(': ')[0] }).toEqual({ code: 2, stdout: [], at })
    expect(first).toContain(says)
  })
})

describe('all of them together', () => {
  it('are more than 2,000 different files', async () => {
    const texts = new Set<string | Uint8Array>(BY_HAND.map(({ file }) => file))
    for (const source of SOURCES) {
      const text = await readFile(`${TOP}${source}`, 'utf8')
      const places = placesIn(text)
      for (const mutate of Object.values(MUTATORS)) for (const mutant of mutate(text, places)) texts.add(mutant.text)
    }
    expect(texts.size).toBeGreaterThan(2_000)
  })
})
