import type { Exchange } from '../../core/exchange.ts'
import type { FeatureContext } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import type { Refusal, Reply } from '../../core/verdict.ts'
import { precondition, rangeOf } from '../../http/conditional.ts'
import { compileFields } from '../../http/fields.ts'
import { mediaType } from '../../http/media-types.ts'
import { PathPrefix } from '../../http/paths.ts'
import { type CompiledText, REQUEST_VALUES } from '../../http/template.ts'
import type { Clock } from '../../lib/clock.ts'
import { httpDate } from '../../lib/http-date.ts'
import { Disk, FORBIDDEN, NOT_FOUND, OpenFile } from './disk.ts'
import { placeInFolder } from './file-path.ts'
import { FileSource } from './file-source.ts'
import type { DirectoryOptions, FileOptions } from './keys.ts'
import { PATH_OF, type PathOf } from './places.ts'

const METHOD: Refusal = {
  reason: 'method_not_allowed',
  phase: 'request',
  detail: 'Files can be read only.',
  headers: ['allow', 'GET, HEAD'],
}

/**
 * The control plane is not waited for any longer. It answers within milliseconds, and reads large configs in another thread:
 * where it stands still for longer, a client is better served by a 503 that it can repeat.
 */
const PATH_OF_MS = 2_000

/** Answers with a file, or with the files below a folder. */
export class FilePolicy implements Policy {
  readonly name: string
  private readonly options: FileOptions | DirectoryOptions
  private readonly prefix: PathPrefix | undefined
  /** Fields of the config. */
  private readonly fields: readonly CompiledText[]
  /** Names of those, lower-case: they take the place of ours. */
  private readonly named: ReadonlySet<string>
  private readonly clock: Clock
  private readonly disk: Disk

  constructor(options: FileOptions | DirectoryOptions, context: FeatureContext) {
    const { ask, clock, feature, paramNames, relief } = context
    const { headers = {} } = options
    this.name = feature
    this.options = options
    this.prefix =
      'directory' in options && options.stripPrefix !== undefined ? new PathPrefix(options.stripPrefix) : undefined
    this.fields = compileFields(headers, { values: REQUEST_VALUES, paramNames })
    this.named = new Set(Object.keys(headers).map((name) => name.toLowerCase()))
    this.clock = clock
    const pathOf: PathOf = (fd) => ask<string | undefined>({ name: PATH_OF, value: fd }, PATH_OF_MS).answer
    this.disk = context.keep('disk', () => new Disk(relief, context.exchangeState<OpenFile>(), pathOf))
  }

  admit(ex: Exchange): Refusal | Promise<Reply | Refusal> {
    const { options } = this
    if ('file' in options) return this.single(ex, options)
    if (!isRead(ex.method)) return METHOD
    const place = placeInFolder(this.prefix?.rest(ex.path) ?? ex.path)
    return place === undefined ? NOT_FOUND : this.below(ex, options, place.path, place.isFolder)
  }

  /** Any method is answered where the answer is no success: a page that says why, not a file that is there. */
  private single(ex: Exchange, { file: path, status }: FileOptions): Refusal | Promise<Reply | Refusal> {
    if (status < 300 && !isRead(ex.method)) return METHOD
    return this.disk.open(ex, path).then((found) => {
      if (found === 'folder') return NOT_FOUND
      if (!(found instanceof OpenFile)) return found
      return status === 200 ? this.served(ex, path, found) : this.whole(ex, path, found, status)
    })
  }

  private async below(
    ex: Exchange,
    { directory, index }: DirectoryOptions,
    path: string,
    isFolder: boolean,
  ): Promise<Reply | Refusal> {
    const at = path === '' ? directory : `${directory}/${path}`
    for (const name of isFolder ? index : []) {
      const found = await this.disk.open(ex, `${at}/${name}`, directory)
      if (found instanceof OpenFile) return this.served(ex, name, found)
      if (found !== NOT_FOUND && found !== 'folder') return found
    }
    // A slash behind the name of a file is not a part of it.
    const found = await this.disk.open(ex, isFolder ? `${at}/` : at, directory)
    if (found instanceof OpenFile) return this.served(ex, path, found)
    if (found !== 'folder') return found
    return isFolder ? FORBIDDEN : this.toFolder(ex)
  }

  /** Links on the page of a folder are relative to its path with the slash. */
  private toFolder(ex: Exchange): Reply {
    return { status: 301, headers: ['location', `${ex.path}/${ex.query}`, 'content-length', '0'], body: undefined }
  }

  private served(ex: Exchange, path: string, file: OpenFile): Reply {
    const { headers } = ex
    const wall = this.clock.wall()
    const state = precondition(headers, file, wall)
    if (state !== 'holds') {
      file.close()
      const headers = this.head(ex, file)
      if (state === 'unmodified') return { status: 304, headers, body: undefined }
      headers.push('content-length', '0')
      return { status: 412, headers, body: undefined }
    }
    const range = ex.method === 'GET' ? rangeOf(headers, file, wall) : undefined
    if (range === undefined) return this.whole(ex, path, file, 200)
    if (range === 'unsatisfiable') {
      file.close()
      return { status: 416, headers: ['content-range', `bytes */${file.size}`, 'content-length', '0'], body: undefined }
    }
    const { from, to } = range
    const head = this.head(ex, file, path)
    head.push('content-range', `bytes ${from}-${to}/${file.size}`)
    return { status: 206, headers: head, body: new FileSource(file, from, to - from + 1) }
  }

  private whole(ex: Exchange, path: string, file: OpenFile, status: number): Reply {
    const headers = status === 200 ? this.head(ex, file, path) : this.own(ex, path)
    return { status, headers, body: new FileSource(file) }
  }

  /** Of a file that is there; `path`: of a body that follows. */
  private head(ex: Exchange, file: OpenFile, path?: string): string[] {
    const headers = this.own(ex, path)
    const { named } = this
    if (!named.has('etag')) headers.push('etag', file.etag)
    if (!named.has('last-modified')) headers.push('last-modified', httpDate(Math.min(file.modified, this.clock.wall())))
    if (!named.has('accept-ranges')) headers.push('accept-ranges', 'bytes')
    return headers
  }

  private own(ex: Exchange, path: string | undefined): string[] {
    const headers = this.fields.map((text) => (typeof text === 'string' ? text : text(ex)))
    if (path !== undefined && !this.named.has('content-type')) headers.push('content-type', mediaType(path))
    return headers
  }
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}
