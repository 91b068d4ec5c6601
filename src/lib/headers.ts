/**
 * Header fields as a flat list: name, value, name, value, … in wire order, case and duplicates kept. Values are latin1
 * text, one character per byte.
 */
export type FlatHeaders = readonly string[]

const MAX_NAMES = 4096
const UPPER_A = 0x41
const UPPER_Z = 0x5a

/**
 * Lower-cases field names with a bounded memo: clients choose the names, so that a full memo is not extended. One instance
 * belongs to the engine or the listener of one thread.
 */
export class FieldNames {
  private readonly names = new Map<string, string>()

  lower(name: string): string {
    const known = this.names.get(name)
    if (known !== undefined) return known
    const lower = name.toLowerCase()
    if (this.names.size < MAX_NAMES) this.names.set(name, lower)
    return lower
  }
}

/** Whether a text begins with `lower`, which is lower-case, in any case. Most differ in the first letter. */
export function beginsWith(text: string, lower: string): boolean {
  if (text.length < lower.length) return false
  for (let i = 0; i < lower.length; i++) {
    const code = text.charCodeAt(i)
    const wanted = lower.charCodeAt(i)
    if (code !== wanted && (code < UPPER_A || code > UPPER_Z || (code | 0x20) !== wanted)) return false
  }
  return true
}

/** Whether it is the name of this field. `name` is lower-case. */
export function isNamed(candidate: string, name: string): boolean {
  return candidate.length === name.length && beginsWith(candidate, name)
}

/** The first value of a field, or undefined. `name` is lower-case. */
export function fieldValue(headers: FlatHeaders, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const candidate = headers[i] as string
    if (isNamed(candidate, name)) return headers[i + 1]
  }
  return undefined
}

/** All values of a list field, joined by commas; `''` if the field is absent. `name` is lower-case. */
export function fieldValues(headers: FlatHeaders, name: string): string {
  let joined = ''
  for (let i = 0; i < headers.length; i += 2) {
    const candidate = headers[i] as string
    if (!isNamed(candidate, name)) continue
    joined = joined === '' ? (headers[i + 1] as string) : `${joined},${headers[i + 1]}`
  }
  return joined
}

/** Removes fields in place; `names` are lower-case. */
export function removeFields(headers: string[], names: ReadonlySet<string>): void {
  let kept = 0
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (names.has(name.toLowerCase())) continue
    headers[kept++] = name
    headers[kept++] = headers[i + 1] as string
  }
  headers.length = kept
}
