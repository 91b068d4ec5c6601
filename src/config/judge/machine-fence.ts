import { relative, resolve } from 'node:path'
import { unixPath } from '../../lib/address.ts'
import type { Diagnostic } from '../../schema/diagnostics.ts'
import type { MapNode, Node, ScalarNode } from '../../schema/node.ts'
import { pathText } from '../../schema/path.ts'
import { marksIn } from '../../schema/walk.ts'
import type { Language } from '../language/language.ts'
import { referredNames } from '../read/environment.ts'
import type { MachineFence } from './machine-use.ts'

/** Keys of a config that name places of this machine, or further texts: its operator says these, not its author. */
const OWN = {
  plugins: 'a config that comes from elsewhere brings no code',
  include: 'a config that comes from elsewhere is one text',
  stateDir: 'a config that comes from elsewhere cannot say where this machine keeps state; start with --state-dir',
} as const

/** Environment values that a text refers to beyond its fence. Before anything else reads them: a message could show one. */
export function alienValues(root: Node, fence: MachineFence): readonly Diagnostic[] {
  const found: Diagnostic[] = []
  for (const { at, substituted } of scalars(root))
    for (const name of referredNames(substituted ?? ''))
      if (!fence.env.includes(name)) found.push({ severity: 'error', at, path: '', message: notItsValue(name) })
  return found
}

/** What else a config uses of this machine beyond its fence. */
export function beyondFence(language: Language, root: MapNode, { env, files }: MachineFence): readonly Diagnostic[] {
  const found: Diagnostic[] = []
  const error = ({ at }: Pick<Node, 'at'>, path: string, message: string): void => {
    found.push({ severity: 'error', at, path, message })
  }
  for (const [key, message] of Object.entries(OWN)) {
    const entry = root.entries.get(key)
    if (entry !== undefined) error({ at: entry.key }, key, message)
  }
  for (const { mark, node, path } of marksIn(language.root, root)) {
    if (node.kind !== 'scalar') continue
    const { text } = node
    if (mark.is === 'environment' && !env.includes(text)) error(node, pathText(path), notItsValue(text))
    const file = mark.is === 'file' ? text : mark.is === 'address' ? unixPath(text) : undefined
    if (file !== undefined && !isWithin(file, files)) error(node, pathText(path), outside(text, files))
  }
  return found
}

function notItsValue(name: string): string {
  return `the environment value ${name} is not one that this config may use (--config-env NAME)`
}

function* scalars(node: Node): Generator<ScalarNode> {
  if (node.kind === 'scalar') yield node
  else if (node.kind === 'list') for (const item of node.items) yield* scalars(item)
  else for (const { value } of node.entries.values()) yield* scalars(value)
}

function isWithin(path: string, folder: string | undefined): boolean {
  if (folder === undefined) return false
  const steps = relative(folder, resolve(folder, path))
  return !/^(\.\.(\/|$)|\/)/.test(steps)
}

function outside(path: string, folder: string | undefined): string {
  return folder === undefined
    ? `${JSON.stringify(path)}: this config may name no files of this machine (--config-files DIR)`
    : `${JSON.stringify(path)} is outside of ${folder}, whose files this config may name`
}
