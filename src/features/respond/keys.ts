import { type FixedOptions, fixedKeys, fixedProblem } from '../../http/fixed.ts'
import { path } from '../../http/schemas.ts'
import { REQUEST_VALUES } from '../../http/template.ts'
import { mapped, object, oneOrMany, optional } from '../../schema/composites.ts'
import { servedPath } from '../../schema/mark.ts'
import { pattern } from '../../schema/scalars.ts'
import type { Schema } from '../../schema/schema.ts'

const fields = object({
  ...fixedKeys(REQUEST_VALUES),
  file: optional(
    servedPath(),
    'A file that is the body, relative to the config file. It is read for each request, so a change needs no reload. Its content type follows from its extension.',
  ),
  directory: optional(
    servedPath(),
    'A folder whose files are served by their path below it, relative to the config file. Hidden files and links that lead out of it are not served.',
  ),
  stripPrefix: optional(path(), 'With directory: the prefix of the path to leave out, in whole segments.'),
  index: optional(
    oneOrMany(pattern('the name of a file such as index.html', /^[^./\\][^/\\]*$/), 0),
    'With directory: files that stand for their folder, in order. Default: index.html; []: none.',
  ),
})

/** A body from a file. */
export interface FileOptions extends FixedOptions {
  /** Absolute. */
  readonly file: string
}

/** Bodies from the files below a folder. */
export interface DirectoryOptions extends FixedOptions {
  /** Absolute. */
  readonly directory: string
  readonly stripPrefix: string | undefined
  readonly index: readonly string[]
}

export type RespondOptions = FixedOptions | FileOptions | DirectoryOptions

export function isFixed(options: RespondOptions): options is FixedOptions {
  return !('file' in options) && !('directory' in options)
}

const WAYS = ['body', 'file', 'directory'] as const

export const keys: Schema<RespondOptions> = mapped(
  fields,
  ({ file, directory, stripPrefix, index, ...fixed }, refuse) => {
    const given = { body: fixed.body, file, directory }
    const ways = WAYS.filter((way) => given[way] !== undefined)
    if (ways.length > 1) return refuse(`only one of ${ways.join(' and ')} can be the body`)
    if (directory === undefined && (stripPrefix !== undefined || index !== undefined))
      return refuse(`${stripPrefix === undefined ? 'index' : 'stripPrefix'} means something with directory only`)
    if (directory !== undefined) {
      if (fixed.status !== 200) return refuse(`files of a directory have the status 200, not ${fixed.status}`)
      return { ...fixed, directory, stripPrefix, index: index ?? ['index.html'] }
    }
    // A file is a body that can be there.
    const problem = fixedProblem(file === undefined ? fixed : { ...fixed, body: ' ' })
    if (problem !== undefined) return refuse(problem)
    return file === undefined ? fixed : { ...fixed, file }
  },
)
