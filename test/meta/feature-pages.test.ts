import { basename } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { folderOf } from '../../scripts/feature-pages.ts'
import { check } from '../../src/cli/check.ts'
import { explain } from '../../src/cli/explain.ts'
import { test as runTests } from '../../src/cli/test.ts'
import type { KeyPlace } from '../../src/core/feature.ts'
import { FEATURES } from '../../src/features/index.ts'
import { runCommand } from '../feature/cli/cli.ts'
import { consoles, EXAMPLE_ENV, exampleFolder, missing } from '../kit/feature-pages.ts'
import { blocks, section } from '../kit/markdown.ts'
import { projectFiles, read } from './files.ts'

const PARTS = ['Example', 'Keys', 'What clients see', 'Metrics and decisions', 'When something is wrong']
const PAGES = projectFiles(/^docs\/features\/.*\.md$/)

test('each page has its feature', () => {
  const folders = new Set(FEATURES.map(folderOf))
  expect(PAGES.filter((page) => !folders.has(basename(page, '.md')))).toEqual([])
})

/** Where a key stands in the config, by the level on which a feature has it. */
const PATHS: Readonly<Record<KeyPlace, string>> = {
  root: '',
  listener: 'listeners.NAME.',
  upstream: 'upstreams.NAME.',
  loadBalancing: 'upstreams.NAME.loadBalancing.',
  route: 'routes.NAME.',
}

describe.each(FEATURES.map((feature) => [feature.name, feature] as const))('the feature %s', (name, feature) => {
  const page = `docs/features/${folderOf(feature)}.md`

  test(`has the page ${page}`, () => {
    expect(PAGES).toContain(page)
  })

  test('has blocks for its keys, metrics, decisions and states there', () => {
    const text = read(page)
    const named = (kind: string): string[] =>
      [...text.matchAll(new RegExp(`^<!-- ${kind}: (.+) -->$`, 'gm'))].flatMap(([, list = '']) => list.split(', '))
    const own = (has: boolean): string[] => (has ? [name] : [])
    const wanted = {
      keys: Object.keys(feature.keys).map((level) => PATHS[level as KeyPlace] + name),
      metrics: Object.keys(feature.metrics ?? {}),
      states: own((feature.states ?? feature.endpointStates) !== undefined),
      decisions: own(Object.keys(feature.decisions ?? {}).length > 0),
    }
    const lacking = Object.entries(wanted).flatMap(([kind, names]) =>
      names.filter((one) => !named(kind).includes(one)).map((one) => `${page} lacks <!-- ${kind}: ${one} -->`),
    )
    expect(lacking).toEqual([])
    expect(named('states')).toEqual(wanted.states)
    expect(named('decisions')).toEqual(wanted.decisions)
  })
})

describe.each(PAGES)('%s', (name) => {
  const page = read(name)

  test('says what it is for, then has its parts in their order', () => {
    const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading as string)
    expect(headings.filter((heading) => PARTS.includes(heading))).toEqual(PARTS)
    expect(page).toMatch(/^# .+\n\n[[A-Z][\s\S]+?\n\n## Example\n/)
  })

  test('has generated keys and metrics, or says that it has none', () => {
    for (const [part, kind] of [
      ['Keys', 'keys'],
      ['Metrics and decisions', 'metrics'],
    ] as const) {
      const text = section(page, `## ${part}`)
      expect(text.includes(`<!-- ${kind}: `) || /\b(none|None) of its own/.test(text), part).toBe(true)
    }
  })

  describe.each(blocks(page, 'yaml').map((yaml, i) => [i + 1, yaml] as const))('its example %d', (_, yaml) => {
    let example: Awaited<ReturnType<typeof exampleFolder>>

    beforeAll(async () => {
      example = await exampleFolder(yaml)
    })

    afterAll(() => example.remove())

    test('is a whole file without errors and warnings', async () => {
      const { code, stdout } = await runCommand(check, [example.file, '--strict', '--json'], EXAMPLE_ENV)
      expect({ code, found: JSON.parse(stdout) }).toEqual({ code: 0, found: [] })
    })

    test.runIf(yaml.includes('\ntests:'))('passes its own tests', async () => {
      const { code, stdout } = await runCommand(runTests, [example.file, '--fail-under', '100'], EXAMPLE_ENV)
      expect({ code, stdout }).toMatchObject({ code: 0 })
    })
  })

  test.runIf(consoles(page).length > 0)('explain prints what it shows', async () => {
    const [yaml = ''] = blocks(page, 'yaml')
    const example = await exampleFolder(yaml)
    for (const { args, lines } of consoles(page)) {
      const [command, file, ...rest] = args
      expect([command, file]).toEqual(['explain', 'sluice.yaml'])
      const { stdout, stderr } = await runCommand(explain, [example.file, ...rest], EXAMPLE_ENV)
      expect(stderr).toBe('')
      expect(lines).not.toEqual([])
      expect(missing(lines, stdout), stdout).toBeUndefined()
    }
    await example.remove()
  })
})

test('what explain does not print is found', () => {
  expect(missing(['a  1', 'c …'], 'a 1\nb 2\nc 3 4\n')).toBeUndefined()
  expect(missing(['b 2', 'a 1'], 'a 1\nb 2\n')).toBe('a 1')
  expect(missing(['a'], 'a 1\n')).toBe('a')
})
