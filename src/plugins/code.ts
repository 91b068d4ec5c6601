import { createHash } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import type { PluginModule } from '../core/plugin.ts'

/** More than any plug-in needs that is not a package of its own. */
const MOST_FILES = 200
const MOST_BYTES = 4 * 1_048_576
/** Also what only looks like an import, in a comment: one more file is read then. */
const IMPORTS = /\b(?:from|import)\s*\(?\s*(['"])(\.{1,2}\/[^'"\n]+)\1/g
/** Of URLs: which text the file has. */
export const VERSION = 'sluice'

/** Rejects as `fs.readFile` does. */
export type ReadFile = (path: string) => Promise<Uint8Array>

/**
 * The code of a plug-in: its entry and all files that it imports by relative paths, and these again. Rejects with what the
 * entry cannot be read for; a file that is missing is left to the import, which names the line.
 */
export async function readCode(name: string, entry: string, readFile: ReadFile): Promise<PluginModule> {
  const texts = new Map<string, string>()
  const first = pathToFileURL(entry).href
  const files = new Set([first])
  let bytes = 0
  for (const url of files) {
    const read = await readFile(fileOf(url)).catch((error: unknown) => {
      if (url === first) throw error
    })
    if (read === undefined) continue
    bytes += read.length
    if (files.size > MOST_FILES || bytes > MOST_BYTES)
      throw new Error(`has more than ${MOST_FILES} files or ${MOST_BYTES / 1_048_576} MiB: make a package of it`)
    const text = Buffer.from(read).toString('utf8')
    texts.set(url, text)
    for (const [, , path = ''] of text.matchAll(IMPORTS))
      if (/\.(m?[jt]s|json)$/.test(path)) files.add(new URL(path, url).href)
  }
  const version = versionOf(texts)
  return {
    name,
    url: versioned(first, version),
    texts: Object.fromEntries(Array.from(texts, ([url, text]) => [versioned(url, version), text])),
  }
}

export function versioned(url: string, version: string): string {
  return `${url}?${VERSION}=${version}`
}

function fileOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname)
}

function versionOf(texts: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256')
  for (const [url, text] of [...texts].toSorted(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${url}\0${text}\0`)
  return hash.digest('hex').slice(0, 16)
}
