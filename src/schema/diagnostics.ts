import type { Position } from './node.ts'

export type Severity = 'error' | 'warning'

/** One thing that is wrong with a config, for people and for tools. */
export interface Diagnostic {
  readonly severity: Severity
  readonly at: Position
  /** Path of keys, such as `routes.orders.retries.when[2]`; empty for the file as a whole. */
  readonly path: string
  /** What is wrong, and what would be right. */
  readonly message: string
  /** Name of the lint that found it; errors have none. */
  readonly lint?: string
  /** The line may hold a secret: it is never quoted. */
  readonly secret?: true
}

/** In the order of the file. */
export function sortDiagnostics(list: readonly Diagnostic[]): readonly Diagnostic[] {
  return list.toSorted(
    (a, b) => a.at.file.localeCompare(b.at.file) || a.at.line - b.at.line || a.at.column - b.at.column,
  )
}

/** One line as a compiler prints it: `sluice.yaml:31:7: routes.orders.retries.when[2]: "50x" is …`. */
export function diagnosticLine({ severity, at, path, message, lint }: Diagnostic): string {
  const place = at.line === 0 ? at.file : `${at.file}:${at.line}:${at.column}`
  const what = `${path === '' ? '' : `${path}: `}${message}${lint === undefined ? '' : ` [${lint}]`}`
  return printable(`${place}: ${severity === 'warning' ? 'warning: ' : ''}${what}`)
}

/** Without control characters that a terminal would obey. A tab becomes one space, so that carets stay in place. */
function printable(text: string): string {
  return text.replaceAll('\t', ' ').replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '\ufffd')
}

/** The line with the source line below it and a caret at the column. `line`: text of the source line, if it is known. */
export function diagnosticExcerpt(diagnostic: Diagnostic, line: string | undefined): string {
  const head = diagnosticLine(diagnostic)
  if (line === undefined || diagnostic.at.line === 0 || diagnostic.secret === true) return head
  const number = String(diagnostic.at.line)
  const { text, before } = windowOf(line.replace(/\r$/, ''), diagnostic.at.column)
  return `${head}\n  ${number} | ${printable(text)}\n  ${' '.repeat(number.length)} | ${' '.repeat(before)}^`
}

const WIDTH = 200

/** Of a long line the part around the column. `before`: characters of it that stand before the column. */
function windowOf(line: string, column: number): { text: string; before: number } {
  const from = Math.max(0, Math.min(column - WIDTH / 2, line.length - WIDTH))
  let text = line.slice(from, from + WIDTH)
  if (from > 0) text = `…${text.slice(1)}`
  if (from + WIDTH < line.length) text = `${text.slice(0, -1)}…`
  return { text, before: Math.min(column - 1 - from, WIDTH) }
}

/** The candidate that was most likely meant; undefined if none is near. Optimal string alignment distance, at most 2. */
export function suggestion(word: string, candidates: Iterable<string>): string | undefined {
  const lower = word.toLowerCase()
  let best: string | undefined
  let bestDistance = Math.min(2, Math.floor(word.length / 2)) + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue
    if (candidate.toLowerCase() === lower) return candidate
    const far = bestDistance > 1 ? editDistance(word, candidate, bestDistance) : bestDistance
    if (far >= bestDistance) continue
    best = candidate
    bestDistance = far
  }
  return best
}

/** How many edits lead from `a` to `b`; `limit` where it takes as many or more. */
function editDistance(a: string, b: string, limit: number): number {
  for (let edits = 0; edits < limit; edits++) if (isWithin(edits, a, 0, b, 0)) return edits
  return limit
}

/** Edits only where the texts differ: cheap for the few edits that matter, in files with thousands of names. */
function isWithin(edits: number, a: string, fromA: number, b: string, fromB: number): boolean {
  let [i, j] = [fromA, fromB]
  while (i < a.length && a[i] === b[j]) {
    i++
    j++
  }
  const [leftA, leftB] = [a.length - i, b.length - j]
  if (Math.abs(leftA - leftB) > edits) return false
  if (leftA === 0 || leftB === 0) return true
  if (edits === 0) return false
  if (a[i] === b[j + 1] && a[i + 1] === b[j] && isWithin(edits - 1, a, i + 2, b, j + 2)) return true
  return (
    isWithin(edits - 1, a, i + 1, b, j + 1) ||
    isWithin(edits - 1, a, i + 1, b, j) ||
    isWithin(edits - 1, a, i, b, j + 1)
  )
}
