import { existsSync, statSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { sarifReport } from '../../src/cli/check-sarif.ts'
import { lintsOf } from '../../src/config/judge/lints/index.ts'
import { FEATURES } from '../../src/features/index.ts'
import { anchors, npmScripts, relativeLinks, withoutCode } from '../kit/markdown.ts'
import { projectFiles, ROOT, read } from './files.ts'

const PAGES = projectFiles(/^(docs\/.*|README|CHANGELOG)\.md$/).filter(there)

function there(path: string): boolean {
  return existsSync(join(ROOT, path))
}

/** What is wrong with a link to `target`, a path in the project with or without an anchor. */
function fault(target: string): string | undefined {
  const [path = '', anchor] = target.split('#')
  if (!there(path)) return 'no such file'
  if (anchor === undefined) return undefined
  if (statSync(join(ROOT, path)).isDirectory() || !path.endsWith('.md')) return 'no page with anchors'
  return anchors(read(path)).has(anchor) ? undefined : 'no such anchor'
}

function faults(links: readonly (readonly [from: string, target: string])[]): string[] {
  return links.flatMap(([from, target]) => {
    const wrong = fault(target)
    return wrong === undefined ? [] : [`${from}: ${target}: ${wrong}`]
  })
}

/** As the path in the project: `#a` of a page is an anchor of its own. */
function resolved(page: string, link: string): string {
  return link.startsWith('#') ? page + link : normalize(join(dirname(page), link))
}

describe('links', () => {
  test('of every page lead to a file, and to a heading of it', () => {
    const links = PAGES.flatMap((page) =>
      relativeLinks(withoutCode(read(page))).map((link) => [page, resolved(page, link)] as const),
    )
    expect(links.length).toBeGreaterThan(100)
    expect(faults(links)).toEqual([])
  })

  test('that source, rules and manifests name do, too', () => {
    const files = projectFiles(/^(src|config|k8s|scripts|test\/(feature|chaos|unit))\/.*\.(ts|tsx|js|html|ya?ml|json)$/)
    const named = files
      .filter(there)
      .flatMap((file) =>
        [...read(file).matchAll(/\bdocs\/[\w/-]+\.md(?:#[\w-]+)?/g)].map(([target]) => [file, target] as const),
      )
    expect(named.length).toBeGreaterThan(50)
    expect(faults(named)).toEqual([])
  })

  test('of SARIF reports do, too', async () => {
    const { runs } = sarifReport([], '0.0.0', await lintsOf(FEATURES)) as {
      runs: { tool: { driver: { rules: { helpUri: string }[] } } }[]
    }
    const links = runs
      .flatMap(({ tool }) => tool.driver.rules)
      .map(({ helpUri }) => relative(ROOT, fileURLToPath(helpUri)) + new URL(helpUri).hash)
    expect(links.length).toBeGreaterThan(10)
    expect(faults(links.map((link) => ['SARIF', link]))).toEqual([])
  })

  test('to what is not there are found', () => {
    expect(fault('docs/nothing.md')).toBe('no such file')
    expect(fault('docs/failures.md#nothing')).toBe('no such anchor')
    expect(fault('docs/failures.md#breaker_open')).toBeUndefined()
  })
})

test('the npm scripts that pages name exist', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const named = new Set(PAGES.flatMap((page) => npmScripts(read(page))))
  expect(named.size).toBeGreaterThan(10)
  expect([...named].filter((script) => !Object.hasOwn(scripts, script))).toEqual([])
})

test('docs/README.md leads to every page of docs', () => {
  const listed = relativeLinks(read('docs/README.md')).map((link) => normalize(join('docs', link.replace(/#.*$/, ''))))
  const pages = PAGES.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')
  expect(pages.filter((page) => !listed.includes(page) && !listed.includes(dirname(page)))).toEqual([])
})
