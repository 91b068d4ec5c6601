import { readFile, truncate } from 'node:fs/promises'
import { type ChainLink, hashOf, readChained, START } from './chain.ts'
import { auditFile, auditFiles } from './folder.ts'

const LINE_FEED = 10

/** Where an audit log ends on disk. */
export interface Tail {
  /** Number of its last file; 0: it has none. */
  readonly file: number
  /** Of that file, bytes. */
  readonly size: number
  readonly last: ChainLink
  /** Bytes of a line that a crash had cut short, and that were removed; 0: none were. */
  readonly cut: number
}

/** Finds the end of an audit log and removes what a crash left of a line. Rejects if that cannot be done. */
export async function repairedTail(folder: string): Promise<Tail> {
  const numbers = await auditFiles(folder)
  let cut = 0
  let size: number | undefined
  for (const number of numbers.toReversed()) {
    const file = auditFile(folder, number)
    const bytes = await readFile(file)
    const end = bytes.lastIndexOf(LINE_FEED) + 1
    if (end < bytes.length) {
      await truncate(file, end)
      cut += bytes.length - end
    }
    size ??= end
    // A file without a line is what a crash right after its creation leaves.
    if (end > 0) return { file: numbers.at(-1) as number, size, last: linkOf(bytes.subarray(0, end - 1)), cut }
  }
  return { file: numbers.at(-1) ?? 0, size: size ?? 0, last: START, cut }
}

/** Of the last of some whole lines, without its line feed. */
function linkOf(lines: Buffer): ChainLink {
  const line = lines.subarray(lines.lastIndexOf(LINE_FEED) + 1)
  // A last line that is not ours is not repaired here: verify finds it.
  return { number: readChained(line.toString('utf8'))?.number ?? 0, hash: hashOf(line) }
}
