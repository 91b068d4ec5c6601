import { type Diagnostic, diagnosticLine } from '../../../schema/diagnostics.ts'

/** Problems that are listed; a broken file may have a million. */
const MOST_TOLD = 1_000

/** Errors first, and not all: the first says why it was refused. */
export function worstFirst(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const rank = ({ severity }: Diagnostic): number => Number(severity !== 'error')
  return diagnostics.toSorted((a, b) => rank(a) - rank(b)).slice(0, MOST_TOLD)
}

/** One line for each of them. */
export function problemLines(diagnostics: readonly Diagnostic[]): readonly string[] {
  const told = worstFirst(diagnostics)
  const more = diagnostics.length - told.length
  return [...told.map(diagnosticLine), ...(more > 0 ? [`and ${more} more`] : [])]
}
