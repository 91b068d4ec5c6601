import { expect, test } from 'vitest'
import { explain } from '../../../src/cli/explain.ts'
import { test as runTests } from '../../../src/cli/test.ts'
import { runCommand } from '../../feature/cli/cli.ts'
import { exampleFolder } from '../../kit/feature-pages.ts'

const CONFIG = `listeners: { web: { listen: "127.0.0.1:0" } }
routes:
  site: { match: { path: /* }, respond: { directory: ./site } }
  fixed: { match: { path: /fixed }, respond: { status: 418, body: tea } }
tests:
  status-of-a-file: { request: { path: /a }, expect: { route: site, status: 200 } }
  status-that-is-fixed: { request: { path: /fixed }, expect: { route: fixed, status: 418 } }
`

test('explain says that a file is looked for when the request comes, and a test that expects its status fails', async () => {
  const { file, remove } = await exampleFolder(CONFIG)
  const { code, stdout } = await runCommand(explain, [file, 'GET', 'http://a.test/a'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^answer +known when the request comes$/m)
  expect(stdout).toMatch(/respond\.directory +\.\/site +route/)
  expect((await runCommand(explain, [file, 'GET', 'http://a.test/fixed'])).stdout).toMatch(
    /^answer +418 as configured$/m,
  )
  const run = await runCommand(runTests, [file])
  await remove()
  expect(run.code).toBe(3)
  expect(run.stdout).toMatch(/status-of-a-file[\s\S]*known when the request comes/)
  expect(run.stdout).toMatch(/ok +status-that-is-fixed/)
})
