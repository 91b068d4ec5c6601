import { expect, test } from 'vitest'
import { projectFiles, read } from './files.ts'

/** What the page names although it is not there: places of what is to be added. */
const TO_COME = /NAME|^core\/store\.ts$/

test('docs/architecture.md names only files that there are', () => {
  const page = read('docs/architecture.md')
  const named = Array.from(page.matchAll(/`([\w/-]+\.ts)`/g), ([, path]) => path as string)
  const files = projectFiles(/^(src|test|scripts)\//)
  const missing = named.filter((path) => !TO_COME.test(path) && !files.some((file) => `/${file}`.endsWith(`/${path}`)))
  expect(named.length).toBeGreaterThan(50)
  expect(missing).toEqual([])
})

test('docs/architecture.md names every folder of the first two levels of src', () => {
  const page = read('docs/architecture.md')
  const folders = new Set(projectFiles(/^src\/\w+\/[\w-]+\//).map((file) => file.split('/').slice(1, 3).join('/')))
  const told = (folder: string): boolean => {
    const [top = '', name = ''] = folder.split('/')
    return top === 'features' || page.includes(folder) || (page.includes(`\`${top}/`) && page.includes(`${name}`))
  }
  expect([...folders].filter((folder) => !told(folder))).toEqual([])
})
