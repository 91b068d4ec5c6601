import { type FileHandle, open } from 'node:fs/promises'
import type { AuditLine } from './blocks.ts'
import { hashOf, readChained } from './chain.ts'
import { auditFile } from './folder.ts'

const LINE_FEED = 10
/** Read at once; what is parsed of it takes some milliseconds. */
const CHUNK_BYTES = 1_048_576
/** No command is as long as this: what has no end by then is none of ours. */
const LONGEST_LINE = 16 * CHUNK_BYTES

/** The whole lines of a file of an audit log, from a byte on where one begins. `to`: the end of the last one; the file may be longer. */
export async function* auditLines(
  folder: string,
  file: number,
  from: number,
  to: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<AuditLine> {
  const handle = await opened(auditFile(folder, file))
  // It was the oldest, and has made room.
  if (handle === undefined) return
  try {
    yield* linesOf(handle, { file, from, to })
  } finally {
    await handle.close()
  }
}

async function* linesOf(
  handle: FileHandle,
  { file, from, to }: { readonly file: number; readonly from: number; readonly to: number },
): AsyncGenerator<AuditLine> {
  let at = from
  let rest: Buffer = Buffer.alloc(0)
  while (at + rest.length < to && rest.length < LONGEST_LINE) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, to - at - rest.length))
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at + rest.length)
    if (bytesRead === 0) return
    const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)])
    let start = 0
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
      const text = bytes.subarray(start, end)
      const entry = readChained(text.toString('utf8'))
      yield { file, from: at + start, to: at + end + 1, hash: hashOf(text), entry }
      start = end + 1
    }
    at += start
    rest = bytes.subarray(start)
  }
}

async function opened(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
