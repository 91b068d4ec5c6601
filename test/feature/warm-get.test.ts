import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')

/** Raise it only for what every request needs: each file more is one more to read for who follows a request. */
const MOST = 110

async function crossed(): Promise<string[]> {
  const args = ['--conditions=sluice-source', join(ROOT, 'test/kit/warm-get.ts')]
  const { stdout } = await promisify(execFile)(join(ROOT, 'node_modules/.bin/node'), args)
  return JSON.parse(stdout) as string[]
}

/** Files that a section of the page names. */
function named(page: string, heading: string): string[] {
  const [, rest = ''] = page.split(`### ${heading}\n`)
  const [section = ''] = rest.split(/^##/m)
  return Array.from(section.matchAll(/^(?:\d\.| {3}).*$/gm), ([line]) =>
    Array.from(line.matchAll(/`([\w/-]+\.ts)`/g), ([, file]) => file as string),
  ).flat()
}

test('a warm GET crosses the files that docs/architecture.md names, and no others', async () => {
  const files = await crossed()
  const listed = named(await readFile(join(ROOT, 'docs/architecture.md'), 'utf8'), 'The files of a warm GET')
  expect(files.length).toBeGreaterThan(30)
  expect(listed.toSorted()).toEqual(files)
  expect(files.length).toBeLessThanOrEqual(MOST)
}, 120_000)
