import { type Diagnostic, diagnosticLine } from '../../../schema/diagnostics.ts'

/** Problems that are listed; a broken file may have a million. */
const MOST_TOLD = 1_000

/** One line for each, errors first: the first says why it was refused. */
export function problemLines(diagnostics: readonly Diagnostic[]): readonly string[] {
  const rank = ({ severity }: Diagnostic): number => Number(severity !== 'error')
  const told = diagnostics.toSorted((a, b) => rank(a) - rank(b)).slice(0, MOST_TOLD)
  const more = diagnostics.length - told.length
  return [...told.map(diagnosticLine), ...(more > 0 ? [`and ${more} more`] : [])]
}
