/** A place in the imported file. Lines count from 1. */
export interface SourceLine {
  readonly file: string
  readonly line: number
}

/** A part that was not carried over, or not unchanged. */
export interface LeftOut extends SourceLine {
  readonly what: string
  /** Why, and what to do about it. */
  readonly why: string
}

/** A value of the output: what `sluice check` reads, as plain data. Undefined members are left out. */
export type Plain = string | number | boolean | undefined | readonly Plain[] | Plains
export type Plains = { readonly [key: string]: Plain }

export interface DraftEntry {
  readonly origin: SourceLine
  readonly value: Plains
}

/** A Sluice file being made, and the parts that are left out. */
export class Draft {
  /** Keys before `listeners`, and `defaults`. */
  readonly top: Record<string, Plain> = {}
  /** Comments above some of these. */
  readonly notes = new Map<string, string>()
  readonly listeners = new Map<string, DraftEntry>()
  readonly profiles = new Map<string, DraftEntry>()
  readonly upstreams = new Map<string, DraftEntry>()
  readonly routes = new Map<string, DraftEntry>()
  private readonly found: LeftOut[] = []

  leave({ file, line }: SourceLine, what: string, why: string): void {
    const is = (other: LeftOut): boolean =>
      other.file === file && other.line === line && other.what === what && other.why === why
    if (!this.found.some(is)) this.found.push({ file, line, what, why })
  }

  /** In the order of the files. */
  get left(): readonly LeftOut[] {
    return this.found.toSorted((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1))
  }

  /** Puts a value under a readable name that is free. Returns the name. */
  add(to: 'listeners' | 'profiles' | 'upstreams' | 'routes', wanted: string, entry: DraftEntry): string {
    const base = nameOf(wanted)
    let name = base
    for (let i = 2; this[to].has(name); i++) name = `${base}-${i}`
    this[to].set(name, entry)
    return name
  }
}

/** Of any text one that is a name: letters, digits, dots and dashes. */
export function nameOf(text: string): string {
  const name = text
    .replace(/[^A-Za-z0-9._]+/g, '-')
    .replace(/^[-._]+|[-._]+$/g, '')
    .slice(0, 100)
  return name === '' ? 'all' : name
}

/** The name of a route by its host and path; undefined: any host. */
export function routeName(host: string | undefined, path: string): string {
  const where = host?.replace(/^\*\./, 'any.')
  const what = nameOf(path)
  if (where === undefined) return what
  return what === 'all' ? where : `${where}-${what}`
}
