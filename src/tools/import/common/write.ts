import { Document, isMap, isScalar, isSeq, type Pair, type Scalar, visit, type YAMLMap } from 'yaml'
import { CURRENT_VERSION } from '../../../config/upgrade/migrations/index.ts'
import type { Draft, DraftEntry, Plain } from './draft.ts'

/** Lists of values that fit into so many characters stand in one line. */
const SHORT = 100

/** The file as text; each part names where it comes from. `made`: one line on how it was made. */
export function writeDraft(draft: Draft, made: string): string {
  const sections = {
    listeners: draft.listeners,
    profiles: draft.profiles,
    upstreams: draft.upstreams,
    routes: draft.routes,
  }
  const values = Object.entries(sections)
    .filter(([, entries]) => entries.size > 0)
    .map(([name, entries]) => [name, Object.fromEntries([...entries].map(([key, { value }]) => [key, value]))])
  const document = new Document(escaped({ apiVersion: CURRENT_VERSION, ...draft.top, ...Object.fromEntries(values) }))
  document.commentBefore = ` ${made}`
  for (const { key } of (document.contents as YAMLMap<Scalar<string>>).items) {
    const note = draft.notes.get(key.value)
    if (note !== undefined) key.commentBefore = ` ${note}`
  }
  for (const [name, entries] of Object.entries(sections)) {
    const map = document.get(name)
    if (isMap(map)) comment(map as YAMLMap, entries)
  }
  visit(document, {
    Pair: (_, pair) => {
      const value = pair.value
      if (isSeq(value) && value.items.every((item) => isScalar(item))) value.flow = JSON.stringify(value).length < SHORT
    },
  })
  return document.toString({ lineWidth: 0, flowCollectionPadding: true })
}

function comment(map: YAMLMap, entries: ReadonlyMap<string, DraftEntry>): void {
  for (const { key } of map.items as Pair<Scalar<string>>[]) {
    const { origin } = entries.get(key.value) as DraftEntry
    key.commentBefore = ` ${origin.file}:${origin.line}`
  }
}

/** Without what is undefined; `${` is no reference to the environment here. */
function escaped(value: Plain): Plain {
  if (typeof value === 'string') return value.replaceAll('${', '$${')
  if (Array.isArray(value)) return value.map((item) => escaped(item as Plain))
  if (typeof value !== 'object') return value
  const entries = Object.entries(value).filter(([, child]) => child !== undefined)
  return Object.fromEntries(entries.map(([key, child]) => [key, escaped(child as Plain)]))
}
