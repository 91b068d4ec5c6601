import { hostPattern, pathPattern } from '../../data/routing/options.ts'
import { unixHost, unixPath, unixProblem } from '../../lib/address.ts'
import type { Collection } from '../../schema/collection.ts'
import {
  byKind,
  mapped,
  type ObjectOf,
  object,
  oneOrMany,
  optional,
  required,
  withDefault,
} from '../../schema/composites.ts'
import { withArticle } from '../../schema/mark.ts'
import { name, type Problem, parsed, text } from '../../schema/scalars.ts'
import type { Schema } from '../../schema/schema.ts'

const files = parsed('a path or a pattern such as routes/*.yaml', (value): string | Problem => {
  if (value === '') return { problem: 'the path is missing' }
  return value.includes('**') ? { problem: '** is not supported; name each folder' } : value
})

const sockets = parsed('a socket such as unix:/run/app.sock or unix:/run/shop/*', (value): string | Problem => {
  if (unixPath(value) === undefined) return { problem: '' }
  const host = value.replace(/\/\*$/, '')
  if (host.includes('*')) return { problem: '* stands at the end only, for all that is in a folder' }
  // unix:/* is every socket.
  const problem = host === unixHost('') ? undefined : unixProblem(host)
  return problem === undefined ? value : { problem }
})

const ownAllow = {
  hosts: required(
    oneOrMany(hostPattern()),
    'Hosts that their routes may take: these, or those that *.example.com covers.',
  ),
  paths: withDefault(
    oneOrMany(pathPattern()),
    '/*',
    'Paths that their routes may take: these, or those that /shop/* covers.',
  ),
  listeners: withDefault(
    oneOrMany(name('the name of a listener'), 0),
    [],
    'Listeners of which their routes must name at least one. Default: any.',
  ),
  sockets: withDefault(
    oneOrMany(sockets, 0),
    [],
    'unix: sockets that endpoints of their upstreams may be: these, or those that unix:/run/shop/* covers.',
  ),
  env: withDefault(oneOrMany(text('a name'), 0), [], 'Environment values that they may use.'),
}

/** How far what is behind a fence may reach. */
export interface Allowed extends ObjectOf<typeof ownAllow> {
  /** Names of the main file that they may refer to, by the key of their collection. */
  readonly shared: ReadonlyMap<string, readonly string[]>
}

/** One entry of `include`: the files, the prefix of their names, and how far they may reach. */
export interface Include {
  readonly files: readonly string[]
  readonly as: string | undefined
  readonly allow: Allowed | undefined
}

/** `include`: further files that are read with this one. A fence may list entries of some `collections`. */
export function includeOptions(collections: readonly Collection[]): Schema<readonly Include[]> {
  const entry = object({
    files: required(oneOrMany(files), 'Files, folders or patterns, relative to this file. * ? [ ] { } within a name.'),
    as: optional(
      name('a name for the owner of the files'),
      'Prefix of their names: the route list of the team shop is shop.list.',
    ),
    allow: optional(
      allowOptions(collections.filter(({ reach }) => reach === 'listed')),
      'A fence: requests that their routes may take, and parts of the rest that they may use. Needs `as`.',
    ),
  })
  const plain = mapped(files, (path): Include => ({ files: [path], as: undefined, allow: undefined }))
  const fenced = mapped(entry, (include, refuse) => {
    if (include.allow !== undefined && include.as === undefined) return refuse('allow needs as: the owner of the files')
    return include
  })
  return oneOrMany(byKind<Include>({ scalar: plain, map: fenced }), 0)
}

function allowOptions(listed: readonly Collection[]): Schema<Allowed> {
  const shared = listed.map(({ key, of }) => {
    const doc = `${key.charAt(0).toUpperCase()}${key.slice(1)} of the main file that they may refer to, besides their own.`
    return [key, withDefault(oneOrMany(name(`the name of ${withArticle(of)}`), 0), [], doc)] as const
  })
  const { env, sockets, ...own } = ownAllow
  return mapped(object({ ...own, ...Object.fromEntries(shared), sockets, env }), (allow) => {
    const values: Readonly<Record<string, unknown>> = allow
    const names = listed.map(({ key }) => [key, values[key] as readonly string[]] as const)
    return { ...allow, shared: new Map(names) }
  })
}
