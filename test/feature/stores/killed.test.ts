import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Store, StoreEntry } from '../../../src/core/store.ts'
import { seededRandom } from '../../../src/lib/random.ts'
import { answered } from '../../contract/store/harness.ts'
import { inFolder, openedSqlite, trySqlite } from '../../kit/sqlite-store.ts'
import { until } from '../../kit/until.ts'

const WRITER = fileURLToPath(new URL('../../kit/workers/store-writer.ts', import.meta.url))

/** A process that writes, and what it says was acknowledged. */
class Writer {
  readonly acknowledged: [number: number, version: number][] = []
  said = ''
  readonly child: ChildProcess
  private readonly closed: Promise<unknown>

  constructor(folder: string, inFlight = 64, bytes = 200) {
    const args = [WRITER, join(folder, 'store.db'), `${inFlight}`, `${bytes}`]
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.closed = once(this.child, 'close')
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const [number, version] = line.split(' ')
      if (/^\d/.test(line)) this.acknowledged.push([Number(number), Number(version)])
      else this.said = line
    })
  }

  /** SIGKILL; resolves when the process is gone and all that it said was read. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.closed
  }
}

async function everything(store: Store): Promise<Map<string, StoreEntry>> {
  const found = new Map<string, StoreEntry>()
  let after: string | undefined
  do {
    const page = answered(await store.scan('', after === undefined ? { limit: 1000 } : { limit: 1000, after }))
    for (const entry of page.entries) found.set(entry.key, entry)
    after = page.after
  } while (after !== undefined)
  return found
}

describe('a process that is killed while it writes', () => {
  test.each([
    [1, 64, 200],
    [2, 512, 2000],
    [3, 1, 200],
    [4, 64, 20_000],
    [5, 200, 10],
  ])('loses nothing that was acknowledged (round %i: %i in flight, %i bytes)', (round, inFlight, bytes) =>
    inFolder(async (folder) => {
      const writer = new Writer(folder, inFlight, bytes)
      const enough = 200 + seededRandom(round).float() * 2000
      await until(() => writer.acknowledged.length > enough, 'enough is acknowledged', 60_000)
      await writer.kill()
      const { engine, store } = await openedSqlite(folder)
      const found = await everything(store)
      const lost = writer.acknowledged.filter(([number, version]) => {
        const entry = found.get(`${number}`)
        return entry?.version !== version || !Buffer.from(entry.value).equals(Buffer.alloc(bytes, `${number} `))
      })
      expect(lost).toEqual([])
      const latest = Math.max(...Array.from(found.values(), ({ version }) => version))
      expect(answered(await store.put('after', new Uint8Array(1)))).toMatchObject({ version: expect.any(Number) })
      expect(answered(await store.get('after'))?.version).toBeGreaterThan(latest)
      await engine.close()
    })(),
  )
})

describe('two processes', () => {
  test(
    'one at a time has the file: the second one is told, and gets it when the first has ended, by whatever means',
    inFolder(async (folder) => {
      const first = new Writer(folder)
      await until(() => first.said === 'opened')
      const refused = await trySqlite(folder)
      expect(refused).toMatchObject({ refused: 'locked', message: 'another process has it open' })
      const second = new Writer(folder)
      await until(() => second.said === 'refused locked')
      await second.kill()
      const before = first.acknowledged.length
      await until(() => first.acknowledged.length > before)
      await first.kill()
      const { engine, store } = await openedSqlite(folder)
      expect((await everything(store)).size).toBeGreaterThanOrEqual(first.acknowledged.length)
      expect(await trySqlite(folder)).toMatchObject({ refused: 'locked' })
      await engine.close()
    }),
  )
})
