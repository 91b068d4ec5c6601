import type { Step } from '../migrations/contract.ts'
import { Edits } from './edits.ts'
import { keyBy } from './key-by.ts'
import { nest } from './nest.ts'
import { isAlias, isInline, mapsAt, members, parseSource, scalarText, type YAMLMap } from './yaml.ts'

/** The text after all steps; a problem: what keeps it from being rewritten. */
export type Rewritten = { readonly text: string } | { readonly problem: string }

/**
 * Applies steps to the text itself: comments, order, quotes and anchors stay. `text` is YAML that the loader has read.
 * Whether the result means the same is for the caller to check: aliases can make one place mean two.
 */
export function rewriteText(text: string, version: string, steps: readonly Step[]): Rewritten {
  let current = text
  for (const step of [...steps, versionStep(version)]) {
    const edits = new Edits(current)
    const document = parseSource(current)
    for (const map of mapsAt(document, step.at)) {
      const problem = applyStep(edits, map, step)
      if (problem !== undefined) return { problem }
    }
    current = edits.apply()
  }
  return { text: current }
}

function versionStep(version: string): Step {
  return { kind: 'value', at: [], key: 'apiVersion', change: () => version }
}

function applyStep(edits: Edits, map: YAMLMap, step: Step): string | undefined {
  if (step.kind === 'nest') return nest(edits, map, step)
  if (step.kind === 'keyBy') return keyBy(edits, map, step.key, step.by)
  const member = members(map).find(({ name }) => name === step.key)
  if (member === undefined) return undefined
  const { end, keyEnd, keyStart, value } = member
  if (step.kind === 'rename') {
    edits.replace(keyStart, keyEnd, step.to)
    return undefined
  }
  // The target of an alias is changed where it is written, if this step goes there.
  if (isAlias(value)) return undefined
  if (!isInline(value)) return `${step.key} is not text in one line`
  const changed = step.change(scalarText(value))
  if (changed === undefined) return undefined
  const start = value.range?.[0] as number
  const quote = value.type === 'PLAIN' ? '' : edits.slice(start, start + 1)
  edits.replace(start, end, quote + changed + quote)
  return undefined
}
