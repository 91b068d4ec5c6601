import { resolve } from 'node:path'
import type { Lint } from '../../config/judge/contract.ts'
import { respond } from './feature.ts'

const configServed: Lint = {
  name: 'config-served',
  finds: 'A `respond.directory` that the config itself is in.',
  why: 'Clients can read the config then, and what else lies beside it: certificates, keys, files of other teams.',
  remedy: 'Put what clients may read into a folder of its own.',
  example: `routes:
  site:
    match: { path: /* }
    respond: { directory: . }
`,
  better: `routes:
  site:
    match: { path: /* }
    respond: { directory: ./site }
`,
  run: ({ node, routes }) =>
    routes.flatMap(({ name, options: { features } }) => {
      const options = features.of(respond)
      const path = ['routes', name, 'respond', 'directory']
      const file = node(path)?.at.file
      if (options === undefined || !('directory' in options) || file === undefined) return []
      const folder = options.directory.endsWith('/') ? options.directory : `${options.directory}/`
      return resolve(file).startsWith(folder)
        ? [{ path, message: `lets clients read the config: ${file} is in it` }]
        : []
    }),
}

export const lints: readonly Lint[] = [configServed]
