import { readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { spawnSluice, startSluice, TOP } from '../../kit/sluice.ts'

const ROUTES = 'routes: { all: { match: { path: /* }, respond: { status: 204 } } }\n'

test('a first config whose listeners cannot be opened is not kept as the last good one; one that serves is', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as { port: number }
  let folder = ''
  const place = async (own: string, text: string): Promise<string> => {
    folder = own
    await writeFile(join(own, 'sluice.yaml'), text)
    return join(own, 'sluice.yaml')
  }
  const kept = async (): Promise<boolean> =>
    (await readdir(join(folder, 'state/sluice/test'))).includes('last-good.json')
  const failing = await spawnSluice(TOP.replace('"127.0.0.1:0"', `"127.0.0.1:${port}"`) + ROUTES, { place })
  expect(await failing.exited()).toBe(1)
  expect(failing.stderr).toContain('is in use')
  expect(await kept()).toBe(false)
  await failing.stop()
  taken.close()
  const serving = await startSluice(TOP + ROUTES, { place })
  expect(await kept()).toBe(true)
  await serving.stop()
})
