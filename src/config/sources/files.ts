import { resolve } from 'node:path'
import type { ConfigSource } from './source.ts'

/** A file of this machine, or a folder of them; `name`: its path. Files are read where the config is judged. */
export function filesSource(name: string): ConfigSource {
  return {
    kind: 'files',
    name,
    main: resolve(name),
    folder: undefined,
    fence: undefined,
    load: async () => ({ documents: {} }),
    // A gateway watches the files that a config was read from, whatever its source.
    watch: () => () => {},
  }
}
