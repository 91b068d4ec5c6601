import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../../..')
const MEBI = 1_048_576

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-cycles-'))
})

afterAll(() => rm(folder, { recursive: true }))

/** Of a process that makes and closes gateways. */
async function cycles(warm: number, count: number, workers: string, folder: readonly string[]) {
  const script = join(ROOT, 'test/kit/embed-cycles.ts')
  const flags = ['--expose-gc', '--conditions=sluice-source']
  const args = [...flags, script, String(warm), String(count), workers, ...folder]
  const { stdout } = await run(join(ROOT, 'node_modules/.bin/node'), args)
  return JSON.parse(stdout)
}

describe('gateways that were made and closed', () => {
  test.each([
    ['200 in this thread', 20, 200, 'inline', false],
    ['20 with state, admin API, exports and a plug-in', 10, 20, 'inline', true],
    ['12 with a worker each', 3, 12, '1', false],
  ])(
    '%s leave memory, handles and threads where they were',
    async (_name, warm, count, workers, full) => {
      const { after, before } = await cycles(warm, count, workers, full ? [folder] : [])
      const { heapUsed, outside, ...left } = after
      expect(left).toEqual(pick(before))
      expect(left.resources.filter((name: string) => name !== 'PipeWrap')).toEqual(['TCPServerWrap'])
      // Of a gateway that is not let go, cells and pages alone take half a MiB.
      expect(heapUsed - before.heapUsed).toBeLessThan(5 * MEBI)
      expect(outside - before.outside).toBeLessThan(5 * MEBI)
    },
    240_000,
  )
})

function pick({ descriptors, listeners, resources, threads }: Record<string, unknown>) {
  return { descriptors, listeners, resources, threads }
}
