import type { EndpointSource } from '../../core/endpoint-source.ts'
import { type ObjectOf, optional } from '../../schema/composites.ts'
import { filePath } from '../../schema/mark.ts'

export interface FileSourceOptions {
  /** Relative to the folder of the config file. */
  readonly path: string
}

const fields = {
  file: optional(filePath(), 'A YAML or JSON file with a list of endpoints, relative to the config file.'),
}

/** A file with a list of endpoints, watched. */
export const fileSource: EndpointSource<FileSourceOptions> = {
  key: 'file',
  form: 'PATH',
  called: 'a file',
  fields,
  misplaced: { path: 'file' },
  read({ file }: ObjectOf<typeof fields>) {
    const path = file as string
    return { options: { path }, text: `file ${path}` }
  },
}
