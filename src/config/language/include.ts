import { hostPattern, pathPattern } from '../../data/routing/options.ts'
import { byKind, mapped, object, oneOrMany, optional, required, withDefault } from '../../schema/composites.ts'
import { name, type Problem, parsed, text } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

const files = parsed('a path or a pattern such as routes/*.yaml', (value): string | Problem => {
  if (value === '') return { problem: 'the path is missing' }
  return value.includes('**') ? { problem: '** is not supported; name each folder' } : value
})

const allow = object({
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
  upstreams: withDefault(
    oneOrMany(name('the name of an upstream'), 0),
    [],
    'Upstreams of the main file that their routes may lead to, besides their own.',
  ),
  env: withDefault(oneOrMany(text('a name'), 0), [], 'Environment values that they may use.'),
})

const entry = object({
  files: required(oneOrMany(files), 'Files, folders or patterns, relative to this file. * ? [ ] { } within a name.'),
  as: optional(
    name('a name for the owner of the files'),
    'Prefix of their names: the route list of the team shop is shop.list.',
  ),
  allow: optional(
    allow,
    'A fence: requests that their routes may take, and parts of the rest that they may use. Needs `as`.',
  ),
})

/** One entry of `include`: the files, the prefix of their names, and how far they may reach. */
export type Include = Infer<typeof entry>
export type Allowed = Infer<typeof allow>

const plain = mapped(files, (path): Include => ({ files: [path], as: undefined, allow: undefined }))
const fenced = mapped(entry, (include, refuse) => {
  if (include.allow !== undefined && include.as === undefined) return refuse('allow needs as: the owner of the files')
  return include
})

/** `include`: further files that are read with this one. */
export const includeOptions = oneOrMany(byKind({ scalar: plain, map: fenced }), 0)
