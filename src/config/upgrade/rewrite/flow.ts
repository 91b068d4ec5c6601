import type { Edits } from './edits.ts'
import { type Member, members, type YAMLMap } from './yaml.ts'

/** Takes keys out of a `{ }`, with their commas. */
export function removeFromFlow(edits: Edits, map: YAMLMap, gone: readonly Member[]): void {
  const all = members(map)
  const isGone = (member: Member | undefined): boolean =>
    member !== undefined && gone.some(({ keyStart }) => keyStart === member.keyStart)
  for (let from = 0; from < all.length; from++) {
    if (!isGone(all[from])) continue
    let to = from
    while (isGone(all[to + 1])) to++
    const [first, last, before, after] = [all[from], all[to], all[from - 1], all[to + 1]] as [
      Member,
      Member,
      Member?,
      Member?,
    ]
    if (after !== undefined) edits.replace(first.keyStart, after.keyStart, '')
    else edits.replace(before?.end ?? first.keyStart, last.end, '')
    from = to
  }
}

/** Puts more into a `{ }`. */
export function appendToFlow(edits: Edits, map: YAMLMap, pieces: readonly string[]): void {
  const last = members(map).at(-1)
  if (last !== undefined) edits.insert(last.end, `, ${pieces.join(', ')}`)
  else edits.replace(map.range?.[0] as number, map.range?.[1] as number, `{ ${pieces.join(', ')} }`)
}
