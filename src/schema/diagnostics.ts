import type { Position } from './node.ts'

export type Severity = 'error' | 'warning'

/** One thing that is wrong with a config, for a person and for tools. */
export interface Diagnostic {
  readonly severity: Severity
  readonly at: Position
  /** Path of keys, such as `routes.orders.retries.when[2]`; empty for the file as a whole. */
  readonly path: string
  /** What is wrong, and what would be right. */
  readonly message: string
}

/** In the order of the file. */
export function sortDiagnostics(list: readonly Diagnostic[]): readonly Diagnostic[] {
  return list.toSorted(
    (a, b) => a.at.file.localeCompare(b.at.file) || a.at.line - b.at.line || a.at.column - b.at.column,
  )
}

/** One line as a compiler prints it: `sluice.yaml:31:7: routes.orders.retries.when[2]: "50x" is …`. */
export function diagnosticLine({ severity, at, path, message }: Diagnostic): string {
  const place = at.line === 0 ? at.file : `${at.file}:${at.line}:${at.column}`
  return `${place}: ${severity === 'warning' ? 'warning: ' : ''}${path === '' ? '' : `${path}: `}${message}`
}

/** The line with the source line below it and a caret at the column. `line`: text of the source line, if it is known. */
export function diagnosticExcerpt(diagnostic: Diagnostic, line: string | undefined): string {
  const head = diagnosticLine(diagnostic)
  if (line === undefined || diagnostic.at.line === 0) return head
  const number = String(diagnostic.at.line)
  const shown = line.length > 200 ? `${line.slice(0, 199)}…` : line
  const indent = ' '.repeat(Math.min(diagnostic.at.column - 1, 200))
  return `${head}\n  ${number} | ${shown}\n  ${' '.repeat(number.length)} | ${indent}^`
}

/** The candidate that was most likely meant; undefined when none is near. Optimal string alignment distance, at most 2. */
export function suggestion(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.min(2, Math.floor(word.length / 2)) + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue
    const distance = candidate.toLowerCase() === word.toLowerCase() ? 0 : editDistance(word, candidate)
    if (distance >= bestDistance) continue
    best = candidate
    bestDistance = distance
  }
  return best
}

function editDistance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      next[j] = Math.min(
        (row[j] as number) + 1,
        (next[j - 1] as number) + 1,
        (row[j - 1] as number) + cost,
        swap ? (before[j - 2] as number) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    before = row
    row = next
  }
  return row[b.length] as number
}
