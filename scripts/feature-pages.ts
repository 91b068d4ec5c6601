import type { KeyDoc } from '../src/config/language/key-docs.ts'
import { filledBlocks } from './blocks.ts'
import { about, keyTable } from './key-table.ts'

/** What the blocks are made of. */
export interface PageSources {
  readonly keys: readonly KeyDoc[]
  /** docs/operations/metrics.md. */
  readonly metrics: string
}

/** A page of a feature with its blocks filled in. Throws where a block names what there is not. */
export function filledPage(page: string, { keys, metrics }: PageSources): string {
  const withKeys = filledBlocks(page, 'keys', (paths) => each(paths, (path) => keysAt(path, keys)).join('\n'))
  return filledBlocks(
    withKeys,
    'metrics',
    (names) => METRICS_HEAD + each(names, (name) => metricRow(name, metrics)).join(''),
  )
}

const METRICS_HEAD = '| metric | type | labels | meaning |\n|---|---|---|---|\n'

function each(list: string, text: (name: string) => string): string[] {
  return list.split(', ').map(text)
}

/** A key and those below it, told without the path that they share. */
function keysAt(path: string, keys: readonly KeyDoc[]): string {
  const below = keys.filter((key) => key.path.startsWith(`${path}.`) || key.path.startsWith(`${path}[].`))
  const own = keys.find((key) => key.path === path)
  if (own === undefined) throw new Error(`there is no key ${path}`)
  if (below.length === 0) return keyTable([own])
  const rows = below.map((key) => ({ ...key, path: key.path.slice(path.length).replace(/^(\[\])?\./, '') }))
  return `\`${path}\`: ${own.doc}${about(own)}\n\n${keyTable(rows)}`
}

function metricRow(name: string, metrics: string): string {
  const row = metrics.split('\n').find((line) => line.startsWith(`| \`${name}\` |`))
  if (row === undefined) throw new Error(`there is no metric ${name}`)
  return `${row}\n`
}
