import { type Diagnostic, suggestion } from '../../schema/diagnostics.ts'
import type { Node } from '../../schema/node.ts'
import { keyOf, type Path } from '../../schema/path.ts'
import type { Comment } from '../read/comments.ts'
import { BAD_IGNORE } from './lints/index.ts'

/** A finding with its place, before comments are applied. */
export interface PlacedFinding {
  readonly lint: string
  readonly path: Path
  readonly diagnostic: Diagnostic
}

/** The findings that no comment silences, and what is wrong with the comments. `names`: of all lints. */
export function silence(
  findings: readonly PlacedFinding[],
  comments: readonly Comment[],
  tree: Node,
  names: ReadonlySet<string>,
): readonly Diagnostic[] {
  if (comments.length === 0) return findings.map(({ diagnostic }) => diagnostic)
  const byLine = new Map<string, PlacedFinding[]>()
  for (const finding of findings) {
    for (const line of linesOf(finding, tree)) {
      const key = `${finding.lint} ${line}`
      const known = byLine.get(key)
      if (known === undefined) byLine.set(key, [finding])
      else known.push(finding)
    }
  }
  const silenced = new Set<PlacedFinding>()
  const found: Diagnostic[] = []
  for (const comment of comments) {
    const [, name = '', , reason = ''] = /^([\w-]*)(\s*:\s*(.*))?$/s.exec(comment.text) ?? []
    const meant = byLine.get(`${name} ${comment.at.file}:${comment.line}`) ?? []
    const problem = problemOf(name, reason, meant.length, names)
    if (problem !== undefined)
      found.push({ severity: 'warning', at: comment.at, path: '', message: problem, lint: BAD_IGNORE.name })
    if (reason !== '') for (const finding of meant) silenced.add(finding)
  }
  for (const finding of findings) if (!silenced.has(finding)) found.push(finding.diagnostic)
  return found
}

function problemOf(name: string, reason: string, count: number, names: ReadonlySet<string>): string | undefined {
  if (name === '') return 'the comment names no lint; write: # sluice-ignore NAME: reason'
  if (!names.has(name)) {
    const near = suggestion(name, names)
    return `there is no lint ${JSON.stringify(name)}${near === undefined ? '' : `; did you mean ${near}?`}`
  }
  if (count === 0) return `silences nothing: ${name} finds nothing here; remove the comment`
  return reason === '' ? `the reason is missing; write: # sluice-ignore ${name}: reason` : undefined
}

/** Lines that a comment may be about: that of the place, and those of the keys above it. */
function linesOf({ path, diagnostic }: PlacedFinding, tree: Node): ReadonlySet<string> {
  const keys = path.map((_, i) => keyOf(tree, path.slice(0, i + 1)))
  return new Set([diagnostic.at, ...keys].map(({ file, line }) => `${file}:${line}`))
}
