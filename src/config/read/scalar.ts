import type { Position, ScalarNode } from '../../schema/node.ts'
import { type Environment, isReference, substitute } from './environment.ts'

/** A value as it was written, with its environment values; `env`: undefined leaves references to them as they are. */
export function scalarOf(
  at: Position,
  value: ScalarNode['value'],
  text: string,
  quoted: boolean,
  env: Environment | undefined,
  problem: (message: string) => void,
): ScalarNode {
  if (env === undefined || !text.includes('${')) return { kind: 'scalar', at, value, text, quoted }
  const put = substitute(text, env)
  if ('problem' in put) {
    problem(put.problem)
    return { kind: 'scalar', at, value: '', text: '', quoted: true }
  }
  if (!isReference(text)) {
    const read = quoted ? put.text : plainValue(put.text)
    return { kind: 'scalar', at, value: read, text: put.text, quoted, substituted: text }
  }
  // Within { } a reference must be quoted: that says nothing of its value. An empty one never means null.
  const read = plainValue(put.text) ?? put.text
  return { kind: 'scalar', at, value: read, text: put.text, quoted: true, substituted: text }
}

/** The value of a plain scalar in YAML 1.2's core schema. */
function plainValue(text: string): ScalarNode['value'] {
  if (/^(true|True|TRUE)$/.test(text)) return true
  if (/^(false|False|FALSE)$/.test(text)) return false
  if (/^(|~|null|Null|NULL)$/.test(text)) return null
  const isNumber = /^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$|^0o[0-7]+$|^0x[0-9a-fA-F]+$/.test(text)
  return isNumber ? Number(text) : text
}
