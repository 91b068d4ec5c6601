import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { configurationPage } from '../../../scripts/configuration-page.ts'
import { filledPage } from '../../../scripts/feature-pages.ts'
import { lintsPage } from '../../../scripts/lints-page.ts'
import { DEFAULT_LANGUAGE } from '../../../src/config/language/default-language.ts'
import { keyDocs } from '../../../src/config/language/key-docs.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import { sluice } from './cli.ts'

const TOP = fileURLToPath(new URL('../../../', import.meta.url))
const page = configurationPage(keyDocs(DEFAULT_LANGUAGE))

describe('docs/configuration.md', () => {
  it('names every key with what it is for', () => {
    const { keys } = keyDocs(DEFAULT_LANGUAGE)
    expect(keys.length).toBeGreaterThan(100)
    expect(keys.filter(({ doc }) => doc.trim() === '')).toEqual([])
    expect(keys.filter(({ path }) => !page.includes(`\`${path}\``))).toEqual([])
  })

  it('shows a default for each key that has one', () => {
    const row = page.split('\n').find((line) => line.startsWith('| `routes.NAME.timeouts.request` |'))
    expect(row).toContain('| `15s` |')
    expect(page).toContain('| `listeners.NAME.listen` | an address with port')
  })

  it('opens with an example that the checker accepts', async () => {
    const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
    const loaded = await loadConfig('example.yaml', { ...loadDeps({}), readFile: async () => Buffer.from(example) })
    expect(loaded.diagnostics).toEqual([])
  })
})

describe('docs/lints.md', () => {
  it('has a heading for each name, that links lead to', async () => {
    const page = await lintsPage()
    const names = [...page.matchAll(/^\| \[`([a-z-]+)`\]\(#([a-z-]+)\)/gm)]
    expect(names.length).toBeGreaterThan(15)
    for (const [, name, anchor] of names)
      expect([anchor, page]).toEqual([name, expect.stringContaining(`\n### ${name}\n`)])
  })
})

describe('docs/features', () => {
  const { keys } = keyDocs(DEFAULT_LANGUAGE)

  it('blocks that name what there is not are errors', () => {
    expect(() => filledPage('<!-- keys: routes.NAME.nothing -->\n<!-- end -->\n', keys)).toThrow('routes.NAME.nothing')
    expect(() => filledPage('<!-- metrics: sluice_nothing -->\n<!-- end -->\n', keys)).toThrow('sluice_nothing')
  })
})

describe('config/sluice.schema.json', () => {
  it('is what sluice schema prints', async () => {
    const { code, stdout, stderr } = await sluice(TOP, ['schema'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(await readFile(`${TOP}config/sluice.schema.json`, 'utf8')).toBe(stdout)
  })
})

describe('the table of commands in docs/operations/running.md', () => {
  it('has each command as sluice --help prints it, and --help of each tells the same', async () => {
    const page = await readFile(`${TOP}docs/operations/running.md`, 'utf8')
    const { code, stdout } = await sluice(TOP, ['--help'])
    expect(code).toBe(0)
    const names = [...stdout.matchAll(/^ {2}sluice (\S+)/gm)].map((match) => match[1] as string)
    expect(names.length).toBeGreaterThan(20)
    expect(
      names.filter((name) => !page.includes(`| \`sluice ${name}`) && !page.includes(`, \`sluice ${name}`)),
    ).toEqual([])
    const [one, two] = [await sluice(TOP, ['status', '--help']), await sluice(TOP, ['drill', '-h'])]
    expect([one.code, one.stdout]).toEqual([0, expect.stringMatching(/^sluice status \[--json\]\n\n/)])
    expect([two.code, two.stdout]).toEqual([0, expect.stringMatching(/^sluice drill \[FILE\] /)])
  })
})
