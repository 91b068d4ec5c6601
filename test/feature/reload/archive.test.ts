import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Archive } from '../../../src/control/operations/reload/archive.ts'
import { isUnavailable } from '../../../src/core/link.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { openState, stateFile } from '../../../src/stores/stores.ts'
import { memoryLog } from '../../kit/log.ts'
import { until } from '../../kit/until.ts'

const WRITER = fileURLToPath(new URL('archive-writer.ts', import.meta.url))
const MAIN = '/etc/sluice.yaml'
const KILLS = 8
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-archive-'))
})

afterEach(() => rm(folder, { recursive: true }))

test('kill -9 in the middle of a write leaves whole configs, and the next process finds the latest of them', async () => {
  for (let kills = 0; kills < KILLS; kills++) {
    const child = fork(WRITER, [stateFile(folder)], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const exited = once(child, 'exit')
    const written: unknown[] = []
    child.on('message', (hash) => written.push(hash))
    await until(() => written.length > 1, 'two are written')
    // Another point of a write each time.
    await new Promise((resolve) => setTimeout(resolve, 1 + ((kills * 7) % 23)))
    child.kill('SIGKILL')
    await exited

    const state = await openState(stateFile(folder), { clock: systemClock, log: memoryLog() })
    const archive = new Archive(state.store)
    const kept = await archive.list()
    if (isUnavailable(kept)) throw new Error(kept.unavailable)
    // The one after the last that it told of may be there, too.
    expect(kept.slice(0, 2).map(({ hash }) => hash)).toContain(written.at(-1))
    expect(kept.length).toBeLessThanOrEqual(21)
    expect(await archive.latest(MAIN)).toMatchObject({ number: kept[0]?.number })
    for (const { number } of kept)
      expect(await archive.read(number)).toMatchObject({
        documents: { main: expect.stringMatching(/^x{1200000}#\d+$/) },
      })
    await state.close()
  }
})
