import type { Step } from '../migrations/contract.ts'
import type { Edits } from './edits.ts'
import { appendToFlow, removeFromFlow } from './flow.ts'
import { isMap, type Member, members, type YAMLMap } from './yaml.ts'

type Nest = Step & { kind: 'nest' }

/** Moves keys of one map into a map beside them, with their comments. Returns why it cannot; undefined: done. */
export function nest(edits: Edits, map: YAMLMap, step: Nest): string | undefined {
  const all = members(map)
  const moved = all.filter(({ name }) => Object.hasOwn(step.keys, name))
  const into = all.find(({ name }) => name === step.into)
  if (moved.length === 0) return undefined
  if (into !== undefined && !isMap(into.value)) return `${step.into} is an alias or not a map`
  const inner = into?.value as YAMLMap | undefined
  if (map.flow === true) {
    nestInFlow(edits, map, inner, moved, step)
    return undefined
  }
  if (moved.some(({ keyStart }) => !edits.isFirstInLine(keyStart))) return 'a key does not begin its line'
  if (inner?.flow === true) return intoFlow(edits, inner, moved, step)
  nestInBlock(edits, inner, moved, step)
  return undefined
}

function nestInFlow(
  edits: Edits,
  map: YAMLMap,
  inner: YAMLMap | undefined,
  moved: readonly Member[],
  step: Nest,
): void {
  const pieces = moved.map((member) => inlinePiece(edits, member, step))
  if (inner !== undefined) {
    appendToFlow(edits, inner, pieces)
    removeFromFlow(edits, map, moved)
    return
  }
  const [first, ...others] = moved as [Member, ...Member[]]
  edits.replace(first.keyStart, first.end, `${step.into}: { ${pieces.join(', ')} }`)
  removeFromFlow(edits, map, others)
}

/** Lines of a block go into a `{ }`: values must fit into it, comments stay where they are. */
function intoFlow(edits: Edits, inner: YAMLMap, moved: readonly Member[], step: Nest): string | undefined {
  const pieces = moved.map((member) => inlinePiece(edits, member, step))
  if (pieces.some((piece) => piece.includes('\n'))) return `a value that belongs in ${step.into} has several lines`
  appendToFlow(edits, inner, pieces)
  for (const { end, keyStart } of moved) edits.removeLines(keyStart, end)
  return undefined
}

function nestInBlock(edits: Edits, inner: YAMLMap | undefined, moved: readonly Member[], step: Nest): void {
  const column = edits.column((moved[0] as Member).keyStart)
  const last = inner === undefined ? undefined : members(inner).at(-1)
  const deeper = last === undefined ? 2 : edits.column(last.keyStart) - column
  const units = moved.map((member) => ({ member, start: unitStart(edits, member), end: edits.nextLine(member.end) }))
  const lines = units.map(({ end, member, start }) => {
    const to = step.keys[member.name] as string
    const text = edits.slice(start, member.keyStart) + to + edits.slice(member.keyEnd, end)
    const indented = text.replace(/^(?=[^\r\n])/gm, ' '.repeat(deeper))
    return indented.endsWith('\n') ? indented : `${indented}${edits.eol}`
  })
  const head = last === undefined ? `${' '.repeat(column)}${step.into}:${edits.eol}` : ''
  const at = last === undefined ? (units[0]?.start as number) : edits.nextLine(last.end)
  const before = at > 0 && edits.slice(at - 1, at) !== '\n' ? edits.eol : ''
  edits.insert(at, before + head + lines.join(''))
  for (const { end, start } of units) edits.replace(start, end, '')
}

/** The first line of a key with the comments right above it that stand in its column. */
function unitStart(edits: Edits, { keyStart }: Member): number {
  const column = edits.column(keyStart)
  let start = edits.lineStart(keyStart)
  while (start > 0) {
    const above = edits.lineStart(start - 1)
    const line = edits.slice(above, start)
    if (!/^ *#/.test(line) || line.indexOf('#') !== column) break
    start = above
  }
  return start
}

function inlinePiece(edits: Edits, { end, keyEnd, name }: Member, { keys }: Nest): string {
  return `${keys[name]}${edits.slice(keyEnd, end)}`
}
