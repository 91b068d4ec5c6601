import { execFile } from 'node:child_process'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { collect } from '../../../src/lib/scavenge.ts'

test('what nothing holds is gone after a collection', async () => {
  const gone = new WeakRef({ of: 'the start' })
  const held = { of: 'what runs' }
  const stays = new WeakRef(held)
  // A WeakRef holds its object until the present job ends.
  await turn()
  collect()
  expect([gone.deref(), stays.deref()]).toEqual([undefined, held])
})

test('young objects are collected by their own thread alone, once that was said', async () => {
  const program = `
    import { collectAlone } from ${JSON.stringify(new URL('../../../src/lib/scavenge.ts', import.meta.url).href)}
    collectAlone()
    const held = []
    for (let i = 0; i < 1_600_000; i++) if (i % 4 === 0) held.push({ i, list: [i] })
  `
  const traced = ['--trace-gc', '--trace-parallel-scavenge', '--input-type=module', '-e', program]
  const { stdout } = await promisify(execFile)(process.execPath, traced)
  // A line per thread that took part, then one of the collection. The first came before that was said, as modules were loaded.
  const collections = stdout
    .split(/^.*: Scavenge .*$/m)
    .slice(0, -1)
    .slice(-3)
  expect(collections).toHaveLength(3)
  for (const collection of collections) expect(collection.match(/ scavenge\[/g)).toHaveLength(1)
})
