import type { Diagnostic } from '../schema/diagnostics.ts'

/** Workflow commands of GitHub Actions: annotations at the lines of a pull request. */
export function githubReport(found: readonly Diagnostic[]): string {
  return found.map(command).join('')
}

function command({ severity, at, path, message, lint }: Diagnostic): string {
  const place = at.line === 0 ? {} : { line: at.line, col: at.column }
  const properties = { file: at.file, ...place, title: lint === undefined ? 'sluice' : `sluice ${lint}` }
  const list = Object.entries(properties).map(([key, value]) => `${key}=${property(String(value))}`)
  return `::${severity} ${list.join(',')}::${data(path === '' ? message : `${path}: ${message}`)}\n`
}

/** As actions/toolkit escapes what a command says. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
