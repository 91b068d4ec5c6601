import { resolve } from 'node:path'
import { integer, name, text } from './scalars.ts'
import { type FileContent, INVALID, type Schema } from './schema.ts'

/** The name of an entry of a root collection, such as `upstream`: it must be there, and be within reach. */
export function reference(to: string): Schema<string> {
  return { ...name(`the name of ${withArticle(to)}`), mark: { is: 'reference', to } }
}

/** `an upstream`, `a route`. */
export function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`
}

/** The path of a file that is read when it is needed, relative to the config file. */
export function filePath(): Schema<string> {
  return { ...text('a path'), mark: { is: 'file', read: false } }
}

/** The path of a file or folder that workers read while they run, and may read; absolute once the config is read. */
export function servedPath(): Schema<string> {
  const path = filePath()
  return {
    ...path,
    mark: { is: 'file', read: false, served: true },
    read(node, at) {
      const written = path.read(node, at)
      if (written === INVALID || at.files === undefined) return written
      const full = resolve(at.files.folder, written)
      if (!full.includes('*')) return full
      // Node's permission model takes it for any name that begins so.
      at.error(node.at, `${JSON.stringify(full)} has a *; workers can be allowed to read paths without one only`)
      return INVALID
    },
  }
}

/** A port of an upstream's endpoints that is asked in the place of their own; those that have none are told. */
export function endpointPort(): Schema<number> {
  return { ...integer(1, 65_535), mark: { is: 'endpointPort' } }
}

/** The name of an environment value that is read when it is needed. */
export function environmentName(): Schema<string> {
  return { ...text('the name of an environment value'), mark: { is: 'environment' } }
}

/** A file whose text is a part of the config. */
export interface FileText {
  /** As written. */
  readonly path: string
  /** Empty where a config is looked at without its files. */
  readonly text: string
}

/** Certificates or a key in a file that is read with the config, relative to the config file. */
export function pemFile(): Schema<FileText> {
  return fileText(({ text }) =>
    text.includes('-----BEGIN ') ? undefined : ' holds no PEM; expected -----BEGIN … -----',
  )
}

/** A text in a file that is read with the config, relative to the config file. `most`: bytes. */
export function textFile(most: number): Schema<FileText> {
  return fileText(({ text }) => {
    if (Buffer.byteLength(text) > most) return ` is larger than ${most} bytes`
    return text.includes('\ufffd') ? ' is no text in UTF-8' : undefined
  })
}

/** `wrong`: what is wrong with the text; goes on after the path. */
function fileText(wrong: (found: FileContent) => string | undefined): Schema<FileText> {
  const path = filePath()
  return {
    ...path,
    mark: { is: 'file', read: true },
    read(node, at) {
      const written = path.read(node, at)
      if (written === INVALID) return INVALID
      const found = at.files?.contents.get(written)
      const problem = found === undefined ? undefined : (unread(found) ?? wrong(found))
      // The rest can be judged without its text.
      if (problem !== undefined) at.error(node.at, `${JSON.stringify(written)}${problem}`)
      return { path: written, text: problem === undefined ? (found?.text ?? '') : '' }
    },
  }
}

function unread({ problem }: FileContent): string | undefined {
  return problem === undefined ? undefined : `: ${problem}; paths are relative to the config file`
}
