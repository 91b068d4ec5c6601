import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll } from 'vitest'
import { IterableSource } from '../../src/core/iterable-source.ts'
import { NO_RELIEF } from '../../src/core/relief.ts'
import { MemorySource } from '../../src/core/source.ts'
import { StateSlot } from '../../src/core/state-slot.ts'
import { isReply } from '../../src/core/verdict.ts'
import { EMPTY_CHAIN } from '../../src/data/engine/chain.ts'
import { EngineServices } from '../../src/data/engine/services.ts'
import { Disk, OpenFile } from '../../src/features/respond/disk.ts'
import { FileSource } from '../../src/features/respond/file-source.ts'
import { EngineKit } from '../kit/engine.ts'
import { describeSource, type MadeSource } from './source.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-source-'))
afterAll(() => rmSync(folder, { recursive: true }))

describeSource('memory', { inTurns: false, make: (body) => ({ source: new MemorySource(body), released: () => true }) })

async function fromFile(body: Buffer): Promise<MadeSource & { readonly path: string }> {
  const path = join(folder, `${body.length}`)
  writeFileSync(path, body)
  const file = await new Disk(NO_RELIEF, new StateSlot<OpenFile>(0), async () => undefined).open({ state: [] }, path)
  if (!(file instanceof OpenFile)) throw new Error(JSON.stringify(file))
  return { source: new FileSource(file), released: () => file.closed, path }
}

describeSource('file', {
  inTurns: true,
  make: fromFile,
  broken: async (body) => {
    const made = await fromFile(body)
    truncateSync(made.path, 100_000)
    return made
  },
})

function generated(body: Buffer, fails: boolean): MadeSource {
  let open = true
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < body.length; at += 10_000) {
        if (fails && at > 50_000) throw new Error('no more')
        yield body.subarray(at, at + 10_000)
      }
    } finally {
      open = false
    }
  }
  const iterable = chunks()
  const source = new IterableSource(iterable)
  // A generator that was never begun has no block to leave; it is done all the same.
  return { source, released: async () => !open || (await iterable.next()).done === true }
}

describeSource('generator', {
  inTurns: true,
  make: (body) => generated(body, false),
  broken: (body) => generated(body, true),
})

function streamed(body: Buffer, fails: boolean): MadeSource {
  let at = 0
  const stream = new Readable({
    highWaterMark: 10_000,
    read() {
      if (fails && at > 50_000) this.destroy(new Error('no more'))
      else this.push(at < body.length ? body.subarray(at, at + 10_000) : null)
      at += 10_000
    },
  })
  return { source: new IterableSource(stream, fails ? undefined : body.length), released: () => stream.destroyed }
}

describeSource('stream of Node', {
  inTurns: true,
  make: (body) => streamed(body, false),
  broken: (body) => streamed(body, true),
})

/** What an upstream sends in chunks, as long as it is read. */
async function relayed(body: Buffer, fails: boolean): Promise<MadeSource> {
  const kit = new EngineKit()
  const side = new EngineServices(kit.engine, () => EMPTY_CHAIN).of('toy').stream({
    upstream: 'a',
    head: { method: 'GET', target: '/', headers: [] },
    deadlineMs: 5_000,
    teaches: false,
  })
  const connection = kit.latest
  connection.connect()
  connection.events.onHead(200, ['content-length', String(body.length)])
  const reply = await side.result
  if (!isReply(reply) || reply.body === undefined || Buffer.isBuffer(reply.body)) throw new Error('no source')
  let at = 0
  const send = (): void => {
    if (!connection.busy) return
    if (fails && at > 50_000) connection.fail({ reason: 'upstream_reset' })
    else if (at >= body.length) connection.finish()
    else if (!connection.paused) {
      connection.events.onData(body.subarray(at, at + 10_000))
      at += 10_000
    }
    setImmediate(send)
  }
  send()
  return { source: reply.body, released: () => !connection.busy }
}

describeSource('answer of an upstream', {
  inTurns: true,
  make: (body) => relayed(body, false),
  broken: (body) => relayed(body, true),
})
