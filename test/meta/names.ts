const EXPORTED =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:type|interface|class|function\*?|const|enum|namespace) (\w+)/gm

/** The names that a module exports by declaring them; re-exports in braces are none of its own. */
export function exportedNames(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(EXPORTED), ([, name]) => name as string))]
}

/** Names that more than one file exports, each with its files. A type and a value of one name in one file are one name. */
export function exportedTwice(sources: ReadonlyMap<string, string>): string[] {
  const files = new Map<string, string[]>()
  for (const [file, text] of sources)
    for (const name of exportedNames(text)) files.set(name, [...(files.get(name) ?? []), file])
  return [...files].filter(([, where]) => where.length > 1).map(([name, where]) => `${name}: ${where.join(', ')}`)
}
