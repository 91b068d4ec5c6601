import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, matchesGlob } from 'node:path'
import { unreadable } from '../config/read/files.ts'
import type { Diagnostic } from '../schema/diagnostics.ts'
import { Draft } from '../tools/import/common/draft.ts'
import { settleDraft } from '../tools/import/common/settle.ts'
import { importIngress } from '../tools/import/ingress/import.ts'
import { importNginx } from '../tools/import/nginx/import.ts'
import { type IncludedFiles, NginxError } from '../tools/import/nginx/parse.ts'
import { render } from './check.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'

type Importer = (file: string, text: string) => Draft | readonly Diagnostic[]

const IMPORTERS: Readonly<Record<string, Importer>> = {
  nginx: importConf,
  ingress: importIngress,
}

/**
 * `sluice import nginx|ingress FILE [--json]`: a Sluice file on standard output, and line by line on standard error what
 * could not be carried over. 0: everything was; 1: something was not; 2: the file cannot be read.
 */
export async function importFile(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, { json: { type: 'boolean' } })
  const [kind = '', file] = typeof parsed === 'string' ? [] : parsed.files
  const importer = Object.hasOwn(IMPORTERS, kind) ? IMPORTERS[kind] : undefined
  if (typeof parsed === 'string' || importer === undefined || file === undefined || parsed.files.length > 2) {
    const kinds = Object.keys(IMPORTERS).join(' or ')
    io.stderr(`sluice import: ${typeof parsed === 'string' ? parsed : `expected ${kinds} and a file`}\n`)
    return Exit.usage
  }
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    io.stderr(`sluice import: ${file}: ${unreadable(error)}\n`)
    return Exit.badConfig
  }
  const draft = importer(file, text)
  if (!(draft instanceof Draft)) {
    if (parsed.flags.json === true) io.stdout(`${JSON.stringify({ problems: draft }, undefined, 2)}\n`)
    else io.stderr(await render(draft, io.isTTY))
    return Exit.badConfig
  }
  const yaml = await settleDraft(draft, file, `Made by sluice import ${kind} ${file}`)
  const { left } = draft
  if (parsed.flags.json === true) io.stdout(`${JSON.stringify({ config: yaml, left }, undefined, 2)}\n`)
  else {
    for (const { file, line, what, why } of left) io.stderr(`${file}:${line}: ${what}: ${why}\n`)
    io.stdout(yaml)
  }
  return left.length === 0 ? Exit.ok : Exit.failed
}

function importConf(file: string, text: string): Draft | readonly Diagnostic[] {
  try {
    return importNginx(file, text, filesBeside(file))
  } catch (error) {
    if (!(error instanceof NginxError)) throw error
    const at = { ...error.at, column: 1 }
    return [{ severity: 'error', at, path: '', message: error.message }]
  }
}

/** Files that are included: nginx looks for relative ones in the folder of the main file. */
function filesBeside(main: string): IncludedFiles {
  return {
    read: (path) => readFileSync(path, 'utf8'),
    glob: (pattern) => {
      const path = isAbsolute(pattern) ? pattern : join(dirname(main), pattern)
      const [folder, name] = [dirname(path), basename(path)]
      try {
        const found = readdirSync(folder)
          .filter((entry) => matchesGlob(entry, name))
          .map((entry) => join(folder, entry))
        return found.length > 0 || /[*?[]/.test(name) ? found.toSorted() : undefined
      } catch {
        return undefined
      }
    },
  }
}
