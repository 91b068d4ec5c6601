import { hostPattern, pathPattern } from '../../data/routing/options.ts'
import { byKind, mapped, object, oneOrMany, optional, required, withDefault } from '../../schema/composites.ts'
import { name, type Problem, parsed, text } from '../../schema/scalars.ts'
import type { Infer } from '../../schema/schema.ts'

const files = parsed('a path or a pattern such as routes/*.yaml', (value): string | Problem => {
  if (value === '') return { problem: 'the path is missing' }
  return value.includes('**') ? { problem: '** is not known; name each folder' } : value
})

const allow = object({
  hosts: required(oneOrMany(hostPattern()), 'Hosts of their routes: these, or what *.example.com covers.'),
  paths: withDefault(oneOrMany(pathPattern()), '/*', 'Paths of their routes: these, or what /shop/* covers.'),
  listeners: withDefault(
    oneOrMany(name('the name of a listener'), 0),
    [],
    'Listeners that their routes must name some of. Default: they may take any.',
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
    name('a name for whose files they are'),
    'Their own names: the route list of the team shop is shop.list.',
  ),
  allow: optional(allow, 'A fence: what their routes may take, and what they may use of the rest. Needs `as`.'),
})

/** One entry of `include`: what is read, whose names it has, and how far it may reach. */
export type Include = Infer<typeof entry>
export type Allowed = Infer<typeof allow>

const plain = mapped(files, (path): Include => ({ files: [path], as: undefined, allow: undefined }))
const fenced = mapped(entry, (include, refuse) => {
  if (include.allow !== undefined && include.as === undefined) return refuse('allow needs as: whose files they are')
  return include
})

/** `include`: further files that are read with this one. */
export const includeOptions = oneOrMany(byKind({ scalar: plain, map: fenced }), 0)
