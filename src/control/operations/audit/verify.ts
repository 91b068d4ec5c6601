import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { brokenLink, type ChainLink, hashOf, readChained, START } from './chain.ts'
import { AUDIT_FOLDER, auditFile, auditFiles } from './folder.ts'

const LINE_FEED = 10

/** The result of a check of an audit log. */
export interface AuditVerdict {
  readonly entries: number
  /** Number of the first entry that is kept; above 1: older files were removed. */
  readonly first: number
  /** The end of the chain: kept elsewhere, it shows when lines were taken off the end. */
  readonly last: ChainLink
  /** The end of the last line is missing, as after a crash: the next start of the gateway repairs it. */
  readonly torn: boolean
  /** The first line that breaks the chain; undefined: none does. */
  readonly broken: { readonly file: string; readonly line: number; readonly why: string } | undefined
}

/**
 * Verifies one file, or all of a folder: that of an audit log, or the state directory that contains it. Rejects if nothing
 * can be read, or there is no audit log.
 */
export async function verifyAudit(path: string): Promise<AuditVerdict> {
  const files = (await stat(path)).isDirectory() ? await filesOf(path) : [path]
  if (files.length === 0) throw new Error(`${path} has no audit log`)
  let entries = 0
  let first = 0
  let last: ChainLink | undefined
  for await (const { file, line, text, whole } of linesOf(files)) {
    if (!whole && file === files.at(-1)) return { entries, first, last: last ?? START, torn: true, broken: undefined }
    last ??= before(text)
    const why = whole ? (brokenLink(text.toString('utf8'), last) ?? badStart(last)) : 'it has no end'
    if (why !== undefined) return { entries, first, last, torn: false, broken: { file, line, why } }
    last = { number: last.number + 1, hash: hashOf(text) }
    if (entries++ === 0) first = last.number
  }
  return { entries, first, last: last ?? START, torn: false, broken: undefined }
}

/** Lines without their line feeds; `line` counts from 1 in each file. */
async function* linesOf(files: readonly string[]) {
  for (const file of files) {
    const bytes = await readFile(file)
    let line = 1
    let start = 0
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
      yield { file, line: line++, text: bytes.subarray(start, end), whole: true }
      start = end + 1
    }
    if (start < bytes.length) yield { file, line, text: bytes.subarray(start), whole: false }
  }
}

/** What the first line that is kept says that it follows. */
function before(text: Buffer): ChainLink {
  const entry = readChained(text.toString('utf8'))
  return entry === undefined ? START : { number: entry.number - 1, hash: entry.previous }
}

/** Only the first entry of all may follow nothing. */
function badStart({ hash, number }: ChainLink): string | undefined {
  return (number === 0) === (hash === START.hash) ? undefined : 'its number and the hash of the line before it disagree'
}

async function filesOf(folder: string): Promise<readonly string[]> {
  const own = (await auditFiles(folder)).map((number) => auditFile(folder, number))
  if (own.length > 0) return own
  const below = join(folder, AUDIT_FOLDER)
  return (await auditFiles(below)).map((number) => auditFile(below, number))
}
