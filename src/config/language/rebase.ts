import { join } from 'node:path'
import type { Node } from '../../schema/node.ts'
import { changeMarks } from '../../schema/walk.ts'
import type { Language } from './language.ts'

/** The same with paths of files relative to where the main file is; `from`: the folder of this one, as seen from there. */
export function rebased<N extends Node>({ root: schema }: Language, root: N, from: string): N {
  if (from === '' || from === '.') return root
  return changeMarks(schema, root, ({ mark, node }) => {
    if (mark.is !== 'file' || node.kind !== 'scalar' || node.text.startsWith('/')) return node
    const text = join(from, node.text)
    return { ...node, text, value: text }
  }) as N
}
