import type { Edits } from './edits.ts'
import { removeFromFlow } from './flow.ts'
import { isInline, isMap, isSeq, type Member, members, type YAMLMap, type YAMLSeq, type YamlNode } from './yaml.ts'

/** Turns the list under a key into a map, keyed by the name in each item. Returns why it cannot; undefined: done. */
export function keyBy(edits: Edits, map: YAMLMap, key: string, by: string): string | undefined {
  const list = members(map).find(({ name }) => name === key)
  if (list === undefined || isMap(list.value)) return undefined
  if (!isSeq(list.value)) return `${key} is an alias`
  const seq = list.value as YAMLSeq<YamlNode>
  const items: { item: YAMLMap; name: Member; text: string }[] = []
  for (const [i, item] of seq.items.entries()) {
    const name = isMap(item) ? members(item as YAMLMap).find((member) => member.name === by) : undefined
    if (name === undefined || !isInline(name.value)) return `${key}[${i}] has its ${by} behind an alias or in a block`
    items.push({ item: item as YAMLMap, name, text: edits.slice(name.value.range?.[0] as number, name.end) })
  }
  if (seq.flow === true || items.length === 0) {
    const [start, end] = seq.range as [number, number, number]
    edits.replace(start, start + 1, '{')
    for (const { item, name, text } of items) {
      edits.insert(item.range?.[0] as number, `${text}: `)
      removeFromFlow(edits, item, [name])
    }
    edits.replace(end - 1, end, '}')
    return undefined
  }
  const dashes = dashesOf(seq)
  const [first] = dashes as [number]
  // A list may stand in the column of its key; a map may not.
  const deeper = edits.column(first) <= edits.column(list.keyStart) ? 2 : 0
  for (const [i, { item, name, text }] of items.entries()) keyItem(edits, dashes[i] as number, item, name, text, deeper)
  if (deeper > 0) edits.indent(first, list.end, deeper)
  return undefined
}

/** `deeper`: by how much all lines move to the right. */
function keyItem(edits: Edits, dash: number, item: YAMLMap, name: Member, text: string, deeper: number): void {
  if (item.flow === true) {
    edits.replace(dash, dash + 1, `${text}:`)
    removeFromFlow(edits, item, [name])
    return
  }
  const first = members(item)[0] as Member
  const between = edits.slice(dash + 1, first.keyStart)
  const isFirst = first.keyStart === name.keyStart
  if (isFirst && between.trim() === '') {
    edits.replace(dash, name.end, `${text}:`)
    return
  }
  edits.replace(dash, dash + 1, `${text}:`)
  if (!between.includes('\n')) {
    // Something such as an anchor stays after the key.
    const start = dash + 1 + between.trimEnd().length
    if (isFirst) edits.replace(start, name.end, '')
    else edits.replace(start, first.keyStart, edits.eol + ' '.repeat(edits.column(first.keyStart) + deeper))
    if (isFirst) return
  }
  edits.removeLines(name.keyStart, name.end)
}

function dashesOf(seq: YAMLSeq): readonly number[] {
  const token = seq.srcToken
  if (token?.type !== 'block-seq') return []
  return token.items.flatMap(({ start }) =>
    start.filter(({ type }) => type === 'seq-item-ind').map(({ offset }) => offset),
  )
}
